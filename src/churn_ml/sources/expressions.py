"""The small language of churn.toml: sums and conditions over the columns of a shop's files.

Enters: the text of an expression, `quantity * number(price)`. Leaves: DuckDB SQL, and the columns
it reads; or BadConfig. Nothing is passed through: sqlglot parses the text, every node must be on
the lists of `grammar`, and the SQL is written anew from the nodes. A name is a column of theirs and
nothing else (`"Customer ID"` where it holds blanks); a text stands in single quotes.

    + - * /   = <> < <= > >=   and or not   is null   in (...)   between   like   case when ... end
    abs round   coalesce nullif   concat || lower upper trim substr replace split_part starts_with
    number(x)   a text as a number, by the entry's `decimal`
    time(x)     a text as a time, by the entry's `dates`
    row()       the row's number in its file, from 1
    sum count min max, any (the first line's value): only with group_by

Columns of CSV and JSON lines are texts. Fractions are exact to six decimals. Worked example: the
lines of order 31 of 2017-09-30 are `2;"4,50"` and `1;"3,50"`; grouped by order, `net_amount =
"sum(number(units) * number(price))"` is 12.50.

>>> found = compiled("sum(number(units) * number(price))", "[sources.orders]", grouped=True)
>>> found.columns
('price', 'units')
>>> compiled("read_text('/etc/passwd')", "[sources.orders]")
Traceback (most recent call last):
...
churn_ml.errors.BadConfig: an expression holds what the language does not know | where: ...
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot.errors import SqlglotError

from churn_ml.sources.nodes import Writer, refused

MAX_CHARACTERS = 2000


@dataclass(frozen=True)
class Compiled:
    """One expression as SQL; `unread` is SQL that is true where a value in it does not read."""

    sql: str
    columns: tuple[str, ...]
    unread: str


def compiled(
    text: str, where: str, *, grouped: bool = False, keys: tuple[str, ...] = ()
) -> Compiled:
    """`text` as SQL; `where` is its place in churn.toml, for the message.

    `grouped`: aggregates are allowed, and a column outside them must be one of `keys`. Raises
    BadConfig where `text` is not of the language.
    """
    if len(text) > MAX_CHARACTERS:
        raise refused(where, f"{len(text)} characters", f"at most {MAX_CHARACTERS}")
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
        writer = Writer(where, grouped=grouped, keys=frozenset(keys))
        sql = writer.sql(tree)
    except (SqlglotError, RecursionError, ValueError):
        raise refused(
            where, "text that is no expression", 'such as "units * number(price)"'
        ) from None
    return Compiled(sql, tuple(sorted(writer.columns)), " or ".join(writer.unread) or "false")
