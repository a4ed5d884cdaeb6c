"""What [sources.TABLE] says, held against the table it is for.

Enters: a table's name and one entry of it. Leaves: nothing, or BadConfig for a mapping to a column
that does not exist, a required column that nothing fills, a column that is filled twice. No file
is opened. Worked example: `colour = "c"` under [sources.products.columns] is refused, because
products have no colour, before a file of theirs is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from churn_ml.config import SourceTable
from churn_ml.errors import BadConfig
from churn_ml.sources.expressions import Compiled, compiled
from churn_ml.tables import table


def theirs(source: SourceTable) -> dict[str, str]:
    """Our column -> their column, with `known_at` beside the mapped ones.

    >>> from churn_ml.config import SourceTable
    >>> theirs(SourceTable(files="*.csv", columns={"order_id": "no"}, known_at="exported_at"))
    {'order_id': 'no', 'known_at': 'exported_at'}
    """
    return source.columns | ({"known_at": source.known_at} if source.known_at else {})


def check_mapping(name: str, source: SourceTable) -> None:
    """Raise BadConfig where an entry of table `name` cannot be meant.

    `occurred_at` may be absent: the row then counts from when it was known.
    """
    _check_names(name, source)
    _check_filled_once(name, source)
    _check_required(name, source)
    _check_encoding(name, source)
    _check_dates(name, source)
    _check_groups(name, source)
    expressions_of(name, source)
    where_of(name, source)


def expressions_of(name: str, source: SourceTable) -> dict[str, Compiled]:
    """The computed columns of an entry of table `name`; raises BadConfig as `expressions` does."""
    return {
        ours: compiled(
            text,
            f"[sources.{name}.expressions] {ours}",
            grouped=bool(source.group_by),
            keys=source.group_by,
        )
        for ours, text in source.expressions.items()
    }


def where_of(name: str, source: SourceTable) -> Compiled | None:
    """The condition of an entry of table `name`, about lines and never about groups."""
    return compiled(source.where, f"[sources.{name}] where") if source.where else None


def _check_names(name: str, source: SourceTable) -> None:
    known = [c.name for c in table(name).mapped]
    for section in ("columns", "constants", "expressions", "values"):
        for unknown in sorted(set(getattr(source, section)) - set(known)):
            raise BadConfig(
                f"table {name} has no column {unknown!r} to map",
                where=f"[sources.{name}.{section}]",
                got=unknown,
                expected=f"one of {', '.join(sorted(known))}",
                next_step="correct the name; known_at stands in [sources.TABLE] itself;"
                " then: churn-ml config check",
            )


def _check_filled_once(name: str, source: SourceTable) -> None:
    for one, other in combinations(("columns", "constants", "expressions"), 2):
        for both in sorted(set(getattr(source, one)) & set(getattr(source, other))):
            raise BadConfig(
                f"column {both!r} of table {name} is filled twice",
                where=f"[sources.{name}]",
                got=f"{one}.{both} and {other}.{both}",
                expected="one of them",
                next_step="remove one of them; then: churn-ml config check",
            )


def _check_required(name: str, source: SourceTable) -> None:
    given = _given(source)
    if name == "orders" and {"customer_id", "occurred_at"} <= given:
        given.add("order_id")  # who and when stand for an order without a number
    missing = [c for c in _needed(name) if c not in given]
    if missing:
        raise BadConfig(
            f"column {missing[0]!r} of table {name} is required and not mapped",
            where=f"[sources.{name}.columns]",
            expected=f"{missing[0]} = <their column>",
            next_step=f"map it, {_otherwise(name, missing[0])}; then: churn-ml config check",
        )


def _otherwise(name: str, column: str) -> str:
    """What stands in for a column that the file does not hold: no value is everybody's number."""
    if column.endswith("_id"):
        computed = f"compute it in [sources.{name}.expressions]"
        return f"{computed}, or join it to the file first (docs/bring-your-own-shop.md)"
    return f"or give it one value in [sources.{name}.constants]"


def _needed(name: str) -> Iterator[str]:
    """Required columns without a default; the shop's currency stands where none is told."""
    spec = table(name)
    for column in spec.mapped:
        stands_in = column.default is not None or column.name == "occurred_at"
        if column.name == "currency" and column.name not in spec.key:
            stands_in = True
        if column.required and not stands_in:
            yield column.name


def _given(source: SourceTable) -> set[str]:
    return {*source.columns, *source.constants, *source.expressions}


def _check_groups(name: str, source: SourceTable) -> None:
    """Under `group_by` a plain column must be one value in each group."""
    for ours, their in theirs(source).items() if source.group_by else ():
        if their not in source.group_by:
            raise BadConfig(
                f"column {ours!r} of table {name} may have several values in a group",
                where=f"[sources.{name}] group_by",
                got=f"{their!r}, which is none of {', '.join(source.group_by)}",
                expected="columns of group_by; for others an expression that says which value",
                next_step=f"write it under [sources.{name}.expressions], such as any({their});"
                " then: churn-ml config check",
            )


def _check_encoding(name: str, source: SourceTable) -> None:
    try:
        "".encode(source.encoding)
    except LookupError:
        raise BadConfig(
            f"there is no encoding {source.encoding!r}",
            where=f"[sources.{name}] encoding",
            got=source.encoding,
            expected="a text encoding that Python knows, such as utf-8, cp1252 or gb18030",
            next_step="correct the name; then: churn-ml config check",
        ) from None


def _check_dates(name: str, source: SourceTable) -> None:
    """Without a letter of strptime every time of the file would have to be the very same text."""
    if source.dates is not None and "%" not in source.dates:
        raise BadConfig(
            "dates has no letter of strptime",
            where=f"[sources.{name}] dates",
            got=source.dates,
            expected='letters after a percent sign, such as "%d/%m/%Y %H:%M"',
            next_step="write it so; then: churn-ml config check",
        )
