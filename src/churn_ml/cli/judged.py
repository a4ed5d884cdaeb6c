"""Judged data in words: what `check` tried and what `validation log` remembers, as tables.

Enters: the report of `flow.check`, rows of the ledger. Leaves: tables and lines on the terminal. No
number is computed here but percentages. Worked example: 90 of 20,000 orders have no readable
amount; the row of that rule ends with "0.45 %", "1.00 %" and the file that has most of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from churn_ml.grid import Grid, grid, width

Part = Grid | str | None
NO_ORDERS = (
    "There are no orders, and without them nobody can be scored. Next step: write [sources.orders]"
    " with files and columns (docs/tables.md), then: churn-ml check"
)


def draw(parts: Iterable[Part]) -> None:
    """Print `parts` one below the other; None is left out."""
    console = Console(width=width(), highlight=False, markup=False)
    for part in parts:
        if part is not None:
            console.print(part)


def checked(told: Mapping[str, Any]) -> Iterator[Part]:
    """What `flow.check` reports, part by part."""
    read = [one for one in told["tables"] if "tried" in one]
    yield grid(
        "Tried",
        ("table", "lots", "rows, about", "tried", "accepted", "quarantined", "excluded"),
        [
            [one[k] for k in ("table", "lots", "rows", "tried", "accepted", "quarantined")]
            + [one["excluded"]]
            for one in read
        ],
    )
    yield grid(
        "\nRows that would not pass",
        ("rule", "why", "verdict", "rows", "worst", "allowed", "most in"),
        [_rule(rule) for one in read for rule in one["rules"]],
    )
    for line in (line for one in read for line in one["untimed"]):
        yield f"\n{line}"
    yield from _absent(told)
    seconds, rows = told["seconds"], sum(one["rows"] for one in read)
    yield f"\nThe whole, about {rows:,} rows, takes about {seconds:,.0f} s to read and judge."
    refused = [one for one in told["tables"] if not one["passes"]]
    for one in refused:
        yield f"\nrefused: {one['table']}: {one['refused']}"
    if refused:
        names = ", ".join(one["table"] for one in refused)
        yield f"\nAn ingest would publish nothing: it refuses {names}."
    elif not told["passes"]:
        yield f"\n{NO_ORDERS}"
    else:
        yield "\nAn ingest would take every table. Nothing was published or kept."


def judged(rows: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    """Rows of the ledger's `validations`, oldest first, or that there are none."""
    heads = ("as_of", "table", "rule", "severity", "rows", "share", "tolerance", "passed")
    yield grid("Validations", heads, [_kept(row) for row in rows]) or (
        "no validation is on record for that: every ingest leaves its own (churn-ml ingest)"
    )


def _rule(rule: Mapping[str, Any]) -> list[Any]:
    """One broken rule; what is excluded is not bad, so nothing limits it."""
    bad = rule["verdict"] == "quarantined"
    return [
        rule["rule"],
        rule["reason"],
        rule["verdict"],
        rule["rows"],
        percent(rule["worst_share"]),
        percent(rule["tolerance"]) if bad else None,
        rule["worst_file"],
    ]


def _kept(row: Mapping[str, Any]) -> list[Any]:
    names = ("as_of", "table", "rule", "severity", "rows")
    shares = [percent(row["worst_share"]), percent(row["tolerance"])]
    return [*(row[name] for name in names), *shares, bool(row["passed"])]


def _absent(told: Mapping[str, Any]) -> Iterator[str]:
    """What the shop does not bring, and which indicators it costs."""
    if told["absent_tables"]:
        yield f"\nTables without a source: {', '.join(told['absent_tables'])}"
    for one in told["absent_indicators"]:
        yield f"  {one['indicator']}: not available, needs {', '.join(one['needs'])}"


def percent(share: float | None) -> str:
    """A share as people read it.

    >>> percent(0.0045), percent(None)
    ('0.45 %', '-')
    """
    return "-" if share is None else f"{share:.2%}".replace("%", " %")
