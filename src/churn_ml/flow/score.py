"""Score: who is leaving, why, what each is worth and what is done about it.

Worked example: as of 2017-10-01 the champion is the inactivity rule; 2,036 of the 2,446 households
seen so far were active enough to be scored, the others are listed with their stage only.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import Attempt, attempt
from churn_ml.economics import Terms
from churn_ml.errors import Transient
from churn_ml.flow import said
from churn_ml.flow.definitions import built, indicators
from churn_ml.flow.following import is_away
from churn_ml.flow.naming import named_segments
from churn_ml.flow.treatment import chosen
from churn_ml.house import House
from churn_ml.offers.catalogue import ANY
from churn_ml.offers.eligibility import IN_ARREARS
from churn_ml.offers.known import Known
from churn_ml.offers.markets import recommendations

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis
    import pandas as pd

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
    import pandas as pd

    from churn_ml import actions, causes, cohort, features, merges, scoring, segments, slices
    from churn_ml.flow import saving

    house, config, as_of = trial.house, trial.house.config, trial.as_of
    world = trial.canonical(as_of)
    zone = config.shop.time_zone
    people = cohort.cohort(world, as_of, config.contract, zone=zone)
    house.say(f"  {len(people):,} customers, {int(people['eligible'].sum()):,} to score")
    signs, out = indicators(config), people["customer_id"].isin(said.objectors(world))
    people["eligible"] &= ~out
    rows = features.build(world, as_of, config.contract, indicators=signs, zone=zone)
    rows = rows[~rows["customer_id"].isin(people.loc[out, "customer_id"])]
    scores = scoring.score(bundle, rows, config.contract.stamp, spec_hash=built(bundle, config))
    why = causes.causes(rows, said.stated(world, as_of))
    ids, given = people["customer_id"], said.consents(world)
    gone = merges.survivors(world)
    arms = pd.Series(house.arms(ids), index=pd.Index(ids))
    rates = saving.save_rates(trial)
    priced = saving.rated(config, rates)
    decided = trial.pinned("tau")
    tau = house.tau(bundle, as_of) if decided is None else decided
    edges = segments.edges(config.segments, scores["value"], Terms.of(priced), tau)
    placed = segments.segments(people, scores, arms, edges)
    placed.loc[out.to_numpy(), "segment"] = segments.OPTED_OUT
    frames = (people, rows, scores, why, placed, slices.told(world))
    made = dict(zip((*WRITES[:5], "attributes"), frames, strict=True))
    named = named_segments(world, as_of, config, made, tau)
    chosen = actions.actions(
        scores,
        placed,
        given,
        merges.followed(house.suppressed([*ids, *gone]), gone),
        priced,
        tau,
        key=house.holdout_key,
        contacted=merges.followed(_contacted(trial), gone),
        known=_known(trial, world, made | {"named": named}, gone),
    )
    for name, frame in zip(WRITES, (*frames[:5], named, chosen), strict=True):
        trial.write(name, frame)
        trial.count(name, len(people) if name in ("cohort", "segments") else len(rows), len(frame))
    trial.pins |= {"model": bundle.id, "tau": tau, "contract": config.contract.stamp}
    trial.pins["save_rates"] = trial.details["save_rates"] = rates
    trial.details |= {"choice": dict(chosen.attrs)}
    trial.details |= {"risk_edges": [edges.high_risk_score, edges.medium_risk_score]}
    trial.details |= {"model": bundle.id, "segments": sizes(placed, scores, chosen)}
    main = causes.main_causes(why)["cause"]
    trial.details |= {"causes": main.value_counts().to_dict()}
    markets = made["attributes"].set_index("customer_id")["country"]
    found = scores[["customer_id"]].assign(
        cause=scores["customer_id"].map(main), market=scores["customer_id"].map(markets)
    )
    trial.details |= {"for_markets": recommendations(found)}
    recorded = {"recorded": len(given), "default": config.consent.default}
    trial.details |= {"consent": recorded | {"profiling_opt_out": int(out.sum())}}
    trial.details |= {"stages": {k: int(v) for k, v in people["stage"].value_counts().items()}}


def _ends(trial: Attempt) -> dict[str, date]:
    """Line of a contract -> the as_of before which its actions are seen.

    A customer is one person, whatever the contract. Of one day the main contract chooses first,
    then the further ones as churn.toml lists them, so that each sees those before it.
    """
    lines = ("", *trial.house.config.contracts)
    own, as_of = lines.index(trial.house.config.line), trial.as_of
    return {
        line: as_of + timedelta(days=1) if place < own else as_of
        for place, line in enumerate(lines)
    }


def _contacted(trial: Attempt) -> set[str]:
    """Customers whose would-be offer of the running contact window was one, in either arm."""
    window = trial.house.config.policy.contact_window_days
    return chosen(trial, trial.as_of - timedelta(days=window - 1), _ends(trial))


def _known(
    trial: Attempt,
    world: dict[str, ibis.Table],
    made: Mapping[str, pd.DataFrame],
    gone: Mapping[str, str],
) -> Known:
    """What decides who may be asked what, beside segment and consent."""
    from churn_ml.merges import followed

    offers = trial.house.config.own_offers
    had, named = said.offered(trial, offers, _ends(trial)), made["named"]
    asked = tuple(one.removesuffix(ANY) for offer in offers for one in offer.segments)
    names = [one for one in named["segment"].unique() if one.startswith((*asked, IN_ARREARS))]
    return Known(
        causes=made["causes"],
        named=named[named["segment"].isin(names)],
        tiers=made["attributes"].set_index("customer_id")["tier"],
        channels=said.channels(world),
        complaining=said.complaining(world),
        recent={code: followed(whom, gone) for code, whom in had.items()},
    )


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
