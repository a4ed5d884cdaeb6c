"""Does a key say one thing only: conflicts, repeats and updates among the rows of one ingest.

Enters: the staged rows of one table that passed the other judges. Leaves: the rows whose key
contradicts another row (a conflict) or says nothing new (a repeat), staged in their turn: an ingest
may repeat millions. Worked example: order 31 comes twice on 2017-10-01 with 12.50: the second is a
repeat. Order 32 comes with 12.50 and 21.50 on 2017-10-01: nobody knows which is true, so both are a
conflict. Order 33 comes with 12.50 on 2017-10-01 and with 10.00 on 2017-10-02: an update, both
stay, and a reader at 2017-10-02 sees the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml.clock import literal
from churn_ml.tables import STAMPS, Table
from churn_ml.validate.staging import Stage, database, parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from churn_ml.validate.cast import Verdict


@dataclass(frozen=True)
class Doubles:
    """The rows of one key rule: where they wait (`row`, `lot`, `lot_row`), and how many a lot."""

    rule: str
    reason: str
    verdict: Verdict
    file: Path
    lots: dict[str, int]

    @property
    def rows(self) -> int:
        """How many rows broke the rule."""
        return sum(self.lots.values())


def double_keys(stage: Stage, spec: Table, *, grouped: bool = False) -> list[Doubles]:
    """Rows of `stage` whose key says more than one thing, or says the same thing again.

    The staged rows come from `cast`, numbered by `row`. Same key and same `known_at` with other
    content: a conflict, all of them quarantined. Content equal to what was known of the key just
    before: a repeat, excluded. Other content known later is an update and stays; but not where rows
    are `grouped` lines (`group_by`): then it is the rest of a group that two files cut, which would
    replace the first part, so it is a conflict too.

    >>> import tempfile
    >>> from datetime import datetime
    >>> import pyarrow as pa
    >>> from churn_ml.tables import table
    >>> market = {"market": "US", "occurred_at": datetime(2017, 1, 1), "lot": "a",
    ...           "known_at": datetime(2017, 1, 2)}
    >>> told = {"methods_offered": "card", "languages": "en", "local_currency": "USD"}
    >>> rows = [market | told | {"row": n, "lot_row": n + 1} for n in (0, 1)]
    >>> stage = Stage(Path(tempfile.mkdtemp()))
    >>> stage.add(pa.Table.from_pylist(rows))
    >>> [(d.rule, d.rows) for d in double_keys(stage, table("markets"))]
    [('markets.key.repeated', 1)]
    """
    if not stage.files:
        return []
    words = ", ".join(spec.key)
    when = "in two files: group_by looks within one" if grouped else "at the same time"
    told: tuple[tuple[str, str, Verdict, str], ...] = (
        (
            "conflict",
            f"the same {words} comes with other content {when}",
            "quarantined",
            "select row, lot, lot_row from clashes",
        ),
        (
            "repeated",
            f"the same {words} was there already with the same content",
            "excluded",
            _repeats(spec),
        ),
    )
    found = []
    with database(stage.folder) as con:
        con.execute(_doubles(spec, stage.files))
        con.execute(_clashes(spec, grouped=grouped))
        for rule, reason, verdict, query in told:
            file = stage.folder / f"{rule}.parquet"
            lots = _kept(con, query, file)
            found += [Doubles(f"{spec.name}.key.{rule}", reason, verdict, file, lots)]
    return [doubles for doubles in found if doubles.lots]


def _kept(con: DuckDBPyConnection, query: str, file: Path) -> dict[str, int]:
    """Put the rows of `query` into `file`; how many each lot has, by lot."""
    con.execute(f"copy ({query}) to {literal(str(file))} (format parquet)")
    counted = con.sql(f"select lot, count(*) from {parquet([file])} group by lot order by lot")
    return dict(counted.fetchall())


def _doubles(spec: Table, files: Sequence[Path]) -> str:
    """SQL: the rows whose key's hash is not alone, seldom more than a few, for a closer look."""
    key = ", ".join(spec.key)
    said = ", ".join(c.name for c in spec.columns if c.name not in (*STAMPS, *spec.key))
    content = f"row({said})" if said else "0"
    rows = parquet(files)
    return f"""
        create temp table doubles as
        select {key}, row, known_at, lot, lot_row, {content} as content
        from {rows}
        where hash({key}) in (
            select hash({key}) from {rows} group by hash({key}) having count(*) > 1)"""


def _clashes(spec: Table, *, grouped: bool) -> str:
    """SQL: the rows of a key that says different things at the same `known_at`, or at any."""
    key = ", ".join(spec.key if grouped else (*spec.key, "known_at"))
    return f"""
        create temp table clashes as
        select row, lot, lot_row from doubles semi join (
            select {key} from doubles group by {key}
            having count(distinct content) > 1) using ({key})"""


def _repeats(spec: Table) -> str:
    """SQL: the rows that say what the row before them (by `known_at`) said of the same key."""
    return f"""
        select row, lot, lot_row from (
            select row, lot, lot_row, content, lag(content) over known as before,
                lag(row) over known as former
            from doubles anti join clashes using (row)
            window known as (partition by {", ".join(spec.key)}
                             order by known_at, lot, lot_row, row))
        where former is not null and content is not distinct from before"""
