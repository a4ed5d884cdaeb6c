"""Numbers of a shop as text: the decimal mark, marks that group thousands, exponents.

Enters: SQL for a text without blanks around it, and the decimal mark of its source. Leaves: DuckDB
SQL for the same number with a decimal point, or null where the text is none. The other mark may
group thousands, and only in threes. Worked example: `1.234,50` is 1234.50 where the mark is a
comma, and no number where it is a point.
"""

from __future__ import annotations

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"


def plain(text: str, decimal: str) -> str:
    """SQL for `text` (an SQL expression) as a plain number; null where it is none.

    >>> import duckdb
    >>> told = ", ".join(plain("'1.234,50'", mark) for mark in (",", "."))
    >>> duckdb.sql(f"select {told}").fetchall()
    [('1234.50', None)]
    """
    pointed = _pointed(text, decimal)
    return f"case when regexp_matches({pointed}, '{_NUMBER}') then {pointed} end"


def _pointed(text: str, decimal: str) -> str:
    """SQL for the text of a number with a decimal point, without marks that group thousands.

    Grouping counts only in threes: `12,50` is no 1250.
    """
    group = "," if decimal == "." else "."
    grouped = rf"^[+-]?\d{{1,3}}([{group}]\d{{3}})+([{decimal}]\d*)?$"
    bare = f"case when regexp_matches({text}, '{grouped}') then replace({text}, '{group}', '')"
    if decimal == ".":
        return f"{bare} else {text} end"
    # a point that groups nothing is another notation: leave it for the number to be refused
    return f"replace({bare} when contains({text}, '.') then null else {text} end, ',', '.')"
