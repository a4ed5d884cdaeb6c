"""Judge: the challenger against the champion on the newest matured rows.

Nothing of its verdict is decided here: `record` does that. Only an earlier verdict to promote that
nobody answered is recorded, as refused.

Enters: the training of an as_of, the champion, the panel. Leaves: a receipt with the verdict and
every figure behind it, which `record` decides on. Worked example: on 2017-10-01 there is no
champion, so the verdict is that the inactivity rule becomes the first; on 2017-11-01 the best
candidate of that day's training is weighed against it on the rows of 2017-10-01.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import BadConfig
from churn_ml.flow import refreshing, telling, weighing
from churn_ml.flow.definitions import known_to
from churn_ml.flow.record import decide, recorded
from churn_ml.house import House

if TYPE_CHECKING:
    from churn_ml.gate.evidence import Evidence
    from churn_ml.gate.lanes import Refresh
    from churn_ml.gate.policies import PolicyOnRows
    from churn_ml.gate.verdicts import Verdict
    from churn_ml.ledger import Decision, Publication
    from churn_ml.models.bundle import Bundle
    from churn_ml.receipts import Receipt


def judge(house: House, as_of: date) -> Receipt:
    """Weigh the challenger of `as_of` against the champion; the receipt holds the verdict.

    Reads the panel, both models and the ledger. The same pair on the same evidence gets the stored
    verdict. An earlier verdict to promote that nobody answered is first recorded as refused: it
    has spent its alpha. Raises NotReady where nothing was trained for `as_of`, BadConfig where
    it was trained under other settings.
    """
    with attempt(house, "judge", as_of, (), repin=True) as trial:
        trained = _training(house, as_of)
        _lapse(house, as_of)
        decided = _decided(house, as_of, set(trained.pins["candidates"].values()))
        former = decided.champion_from if decided else house.champion(as_of)
        trial.details |= _weigh(trial, trained.pins, former)
        trial.status = str(trial.details["decision"])
    return trial.receipt


def _training(house: House, as_of: date) -> Publication:
    """The training of `as_of`, done under the present settings."""
    trained = house.publication("train", as_of)
    if trained is None:
        raise house.before("train", "no training to judge", as_of)
    if trained.pins["settings"] != house.config.told("train"):
        raise BadConfig(
            "churn.toml changed since the training that is to be judged",
            where=as_of.isoformat(),
            next_step=f"churn-ml train --as-of {as_of.isoformat()} --repin",
        )
    return trained


def _lapse(house: House, as_of: date) -> None:
    """Refuse the last verdict to promote before `as_of` where nobody answered it in time."""
    last = house.newest("judge", upto=as_of - timedelta(days=1))
    if last is None:
        return
    told = last.pins["verdict"]
    if told["decision"] == "promote" and not recorded(house, told):
        decide(house, last.as_of, told, "refuse", None)


def _decided(house: House, as_of: date, candidates: set[str]) -> Decision | None:
    """The decision already taken for this as_of on one of these candidates."""
    mine = [d for d in house.decisions() if d.as_of == as_of and d.champion_to in candidates]
    return mine[-1] if mine else None


def _weigh(trial: Attempt, pins: Any, former: str | None) -> dict[str, Any]:
    """The verdict with every figure behind it, ready for JSON."""
    house, config = trial.house, trial.house.config
    panel = weighing.judged(trial.frame("panel", trial.as_of), house.held_out)
    bundles = {name: house.bundle(model_id) for name, model_id in pins["candidates"].items()}
    reigning = house.bundle(former) if former else None
    champion = reigning if reigning and known_to(reigning, config) else bundles["rule"]
    seen = set(weighing.earlier(panel, "evaluate")["customer_id"])
    frozen = weighing.evidence(config, panel, "evaluate", seen)
    simple = weighing.references(bundles["rule"], panel, "evaluate", frozen)
    reference = weighing.best_simple(config, panel, bundles["rule"])
    rows = weighing.rows_of(panel, "evaluate")
    house.say(f"  {len(rows):,} matured rows, {len(bundles)} candidates and the champion")

    def scored(name: str, bundle: Bundle, tau: float | None = None) -> PolicyOnRows:
        return weighing.policy(name, bundle, rows, frozen, tau)

    def of_today(name: str, bundle: Bundle) -> PolicyOnRows:
        return scored(name, bundle, weighing.retuned(bundle, config, panel))

    # both thresholds are of the same day: what a stale one costs is no merit of the challenger
    today = of_today("champion", champion)
    policies = [
        today,
        *(scored(name, bundle) for name, bundle in bundles.items()),
    ]
    told: dict[str, Any] = {"reference": reference}
    told["models"] = telling.side_by_side(config, policies, simple, reference, frozen)
    if former is None or champion is not reigning:
        told |= _first(former, bundles["rule"].id, frozen.hash)
    else:
        pair = (former, champion), (pins["challenger"], house.bundle(pins["challenger"]))
        sides = {
            "champion": replace(today, name=former),
            "as_trained": scored(former, champion),
            "challenger": scored(*pair[1]),
            "reference": simple[reference],
            "rule": simple["rule"],
        }
        refresh = refreshing.asked(house, trial.as_of, pair, of_today, sides["champion"])
        told |= _verdict(trial, sides, frozen, refresh)
        told["chosen"] = telling.chosen(pins, config.shop.currency)
    trial.pins["verdict"] = told
    return told


def _first(former: str | None, rule: str, evidence_hash: str) -> dict[str, Any]:
    """The verdict where no champion can be weighed: the rule is it, as under a new contract."""
    why = f"the features of {former} are built otherwise now" if former else "no champion yet"
    return {
        "decision": "first",
        "champion_from": former,
        "challenger": rule,
        "evidence_hash": evidence_hash,
        "reasons": [f"{why}: the inactivity rule is it until a model of a later training beats it"],
        "interval": None,
        "grade": None,
        "alpha_spent": 0.0,
    }


def _verdict(
    trial: Attempt, sides: dict[str, PolicyOnRows], frozen: Evidence, refresh: Refresh | None
) -> dict[str, Any]:
    """The gate's verdict on champion and challenger, or the ledger's on the same evidence."""
    from churn_ml.economics import Terms
    from churn_ml.gate.diagnosis import diagnosis
    from churn_ml.gate.trial import Trial, verdict

    house, config = trial.house, trial.house.config
    taus = {name: sides[name].tau for name in ("champion", "challenger")}
    as_trained = sides.pop("as_trained")
    weighed = Trial(
        **sides,
        evidence=frozen,
        terms=Terms.of(config),
        gate=config.gate,
        contract=config.contract,
        currency=config.shop.currency,
        alpha_spent=house.ledger.alpha_spent(trial.as_of.year, contract=config.contract.name),
        as_trained=None if as_trained.tau == taus["champion"] else as_trained,
        refresh=refresh,
    )
    pair = sides["champion"].name, sides["challenger"].name
    found = verdict(weighed, _stored(house, *pair, frozen.hash))
    told: dict[str, Any] = json.loads(found.to_json())
    if not found.repeated:
        told["diagnosis"] = diagnosis(weighed)
    taus["champion_as_trained"] = as_trained.tau
    return told | {"champion_from": pair[0], "taus": taus}


def _stored(house: House, champion: str, challenger: str, evidence_hash: str) -> Verdict | None:
    """The verdict that a decision on this pair and evidence already rests on."""
    from churn_ml.gate.verdicts import Verdict

    found = house.ledger.stored_verdict(champion, challenger, evidence_hash)
    if found is None:
        return None
    fields = set(Verdict.__dataclass_fields__)
    return Verdict.from_json(json.dumps({k: v for k, v in found.verdict.items() if k in fields}))
