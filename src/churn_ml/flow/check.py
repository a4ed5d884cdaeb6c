"""Check: what an ingest of the shop's files would do, tried on a sample; nothing is published.

Enters: the settings. Leaves: per table what would be accepted, quarantined by which rule and left
out; which tables and indicators the shop does not have; how long the whole would take. No house is
opened: neither lake nor ledger is made or written. Of a database what was landed is read; where
nothing was yet, it is asked for the first rows by its cursor. So the check knows neither what
earlier ingests brought nor what a row repeats that is not in the sample.

Worked example: a shop's orders lie in one file of 40,000 rows. 20,000 of them, evenly spread, are
read and judged in 2 s; 90 break `orders.net_amount.parse`: 0.45 % of them, where 1 % is allowed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml.errors import ChurnError
from churn_ml.features import catalogue
from churn_ml.flow import sampling
from churn_ml.tables import SOURCE_TABLES, context

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.config import Config
    from churn_ml.sources.protocol import Lot
    from churn_ml.validate import Rates, Validated

FX_RATES = context.FX_RATES.name


def check(
    config: Config,
    *,
    sample: int,
    now: datetime,
    say: Callable[[str], None] = lambda _: None,
    seconds: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """What the sources of `config` hold, tried on about `sample` rows of each table.

    `now` (naive UTC) dates rows that nothing else dates; `seconds` is the clock of the estimate.
    Returns a report of counts, rules and files, without a value: `tables` (one entry each),
    `absent_tables`, `absent_indicators`, `seconds` for the whole, and `passes`. A table that cannot
    be read at all does not end the check: its entry says `refused`. Raises BadConfig where the
    mapping of any table cannot be meant.
    """
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="churn-ml-check-") as folder:
        trial = _Trial(config, sample, now, seconds, Path(folder))
        # the exchange rates first: the others' amounts are converted with them
        for name in sorted(config.sources, key=lambda name: name != FX_RATES):
            say(f"  {name}")
            found[name] = trial.entry(name)
    tables = [found[name] for name in SOURCE_TABLES if name in found]
    return {
        "tables": tables,
        "absent_tables": [name for name in SOURCE_TABLES if name not in found],
        "absent_indicators": absent_indicators(config),
        "seconds": round(sum(one.get("seconds", 0.0) for one in tables), 1),
        "passes": "orders" in found and all(one["passes"] for one in tables),
    }


def absent_indicators(config: Config) -> list[dict[str, Any]]:
    """The indicators that no source of `config` can fill, each with the tables it lacks.

    >>> from churn_ml.config import from_text
    >>> bare = '[shop]\\nname = "s"\\ncurrency = "EUR"\\n[sources.orders]\\nfiles = "*.csv"'
    >>> told = {each["indicator"]: each["needs"] for each in absent_indicators(from_text(bare))}
    >>> told["redemption_rate"]
    ['campaign_contacts', 'coupon_redemptions']
    """
    signs = catalogue(config.features)
    lacking = {one.name: [t for t in one.needs if t not in config.sources] for one in signs}
    return [{"indicator": name, "needs": needs} for name, needs in lacking.items() if needs]


@dataclass(frozen=True)
class Tried:
    """One table's sample: what was found in it, and how long reading and judging it took."""

    validated: Validated
    lots: Sequence[Lot]
    sampled: Sequence[Lot]
    rows_there: int
    """Rows of the sampled lots, of which the sample is a part."""
    larger: float
    """The rows of the whole over those of `lots`: more than 1 where a database was glimpsed at."""
    read_seconds: float
    fixed_seconds: float
    """What judging takes however few the rows are."""
    judge_seconds: float


@dataclass
class _Trial:
    """The samples of one check; what judged rows need waits below `folder`."""

    config: Config
    sample: int
    now: datetime
    seconds: Callable[[], float]
    folder: Path
    rates: Rates | None = field(default=None)

    def entry(self, name: str) -> dict[str, Any]:
        """What is told of one table: its counts and rules, or why it is refused."""
        from churn_ml.validate import check_tolerance

        told: dict[str, Any] = {"table": name}
        try:
            tried = self._tried(name)
            files = {lot.id: lot.where for lot in tried.sampled}
            told |= _told(self.config, tried, files) | _size(tried)
            check_tolerance(tried.validated, self.config.validation, files)
        except ChurnError as error:
            return told | {"passes": False, "refused": str(error)}
        if name == FX_RATES:
            self._learn(tried.validated)
        return told | {"passes": True}

    def _tried(self, name: str) -> Tried:
        """The sample of one table, read and judged."""
        from churn_ml.sources import open_source

        # a source of this table alone: what is wrong with another is told there
        only = self.config.model_copy(update={"sources": {name: self.config.sources[name]}})
        tomorrow = self.now.date() + timedelta(days=1)
        seen = sampling.glimpse(only, name, self.folder, tomorrow, self.sample, self.seconds)
        source = open_source(seen.config)
        lots = source.lots()
        sampled = sampling.of_lots(lots)
        marks = [self.seconds()]
        parts = list(sampling.of_rows(source, sampled, self.sample))
        marks.append(self.seconds())
        batches = sampling.by_entry([part for part, _ in parts])
        self._judged(name, [batch.slice(0, 1) for batch in batches[:1]], sampled)
        marks.append(self.seconds())
        validated = self._judged(name, batches, sampled)
        marks.append(self.seconds())
        there = sum(rows for _, rows in parts)
        read, *judged = (b - a for a, b in pairwise(marks))
        return Tried(validated, lots, sampled, there, seen.larger, read + seen.seconds, *judged)

    def _judged(self, name: str, batches: Sequence[pa.Table], lots: Sequence[Lot]) -> Validated:
        """The sample as `validate` judges it."""
        from churn_ml.sources import resolved
        from churn_ml.validate import validate

        return validate(
            batches,
            name,
            resolved(name, self.config.sources[name]),
            shop=self.config.shop,
            rates=self.rates,
            seen={lot.id: self.now for lot in lots},
            staging=Path(tempfile.mkdtemp(dir=self.folder)),
        )

    def _learn(self, found: Validated) -> None:
        """Take the exchange rates that the shop's own file brings."""
        from churn_ml.validate import Rates

        columns = Rates.none().rows.schema
        rows = found.accepted.batches().read_all().select(columns.names)
        self.rates = Rates.newest(rows, self.config.validation.rate_days)


def _told(config: Config, tried: Tried, files: dict[str, str]) -> dict[str, Any]:
    """Counts of the sample, and each rule that rows of it break, the worst file by name."""
    from churn_ml.sources import untimed
    from churn_ml.validate.tolerance import tolerance

    found = tried.validated
    worst: dict[str, Any] = {}
    for one in found.broken:
        if one.rule not in worst or one.share > worst[one.rule].share:
            worst[one.rule] = one
    rules = [
        {
            "rule": rule,
            "reason": worst[rule].reason,
            "verdict": worst[rule].verdict,
            "rows": rows,
            "worst_share": round(worst[rule].share, 4),
            "worst_file": files.get(worst[rule].lot),
            "tolerance": tolerance(config.validation, rule),
        }
        for rule, rows in found.rules.items()
    ]
    return {
        "table": found.table,
        "tried": found.rows_in,
        "accepted": found.accepted.rows,
        "quarantined": found.quarantined,
        "excluded": found.excluded,
        "rules": rules,
        "untimed": untimed(found.table, config.sources[found.table]),
    }


def _size(tried: Tried) -> dict[str, Any]:
    """Lots, rows and seconds of the whole table, estimated from what the sample took."""
    sampled, whole = sampling.size(tried.sampled), sampling.size(tried.lots)
    larger = tried.larger * whole / sampled if sampled else 1.0
    rows = round(tried.rows_there * larger)
    judging = max(0.0, tried.judge_seconds - tried.fixed_seconds)
    each = judging / max(1, tried.validated.rows_in)
    seconds = tried.read_seconds * larger + tried.fixed_seconds + each * rows
    return {"lots": len(tried.lots), "rows": rows, "seconds": round(seconds, 1)}
