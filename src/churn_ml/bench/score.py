"""Speed of scoring: what score, value and exact reasons of many customers take.

Enters: how many customers. Leaves: a JSON-able result. The champion is the boosting recipe as it
stands, 300 trees of depth 4, and the path is the real one: `scoring.score`, then the reasons as
JSON, beside the averages of as many segments as bands and stages make. The customers are synthetic
(fixed seed): the features of a small synthetic shop, each column drawn from its own values, missing
ones too, so that no two customers are alike; who churns is planted. Nothing may be learned from
such customers.

XGBoost's own contributions of the first 10,000 are the yardstick, in speed and in content. Worked
example: a million customers are some twenty blocks, of which each is scored and written before the
next.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml import features, reasons, scoring
from churn_ml.bench import synthetic
from churn_ml.config import Config, Contract, Shop
from churn_ml.errors import BadInput
from churn_ml.flow.weighing import recipe
from churn_ml.in_memory import canonical
from churn_ml.models import Bundle
from churn_ml.models.boosting import XGBoost
from churn_ml.models.example import ORIGIN, SETTING
from churn_ml.models.protocol import matrix
from churn_ml.models.value import ValueModel
from churn_ml.reasons import REASONS

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.house import Progress
    from churn_ml.models.protocol import Matrix

FEWEST = 1_000
SHOP_EVENTS = 200_000
"""Events of the synthetic shop whose columns are drawn from: 10,000 customers."""
LEARNED_ON = 20_000
COMPARED = 10_000
CLOSE = 2e-4
"""Two effects nearer than this may stand in either order."""
SEGMENTS = 54
"""Three bands of risk, three of value, six stages."""
SEED = 17
PLANTED = {"recency_days": 4.0, "order_days_90d": -3.0, "spend_90d": -1.0, "tenure_days": -1.0}
"""What a column's place, 0 to 1, adds to the logit of churn."""


def measure(rows: int, *, say: Progress) -> dict[str, Any]:
    """Score `rows` synthetic customers, and compare some of the reasons with XGBoost's own.

    Returns `rows, features, cpu_s, rows_per_cpu_s, compared, max_abs_diff` (of a contribution),
    `top3_identical` (whether the reasons are XGBoost's three strongest, of near equals either),
    `top3_swapped` (rows where two that are closer than 2e-4 stand in another order),
    `pred_contribs_rows_per_cpu_s`, and `peak_rss_mb` of the whole process. Raises BadInput below
    1,000 rows.

    >>> measure(999, say=lambda line: None)
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: too few to measure | got: 999 rows | expected: 1,000 or more
    """
    import pandas as pd

    if rows < FEWEST:
        raise BadInput("too few to measure", got=f"{rows} rows", expected=f"{FEWEST:,} or more")
    say("training a champion on synthetic customers")
    shop, rng = _shop(), np.random.default_rng(SEED)
    champion = _champion(_drawn(shop, LEARNED_ON, rng))
    customers = _drawn(shop, rows, rng)
    segment = pd.Series(np.arange(rows) % SEGMENTS, index=customers["customer_id"])
    say(f"scoring {rows:,} of them")
    began = time.process_time()
    told = scoring.score(champion, customers, ORIGIN.contract, spec_hash=ORIGIN.spec_hash)
    told = reasons.explained(champion, customers, told, segment)
    spent = time.process_time() - began
    say("XGBoost's own contributions beside it")
    some = min(rows, COMPARED)
    return {
        "rows": len(told),
        "features": len(champion.model.features),
        "cpu_s": round(spent, 1),
        "rows_per_cpu_s": round(len(told) / spent),
        **_beside(champion, customers.iloc[:some], told["reasons"].iloc[:some]),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _shop() -> pd.DataFrame:
    """The features of a small synthetic shop."""
    with tempfile.TemporaryDirectory(prefix="churn-ml-score-") as folder:
        file = synthetic.lay_out(Path(folder), SHOP_EVENTS)
        con = synthetic.connected(Path(folder), file, "500MB")
        tables = synthetic.tables(con, synthetic.ENDS) | canonical(products=synthetic.products())
        contract = Contract(name="bench", lookback_days=365)
        return features.build(tables, synthetic.ENDS, contract).iloc[:, 2:]


def _drawn(shop: pd.DataFrame, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """So many customers, each column drawn from the values it has in `shop`."""
    import pandas as pd

    values = np.empty((shop.shape[1], rows))
    for place, name in enumerate(shop.columns):
        values[place] = rng.choice(shop[name].to_numpy(float), rows)
    drawn = pd.DataFrame(values.T, columns=shop.columns, copy=False)
    drawn.insert(0, "customer_id", [f"c{number:09d}" for number in range(rows)])
    drawn.insert(1, "as_of", synthetic.ENDS)
    return drawn


def _champion(rows: pd.DataFrame) -> Bundle:
    """A boosted model and a value model that learned who churns and what a retained one spends."""
    rng = np.random.default_rng(SEED)
    logit = sum(rows[name].rank(pct=True).fillna(0.5) * add for name, add in PLANTED.items())
    label = np.asarray(rng.random(len(rows)) < 1 / (1 + np.exp(-logit)), np.int64)
    spent = rows["spend_90d"].fillna(0) / 3 * rng.lognormal(-0.18, 0.6, len(rows))
    panel = rows.assign(
        cut_off=synthetic.ENDS,
        label=label,
        treated=False,
        window_net_amount=np.where(label == 1, 0.0, spent),
    )
    of = recipe(Config(shop=Shop(name="synthetic", currency="EUR")))
    return Bundle(
        XGBoost.fit(rows.iloc[:, 2:], label, SETTING), ValueModel.fit(panel, of), 0.0, ORIGIN
    )


def _beside(champion: Bundle, customers: pd.DataFrame, told: pd.Series) -> dict[str, Any]:
    """XGBoost's own contributions of `customers`: their speed, and how far ours are from them."""
    model = champion.model
    assert isinstance(model, XGBoost)
    values = matrix(customers, model.features)
    began = time.process_time()
    theirs = model.explained(values)[:, :-1]
    spent = time.process_time() - began
    swapped, wrong = _orders(theirs, [json.loads(text) for text in told], model.features)
    return {
        "compared": len(values),
        "max_abs_diff": float(np.abs(model.contributions(customers) - theirs).max()),
        "top3_identical": wrong == 0,
        "top3_swapped": swapped,
        "pred_contribs_rows_per_cpu_s": round(len(values) / spent),
    }


def _orders(
    theirs: Matrix, told: list[list[dict[str, Any]]], names: tuple[str, ...]
) -> tuple[int, int]:
    """Rows whose reasons come in another order than `theirs`: among near equals, and wrongly.

    >>> near = [[{"indicator": "b"}, {"indicator": "a"}]]
    >>> _orders(np.array([[0.5, 0.4999]]), near, ("a", "b"))
    (1, 0)
    """
    number = {name: place for place, name in enumerate(names)}
    size = np.abs(theirs)
    swapped = wrong = 0
    for row, said, strongest in zip(size, told, np.argsort(-size, axis=1), strict=True):
        ours = np.array([number[reason["indicator"]] for reason in said], int)
        ours, best = ours[:REASONS], strongest[: min(len(ours), REASONS)]
        if (ours != best).any():
            far = np.abs(row[ours] - row[best]).max() >= CLOSE
            wrong, swapped = wrong + int(far), swapped + int(not far)
    return swapped, wrong


def table(told: dict[str, Any]) -> str:
    """The result as lines for a reader.

    >>> line = {"rows": 9, "features": 83, "cpu_s": 2.0, "rows_per_cpu_s": 4, "compared": 9,
    ...     "max_abs_diff": 2e-7, "top3_identical": True, "top3_swapped": 0,
    ...     "pred_contribs_rows_per_cpu_s": 1, "peak_rss_mb": 900}
    >>> print(table(line).splitlines()[0])
    score, value and reasons of 9 customers with 83 features: 2.0 cpu s, 4 a cpu s
    """
    same = "the same" if told["top3_identical"] else "NOT the same"
    return (
        f"score, value and reasons of {told['rows']:,} customers with {told['features']} features:"
        f" {told['cpu_s']} cpu s, {told['rows_per_cpu_s']:,} a cpu s\n"
        f"XGBoost's own contributions alone: {told['pred_contribs_rows_per_cpu_s']:,} a cpu s\n"
        f"of {told['compared']:,} compared: {same} three reasons, {told['top3_swapped']} times two"
        f" near equals in another order; largest difference {told['max_abs_diff']:.1e}\n"
        f"peak of memory: {told['peak_rss_mb']:,} MB"
    )
