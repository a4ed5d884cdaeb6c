"""Score: who is leaving, why, what each is worth and what is done about it.

Worked example: as of 2017-10-01 the champion is the inactivity rule; 2,036 of the 2,446 households
seen so far were active enough to be scored, the others are listed with their stage only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml import slices
from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import Transient
from churn_ml.flow import said
from churn_ml.flow.deciding import decided
from churn_ml.flow.definitions import built, indicators
from churn_ml.flow.following import is_away
from churn_ml.house import House
from churn_ml.offers.markets import recommendations

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.features.indicator import Indicator
    from churn_ml.flow.deciding import Tables
    from churn_ml.models.bundle import Bundle
    from churn_ml.receipts import Receipt

WRITES = ("cohort", "features", "scores", "causes", "segments", "named_segments", "actions")


def score(house: House, as_of: date, *, repin: bool = False) -> Receipt:
    """Score the cohort with the champion of `as_of` and choose what is done for whom.

    Reads canonical tables and the champion; writes cohort, features, scores, causes, segments,
    named segments and actions. Without a champion nothing is written and the receipt says
    `no_champion`. Where MLflow is down the ledger's champion scores all the same, and the receipt
    says `registry_unreachable` (fault M2). Raises NotReady where data do not reach `as_of`,
    Transient where a contract that chooses before has yet to score it.
    """
    with attempt(house, "score", as_of, WRITES, repin=repin) as trial:
        house.watermark(as_of)
        model_id = trial.pinned("model") or house.champion(as_of)
        if model_id is None:
            trial.leave("no_champion")
        else:
            if trial.former is None:
                _in_turn(house, as_of)
            _score(trial, house.bundle(model_id))
            if is_away(house):
                trial.details["registry_unreachable"] = True
                house.say(
                    "  MLflow does not answer: scored with the champion that the ledger names"
                )
    return trial.receipt


def _in_turn(house: House, as_of: date) -> None:
    """Raise Transient where a contract before this one has a champion, and not scored `as_of`."""
    lines = ("", *house.config.contracts)
    for line in lines[: lines.index(house.config.line)]:
        before = house.under(line)
        if before.champion(as_of) and before.publication("score", as_of) is None:
            contract = f" --contract {line}" if line else ""
            raise Transient(
                "a contract that chooses before this one has not scored this day yet",
                where=f"score under {house.config.line}, as of {as_of.isoformat()}",
                got=f"nothing under {line or 'the main contract'}",
                expected="its actions: nobody is contacted under two contracts at once",
                next_step=f"churn-ml score --as-of {as_of.isoformat()}{contract}, then try again",
            )


def _score(trial: Attempt, bundle: Bundle) -> None:
    config = trial.house.config
    world = trial.canonical(trial.as_of)
    made = _scored(trial, bundle, world)
    made |= decided(trial, bundle, world, made)
    for name in WRITES:
        of = made["cohort" if name in ("cohort", "segments") else "features"]
        trial.write(name, made[name])
        trial.count(name, len(of), len(made[name]))
    trial.pins |= {"model": bundle.id, "contract": config.contract.stamp}
    trial.details |= {"model": bundle.id} | _told(made, slices.told(world))


def _scored(trial: Attempt, bundle: Bundle, world: Tables) -> dict[str, pd.DataFrame]:
    """The cohort, and features, scores and causes of those to score; who objects is left out."""
    from churn_ml import causes, cohort, features, scoring

    house, config, as_of = trial.house, trial.house.config, trial.as_of
    zone, contract = config.shop.time_zone, config.contract
    people = cohort.cohort(world, as_of, contract, zone=zone)
    house.say(f"  {len(people):,} customers, {int(people['eligible'].sum()):,} to score")
    objecting = said.objectors(world)
    people["eligible"] &= ~people["customer_id"].isin(objecting)
    signs = indicators(config)
    rows = features.build(world, as_of, contract, indicators=signs, zone=zone)
    rows = rows[~rows["customer_id"].isin(objecting)]
    scores = scoring.score(bundle, rows, contract.stamp, spec_hash=built(bundle, config))
    speaking = rows.drop(columns=_silent(world, signs), errors="ignore")
    why = causes.causes(speaking, said.stated(world, as_of))
    return {"cohort": people, "features": rows, "scores": scores, "causes": why}


def _silent(world: Tables, signs: Sequence[Indicator]) -> list[str]:
    """Of the features that causes read: those that say nothing of this shop."""
    from churn_ml.causes import CAUSES
    from churn_ml.preflight import silent

    read = {feature for cause in CAUSES for feature in cause.features}
    return sorted(silent(world, [one for one in signs if one.filled and read & {*one.names}]))


def _told(made: Mapping[str, pd.DataFrame], attributes: pd.DataFrame) -> dict[str, Any]:
    """What the receipt says of the day: segments, stages, causes, and what markets may do."""
    from churn_ml.causes import main_causes

    main, scores = main_causes(made["causes"])["cause"], made["scores"]
    country = attributes.set_index("customer_id")["country"]
    ids = scores["customer_id"]
    found = scores[["customer_id"]].assign(cause=ids.map(main), market=ids.map(country))
    return {
        "segments": sizes(made["segments"], scores, made["actions"]),
        "causes": main.value_counts().to_dict(),
        "for_markets": recommendations(found),
        "stages": {k: int(v) for k, v in made["cohort"]["stage"].value_counts().items()},
    }


def sizes(placed: pd.DataFrame, scores: pd.DataFrame, chosen: pd.DataFrame) -> list[dict[str, Any]]:
    """Customers, value at risk, offers and holdout per segment, by value at risk.

    Parameters: the frames of one as_of, one row per customer_id. Returns: JSON-able rows.
    """
    rows = placed.merge(scores[["customer_id", "value_at_risk"]], how="left").merge(
        chosen[["customer_id", "offer"]], how="left"
    )
    grouped = rows.assign(
        offered=rows["offer"].notna() & (rows["offer"] != "NONE"), held=rows["arm"] == "holdout"
    ).groupby("segment", sort=True)
    told = [
        {
            "segment": segment,
            "customers": len(part),
            "value_at_risk": round(float(part["value_at_risk"].sum()), 2),
            "offered": int(part["offered"].sum()),
            "holdout": int(part["held"].sum()),
        }
        for segment, part in grouped
    ]
    return sorted(told, key=lambda row: (-row["value_at_risk"], row["segment"]))
