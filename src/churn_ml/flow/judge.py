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
from churn_ml.flow import randomised, refreshing, saving, telling, weighing
from churn_ml.flow.definitions import known_to
from churn_ml.flow.evaluated import Evaluated
from churn_ml.flow.record import decide, recorded
from churn_ml.house import House
from churn_ml.ledger import ASKED, TAU

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from churn_ml.gate.evidence import Evidence
    from churn_ml.gate.policies import PolicyOnRows
    from churn_ml.gate.trial import Trial
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


def _day_before(as_of: date) -> date:
    return as_of - timedelta(days=1)


def _lapse(house: House, as_of: date) -> None:
    """Refuse the last verdict before `as_of` that asked a person, where nobody answered in time."""
    last = house.newest("judge", upto=_day_before(as_of))
    if last is None:
        return
    told = last.pins["verdict"]
    if told["decision"] in ASKED and not recorded(house, told):
        decide(house, last.as_of, told, "refuse", None)


def _decided(house: House, as_of: date, candidates: set[str]) -> Decision | None:
    """The decision already taken for this as_of on one of these candidates."""
    mine = [d for d in house.decisions() if d.as_of == as_of and d.champion_to in candidates]
    return mine[-1] if mine else None


def _weigh(trial: Attempt, pins: Any, former: str | None) -> dict[str, Any]:
    """The verdict with every figure behind it, ready for JSON."""
    house, whole = trial.house, trial.frame("panel", trial.as_of)
    config = saving.rated(house.config, pins.get("save_rates", {}))
    bundles = {name: house.bundle(model_id) for name, model_id in pins["candidates"].items()}
    reigning = house.bundle(former) if former else None
    champion = reigning if reigning and known_to(reigning, config) else bundles["rule"]
    on = Evaluated.of(config, weighing.judged(whole, house.held_out), champion)
    house.say(f"  {len(on.rows):,} matured rows, {len(bundles)} candidates and the champion")
    # both thresholds are of the same day: what a stale one costs is no merit of the challenger
    today = on.of_today("champion", champion)
    simple = weighing.references(bundles["rule"], on.panel, "evaluate", on.frozen)
    told = _side_by_side(on, bundles, today, simple)
    if former is None or champion is not reigning:
        told |= _first(former, bundles["rule"].id, on.frozen)
    else:
        best = simple[told["reference"]], simple["rule"]
        challenger = house.bundle(pins["challenger"])
        told |= _verdict(trial, on, whole, (champion, challenger), (today, *best))
        told["chosen"] = telling.chosen(pins, config.shop.currency)
    trial.pins["verdict"] = told
    return told


def _side_by_side(
    on: Evaluated,
    bundles: Mapping[str, Bundle],
    today: PolicyOnRows,
    simple: Mapping[str, PolicyOnRows],
) -> dict[str, Any]:
    """The figures of champion and candidates, and what they are graded against."""
    reference = weighing.best_simple(on.config, on.panel, bundles["rule"])
    policies = [today, *(on.scored(name, bundle) for name, bundle in bundles.items())]
    models = telling.side_by_side(on.config, policies, simple, reference, on.frozen)
    return {"reference": reference, "models": models}


def _first(former: str | None, rule: str, frozen: Evidence) -> dict[str, Any]:
    """The verdict where no champion can be weighed: the rule is it, as under a new contract."""
    why = f"the features of {former} are built otherwise now" if former else "no champion yet"
    return {
        "decision": "first",
        "champion_from": former,
        "challenger": rule,
        "evidence_hash": frozen.hash,
        "evaluated_on": list(frozen.days),
        "reasons": [f"{why}: the inactivity rule is it until a model of a later training beats it"],
        "interval": None,
        "grade": None,
        "alpha_spent": 0.0,
    }


def _verdict(
    trial: Attempt,
    on: Evaluated,
    whole: pd.DataFrame,
    pair: tuple[Bundle, Bundle],
    others: tuple[PolicyOnRows, PolicyOnRows, PolicyOnRows],
) -> dict[str, Any]:
    """The gate's verdict on champion and challenger, or the ledger's on the same evidence.

    `whole`: the panel with those who were contacted; `others`: the champion with a threshold of
    today, the reference, the rule.
    """
    from churn_ml.gate.diagnosis import diagnosis
    from churn_ml.gate.judging import verdict

    house, (champion, challenger) = trial.house, pair
    weighed, in_force = _trial(trial, on, pair, others)
    found = verdict(weighed, _stored(house, champion.id, challenger.id, on.frozen.hash))
    told: dict[str, Any] = json.loads(found.to_json())
    taus = {"champion": weighed.champion.tau, "challenger": weighed.challenger.tau}
    if not found.repeated:
        sides = {"champion": (champion, taus["champion"])}
        sides["challenger"] = (challenger, taus["challenger"])
        told["diagnosis"] = diagnosis(weighed)
        told["diagnosis"]["randomised"] = randomised.measured(trial, on, whole, sides)
    taus["champion_in_force"] = in_force
    return told | {"champion_from": champion.id, "taus": taus, TAU: taus["champion"]}


def _trial(
    trial: Attempt,
    on: Evaluated,
    pair: tuple[Bundle, Bundle],
    others: tuple[PolicyOnRows, PolicyOnRows, PolicyOnRows],
) -> tuple[Trial, float]:
    """What the gate looks at, and the threshold that the champion has worked with."""
    from churn_ml.economics import Terms
    from churn_ml.gate.trial import Trial

    house, config, (champion, challenger) = trial.house, on.config, pair
    today, reference, rule = others
    today = replace(today, name=champion.id)
    # a decision of this very day rests on this verdict
    in_force = house.tau(champion, _day_before(trial.as_of))
    stale = on.scored(champion.id, champion, in_force)
    asked = refreshing.asked(house, trial.as_of, pair, on.of_today, today)
    weighed = Trial(
        champion=today,
        challenger=on.scored(challenger.id, challenger),
        reference=reference,
        rule=rule,
        evidence=on.frozen,
        terms=Terms.of(config),
        gate=config.gate,
        contract=config.contract,
        currency=config.shop.currency,
        alpha_spent=house.ledger.alpha_spent(trial.as_of.year, contract=config.contract.name),
        in_force=None if in_force == today.tau else stale,
        refresh=asked,
    )
    return weighed, in_force


def _stored(house: House, champion: str, challenger: str, evidence_hash: str) -> Verdict | None:
    """The verdict that a decision on this pair and evidence already rests on."""
    from churn_ml.gate.verdicts import Verdict

    found = house.ledger.stored_verdict(champion, challenger, evidence_hash)
    if found is None:
        return None
    fields = set(Verdict.__dataclass_fields__)
    return Verdict.from_json(json.dumps({k: v for k, v in found.verdict.items() if k in fields}))
