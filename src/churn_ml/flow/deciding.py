"""Deciding: what each scored customer is to the shop, and what is done for whom.

Enters: the canonical tables at the cut, with cohort, features, scores and causes of one attempt.
Leaves: segments, the scores with their reasons, named segments and actions, and in the attempt what
they were decided by: the threshold, the save rates, the edges of risk. Worked example: as of
2017-10-01 `h1` is at high risk and of high value, named HV_DECLINING, and chosen for BASKET_5 by
the threshold 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeAlias

from churn_ml.attempt import Attempt
from churn_ml.economics import Terms
from churn_ml.flow import said
from churn_ml.flow.naming import named_segments
from churn_ml.flow.treatment import chosen
from churn_ml.offers.catalogue import ANY
from churn_ml.offers.eligibility import IN_ARREARS
from churn_ml.offers.known import Known

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.config import Config
    from churn_ml.models.bundle import Bundle

    Tables: TypeAlias = dict[str, ibis.Table]


def decided(
    trial: Attempt, bundle: Bundle, world: Tables, made: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Segments, scores, named segments and actions of the attempt's day, by the tables' names.

    `made`: cohort, features, scores and causes; a score gets its reasons here, since they are told
    beside the average of the customer's segment. Pins the threshold and the save rates, so that the
    day done again decides alike.
    """
    from churn_ml import reasons, slices
    from churn_ml.flow import saving

    rates = saving.save_rates(trial)
    config = saving.rated(trial.house.config, rates)
    pinned = trial.pinned("tau")
    tau = trial.house.tau(bundle, trial.as_of) if pinned is None else pinned
    trial.pins |= {"tau": tau, "save_rates": rates}
    trial.details |= {"save_rates": rates}
    placed = _placed(trial, config, tau, world, made)
    segment = placed.set_index("customer_id")["segment"]
    scores = reasons.explained(bundle, made["features"], made["scores"], segment)
    known = {**made, "scores": scores, "segments": placed, "attributes": slices.told(world)}
    named = named_segments(world, trial.as_of, config, known, tau)
    actions = _actions(trial, config, tau, world, known | {"named": named})
    return {"segments": placed, "scores": scores, "named_segments": named, "actions": actions}


def _placed(
    trial: Attempt, config: Config, tau: float, world: Tables, made: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """The segment and the arm of everybody in the cohort; who objects to profiling has no other."""
    import pandas as pd

    from churn_ml import segments

    people, scores = made["cohort"], made["scores"]
    ids = people["customer_id"]
    arms = pd.Series(trial.house.arms(ids), index=pd.Index(ids))
    edges = segments.edges(config.segments, scores["value"], Terms.of(config), tau)
    placed = segments.segments(people, scores, arms, edges)
    out = placed["customer_id"].isin(said.objectors(world))
    placed.loc[out.to_numpy(), "segment"] = segments.OPTED_OUT
    trial.details |= {
        "risk_edges": [edges.high_risk_score, edges.medium_risk_score],
        "consent": {"profiling_opt_out": int(out.sum())},
    }
    return placed


def _actions(
    trial: Attempt, config: Config, tau: float, world: Tables, made: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """What is done for every scored customer."""
    from churn_ml import actions
    from churn_ml.merges import followed, survivors

    house, given, gone = trial.house, said.consents(world), survivors(world)
    found = actions.actions(
        made["scores"],
        made["segments"],
        given,
        followed(house.suppressed([*made["cohort"]["customer_id"], *gone]), gone),
        config,
        tau,
        key=house.holdout_key,
        contacted=followed(_contacted(trial), gone),
        known=_known(trial, world, made, gone),
    )
    trial.details |= {"choice": dict(found.attrs)}
    trial.details["consent"] |= {"recorded": len(given), "default": config.consent.default}
    return found


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
    world: Tables,
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
