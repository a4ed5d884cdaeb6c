"""Score: who is leaving, why, what each is worth and what is done about it.

Worked example: as of 2017-10-01 the champion is the inactivity rule; 2,036 of the 2,446 households
seen so far were active enough to be scored, the others are listed with their stage only.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import Transient
from churn_ml.flow.definitions import indicators
from churn_ml.flow.following import is_away
from churn_ml.flow.treatment import chosen
from churn_ml.house import House

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.models.bundle import Bundle
    from churn_ml.receipts import Receipt

WRITES = ("cohort", "features", "scores", "causes", "segments", "actions")
SAID_DAYS = 365
"""How long a stated reason counts."""


def score(house: House, as_of: date, *, repin: bool = False) -> Receipt:
    """Score the cohort with the champion of `as_of` and choose what is done for whom.

    Reads canonical tables and the champion; writes cohort, features, scores, causes, segments and
    actions. Without a champion nothing is written and the receipt says `no_champion`. Where MLflow
    is down the ledger's champion scores all the same, and the receipt says `registry_unreachable`
    (fault M2). Raises NotReady where data do not reach `as_of`, Transient where a contract that
    chooses before has yet to score it.
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
    import pandas as pd

    from churn_ml import actions, causes, cohort, features, merges, scoring, segments

    house, config, as_of = trial.house, trial.house.config, trial.as_of
    world = trial.canonical(as_of)
    zone = config.shop.time_zone
    people = cohort.cohort(world, as_of, config.contract, zone=zone)
    house.say(f"  {len(people):,} customers, {int(people['eligible'].sum()):,} to score")
    signs = indicators(config)
    rows = features.build(world, as_of, config.contract, indicators=signs, zone=zone)
    spec_hash = features.spec_hash(features.defining(bundle.features, signs))
    scores = scoring.score(bundle, rows, config.contract.stamp, spec_hash=spec_hash)
    why = causes.causes(rows, stated(world, as_of))
    ids, given = people["customer_id"], consents(world)
    gone = merges.survivors(world)
    arms = pd.Series(house.arms(ids), index=pd.Index(ids))
    placed = segments.segments(people, scores, arms, config.segments)
    chosen = actions.actions(
        scores,
        placed,
        given,
        merges.followed(house.suppressed([*ids, *gone]), gone),
        config,
        bundle.tau,
        key=house.holdout_key,
        contacted=merges.followed(_contacted(trial), gone),
    )
    for name, frame in zip(WRITES, (people, rows, scores, why, placed, chosen), strict=True):
        trial.write(name, frame)
        trial.count(name, len(people) if name in ("cohort", "segments") else len(rows), len(frame))
    trial.pins |= {"model": bundle.id, "contract": config.contract.stamp}
    trial.details |= {"model": bundle.id, "segments": sizes(placed, scores, chosen)}
    trial.details |= {"causes": causes.main_causes(why)["cause"].value_counts().to_dict()}
    trial.details |= {"consent": {"recorded": len(given), "default": config.consent.default}}
    trial.details |= {"stages": {k: int(v) for k, v in people["stage"].value_counts().items()}}


def stated(world: dict[str, ibis.Table], as_of: date) -> pd.Series:
    """The reason_code that a customer gave last, at most a year ago, by customer_id."""
    import pandas as pd

    if "surveys" not in world:
        return pd.Series(dtype=object)
    said = world["surveys"]
    recent = said.filter(said.day >= as_of - timedelta(days=SAID_DAYS), said.reason_code.notnull())  # noqa: PD004 (ibis)
    rows = recent.select("customer_id", "occurred_at", "survey_id", "reason_code").to_pyarrow()
    newest = rows.to_pandas().sort_values(["occurred_at", "survey_id"])
    found: pd.Series = newest.groupby("customer_id")["reason_code"].last()
    return found


def consents(world: dict[str, ibis.Table]) -> pd.Series:
    """Whether contact is consented, by customer_id, as valid at the cut of `world`."""
    import pandas as pd

    from churn_ml.warehouse import latest

    if "consents" not in world:
        return pd.Series(dtype=bool)
    said = world["consents"]
    rows = latest(said.filter(said.purpose == "contact"), ["customer_id"])
    given: pd.Series = rows.to_pyarrow().to_pandas().set_index("customer_id")["given"]
    return given


def _contacted(trial: Attempt) -> set[str]:
    """Customers whose would-be offer of the running contact window was one, in either arm.

    Under whatever contract it was: a customer is one person. Of one day the main contract chooses
    first, then the further ones as churn.toml lists them, so that each sees those before it.
    """
    config, as_of = trial.house.config, trial.as_of
    first = as_of - timedelta(days=config.policy.contact_window_days - 1)
    lines = ("", *config.contracts)
    own, today = lines.index(config.line), as_of + timedelta(days=1)
    ends = {line: today if place < own else as_of for place, line in enumerate(lines)}
    return chosen(trial, first, ends)


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
