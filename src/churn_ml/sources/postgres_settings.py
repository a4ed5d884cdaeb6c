"""What `[sources.TABLE]` of kind postgres may say, and what entries landed as one must agree in.

Enters: sections of churn.toml. Leaves: nothing, or BadConfig in words, before a database is asked.
Worked example: two entries read the table `sales`, one with chunks of 50,000 rows and one of
100,000. Its rows are landed once for both, so the second is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from churn_ml.config import SourceTable
from churn_ml.errors import BadConfig
from churn_ml.sources.protocol import Entry


def check_settings(name: str, told: SourceTable) -> None:
    """Raise BadConfig where `[sources.NAME]` cannot be meant for a database.

    >>> check_settings("orders", SourceTable(kind="postgres", url="postgresql://db/shop"))
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: a database is read from table or query | where: [sources.orders] ...
    """
    for holds, what in (
        (bool(told.url) != bool(told.connection), "a database has url or connection"),
        (bool(told.table) != bool(told.query), "a database is read from table or query"),
        (bool(told.cursor), "a database is read by a cursor: whole numbers or times that grow"),
        (told.files is None, "a database has no files"),
        (not told.group_by, "rows of a database are grouped by its query, not by group_by"),
        (told.decimal == "." and told.dates is None, "decimal and dates are about text files"),
        ("\0" not in f"{told.table}{told.query}{told.cursor}", "a name holds no NUL"),
        (told.query is None or _is_select(told.query), "query is one SELECT that only reads"),
    ):
        if not holds:
            raise BadConfig(
                what,
                where=f"[sources.{name}]",
                expected="url or connection, table or query, and cursor",
                next_step="correct it as docs/sources-postgres.md shows;"
                " then: churn-ml config check",
            )


def check_alike(entries: Sequence[Entry]) -> None:
    """Raise BadConfig where entries that are landed as one differ in how they are landed."""
    for name in ("overlap", "time_zone", "chunk_rows"):
        told = sorted({str(getattr(entry.told, name)) for entry in entries})
        if len(told) > 1:
            raise BadConfig(
                f"entries that read the same of one database differ in {name}",
                where=f"[[sources.{entries[0].table}]] {name}",
                got=" and ".join(told),
                expected="one of them for all: the rows are landed once",
                next_step=f"give each of these entries the same {name};"
                " then: churn-ml config check",
            )


def _is_select(query: str) -> bool:
    """True for one statement that only reads."""
    import sqlglot
    from sqlglot import exp

    try:
        found = sqlglot.parse(query, dialect="postgres")
    except sqlglot.errors.SqlglotError:
        return False
    writes = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Command, exp.Lock)
    return (
        len(found) == 1
        and isinstance(found[0], exp.Query)
        and found[0].find(*writes) is None
        and ";" not in query.rstrip()[-1:]
    )
