"""Wording: the views over a shop's tables, each put into SQL once.

Enters: the tables (without rows or engine if need be: `ibis.table(schema, name="orders")`) and the
day of the cut. Leaves: text, for DuckDB or another engine. Worked example: `declared()` words the
views over tables that have every column, at the day that the engine's `as_of_date()` says, and so
for every shop and every cut.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from churn_ml.features.views import VIEWS
from churn_ml.features.views.shopping import BOUGHT, lines
from churn_ml.tables import SOURCE_TABLES, table

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day
    from churn_ml.features.indicator import View

SHOPS = 8
"""Choices of tables that a process keeps the words of."""


@dataclass(frozen=True)
class Worded:
    """One view in SQL, the columns of its rows, and whether it reads the lines prepared."""

    text: str
    columns: ibis.Schema
    reads_bought: bool


class Wording:
    """The views over `tables` at `as_of`, each put into SQL once, for any choice of indicators."""

    def __init__(self, tables: Canonical, as_of: Day, dialect: str = "duckdb") -> None:
        """`dialect` is that of the engine, as ibis calls it."""
        self.tables = tables
        self.dialect = dialect
        self._as_of = as_of
        self._known: dict[View, Worded] = {}

    def view(self, view: View) -> Worded:
        """The view over the tables, and over the lines prepared where it reads lines."""
        if view not in self._known:
            from ibis.expr import operations

            rows = VIEWS[view.name]({**self.tables, **self._prepared}, self._as_of, *view.days)
            read = {table.name for table in rows.op().find(operations.UnboundTable)}
            self._known[view] = Worded(self.text(rows), rows.schema(), BOUGHT in read)
        return self._known[view]

    def bought(self, days: int) -> str:
        """The lines of the last `days` days."""
        return self.text(lines(self.tables, self._as_of, days))

    def text(self, rows: ibis.Table) -> str:
        """The SQL of `rows`."""
        return in_words(rows, self.dialect)

    @functools.cached_property
    def _prepared(self) -> dict[str, ibis.Table]:
        import ibis

        if not {"orders", "order_lines"} <= self.tables.keys():
            return {}
        return {BOUGHT: ibis.table(lines(self.tables, self._as_of, 1).schema(), name=BOUGHT)}


@functools.lru_cache(maxsize=SHOPS)
def declared(names: tuple[str, ...] = SOURCE_TABLES) -> Wording:
    """The tables `names` with every column, at the day that the engine's `as_of_date()` says.

    What is put into words here serves every shop that has these tables, at every cut.
    """
    import ibis

    as_of_date = ibis.udf.scalar.builtin(lambda: None, name="as_of_date", signature=((), "date"))
    shapes = {name: ibis.schema(table(name).schema()) for name in names}
    tables = {name: ibis.table(shape, name=name) for name, shape in shapes.items()}
    return Wording(tables, as_of_date())


def in_words(rows: ibis.Table, dialect: str = "duckdb") -> str:
    """The SQL of `rows`, on one line.

    >>> import ibis
    >>> in_words(ibis.table({"n": "int64"}, name="t"))
    'SELECT * FROM "t"'
    """
    import ibis

    return str(ibis.to_sql(rows, dialect=dialect, pretty=False))
