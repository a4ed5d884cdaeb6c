"""Naming: which named segments each customer is in, from what a score made of one as_of.

Enters: the canonical tables and the frames of the day's score. Leaves: the rows of the table
`named_segments`. Worked example: as of 2017-10-01 h1 is HIGH_VALUE and CAUSE_LOGISTICS_SLOW; who
objects to profiling is in none.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis
    import pandas as pd

    from churn_ml.config import Config


def named_segments(
    world: Mapping[str, ibis.Table],
    as_of: date,
    config: Config,
    made: Mapping[str, pd.DataFrame],
    tau: float,
) -> pd.DataFrame:
    """The named segments of the cohort: the rows of tables.NAMED_SEGMENTS.

    `made`: cohort, features, scores, causes, segments and attributes of `as_of`, each by
    customer_id; `tau`: the champion's threshold, which a gain must exceed to pay.
    """
    from churn_ml import causes, segments

    placed, scores = made["segments"], made["scores"]
    main = causes.main_causes(made["causes"]).reset_index()
    frames = {
        "cohort": made["cohort"][["customer_id", "one_time", "first_order_at"]],
        "gains": scores[["customer_id"]].assign(best_gain=_best_gain(scores, config) - tau),
        "signs": segments.signs(made["features"]),
        "causes": main[["customer_id", "cause", "type"]],
        "tiers": made["attributes"][["customer_id", "tier"]],
        "clusters": segments.clusters(scores, made["features"], config.segments.clusters),
    }
    seen = placed[placed["segment"] != segments.OPTED_OUT]
    rows = segments.gathered(world, as_of, seen, frames, config.segments)
    return segments.named(rows, config.segments)


def _best_gain(scores: pd.DataFrame, config: Config) -> pd.Series:
    """What the best offer of the contract would earn on each customer, whoever may have it."""
    import pandas as pd

    from churn_ml.economics import Terms, gains
    from churn_ml.targeting import best_offer

    table = gains(
        scores["score"].to_numpy(float), scores["value"].to_numpy(float), Terms.of(config)
    )
    return pd.Series(best_offer(table)[1], index=scores.index)
