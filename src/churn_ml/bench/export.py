"""Speed of the export: how long a first load takes, and a day on which one in a hundred changed.

Enters: how many customers. Leaves: a JSON-able result. The customers are synthetic (fixed seed),
the way is the real one: the payload of every customer, the plan against the ledger, the file, the
acknowledgement. Worked example: of 1 M customers the first export sends 1,000,000 rows, the next
day's 10,000, and nobody else.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml import crm
from churn_ml.crm.file import FileDestination
from churn_ml.errors import BadInput, BrokenPromise
from churn_ml.ledger import Ledger

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.house import Progress

FEWEST = 1_000
SEED = 17
DAY = date(2017, 10, 1)
CHANGED_SHARE = 0.01
SCORE_STEP = 0.05
INDICATORS = (
    "recency_days",
    "gap_ratio",
    "spend_90d",
    "late_share_180d",
    "visits_30d",
    "csat_last",
)
REASONS = 3


def measure(rows: int, *, say: Progress) -> dict[str, Any]:
    """A first export of `rows` synthetic customers to a file, and one of a day later.

    Returns `rows, first_s, delta_s, sent_first, sent_delta` in seconds of the clock and rows, the
    processor's seconds beside them, and the peak of memory. Raises BadInput below 1,000 rows, and
    BrokenPromise where another row was sent than those that changed.

    >>> told = measure(1_000, say=lambda line: None)
    >>> told["sent_first"], told["sent_delta"]
    (1000, 10)
    """
    if rows < FEWEST:
        raise BadInput("too few to measure", got=f"{rows} rows", expected=f"{FEWEST:,} or more")
    say(f"{rows:,} synthetic customers")
    tables, changed = customers(rows), round(rows * CHANGED_SHARE)
    with tempfile.TemporaryDirectory(prefix="churn-ml-export-") as folder:
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.sqlite")
        target = FileDestination("bench", Path(folder) / "crm", ledger.id)
        guard = crm.Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))
        outbox = crm.Outbox(target, ledger, guard, clock=lambda: datetime.now(UTC))
        say("the first load")
        first = _export(outbox, tables, DAY)
        say(f"a day later, {changed:,} of them changed")
        later = _export(outbox, later_of(tables, changed), DAY + timedelta(days=1))
    if (first["sent"], later["sent"]) != (rows, changed):
        raise BrokenPromise(
            "an export sent other rows than those that changed",
            where="bench export",
            got=f"{first['sent']} and {later['sent']} rows",
            expected=f"{rows} and {changed}",
        )
    return {
        "rows": rows,
        "first_s": first["wall_s"],
        "delta_s": later["wall_s"],
        "sent_first": first["sent"],
        "sent_delta": later["sent"],
        "first_cpu_s": first["cpu_s"],
        "delta_cpu_s": later["cpu_s"],
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def customers(rows: int) -> dict[str, pd.DataFrame]:
    """Scores, segments and actions of `rows` synthetic customers, by name of the table.

    >>> customers(2)["actions"]["offer"].tolist()
    ['NONE', 'NONE']
    """
    import pandas as pd

    draw = np.random.default_rng(SEED)
    ids = pd.DataFrame({"customer_id": [f"c{number:08d}" for number in range(rows)]})
    score, value = draw.beta(1, 4, rows), draw.lognormal(4, 1, rows)
    held = np.where(draw.random(rows) < 0.1, "holdout", "open").astype(object)  # noqa: PLR2004
    offer = np.where((score > 0.4) & (held == "open"), "COUPON", "NONE").astype(object)  # noqa: PLR2004
    named = {"stage": "active", "risk_band": "low", "value_band": "low", "segment": "ACTIVE"}
    return {
        "scores": ids.assign(
            score=score,
            value_at_risk=score * value,
            reasons=_reasons(draw, rows),
            model="xgboost-bench",
            contract="bench-1",
        ),
        "segments": ids.assign(**named, arm=held),
        "actions": ids.assign(offer=offer),
    }


def _reasons(draw: np.random.Generator, rows: int) -> list[str]:
    """Three reasons of every customer as a score has them: no two customers' are the same text."""
    first = draw.integers(0, len(INDICATORS), rows).tolist()
    effects = draw.normal(0, 1, (rows, REASONS)).round(6).tolist()
    return [
        f"[{', '.join(_reason(place + n, effect) for n, effect in enumerate(told))}]"
        for place, told in zip(first, effects, strict=True)
    ]


def _reason(place: int, effect: float) -> str:
    """One reason as JSON; the indicator's value is never looked at, so it is the effect again."""
    name, direction = INDICATORS[place % len(INDICATORS)], "up" if effect > 0 else "down"
    return (
        f'{{"average": 8.0, "direction": "{direction}", "effect": {effect!r},'
        f' "indicator": "{name}", "value": {effect!r}}}'
    )


def later_of(tables: Mapping[str, pd.DataFrame], changed: int) -> dict[str, pd.DataFrame]:
    """The same customers, of whom `changed`, evenly spread, are in another segment.

    >>> later_of(customers(4), 2)["segments"]["segment"].tolist()
    ['SILENT', 'ACTIVE', 'SILENT', 'ACTIVE']
    """
    segments = tables["segments"].copy()
    every = len(segments) // max(changed, 1)
    segments.loc[segments.index[::every][:changed], "segment"] = "SILENT"
    return {**tables, "segments": segments}


def _export(
    outbox: crm.Outbox, tables: Mapping[str, pd.DataFrame], as_of: date
) -> dict[str, float]:
    """Rows sent, and the seconds of clock and processor that it took."""
    began, spent = time.monotonic(), time.process_time()
    scores, segments, actions = (tables[name] for name in ("scores", "segments", "actions"))
    desired = crm.rows(scores, segments, actions, as_of=as_of, tau=0.0, score_step=SCORE_STEP)
    done = outbox.export(desired, as_of)
    wall, cpu = time.monotonic() - began, time.process_time() - spent
    return {"sent": done.sent, "wall_s": round(wall, 1), "cpu_s": round(cpu, 1)}


def table(told: Mapping[str, Any]) -> str:
    """The result as lines for a reader.

    >>> print(table({"rows": 1000, "first_s": 1.5, "delta_s": 0.5, "sent_first": 1000,
    ...     "sent_delta": 10, "first_cpu_s": 1.4, "delta_cpu_s": 0.4, "peak_rss_mb": 200}))
    first load: 1,000 rows in 1.5 s (1.4 cpu s)
    a day later: 10 rows in 0.5 s (0.4 cpu s)
    peak of memory: 200 MB
    """
    return (
        f"first load: {told['sent_first']:,} rows in {told['first_s']} s"
        f" ({told['first_cpu_s']} cpu s)\n"
        f"a day later: {told['sent_delta']:,} rows in {told['delta_s']} s"
        f" ({told['delta_cpu_s']} cpu s)\n"
        f"peak of memory: {told['peak_rss_mb']:,} MB"
    )
