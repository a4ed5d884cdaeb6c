"""The report as a person reads it: one screen of tables.

Enters: a report of `views`. Leaves: text on a console. No number is computed here.

Worked example: after the demo the models table shows rule, logistic and XGBoost on the rows of
2017-10-01, each metric as value [low, high].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from churn_ml.views import Report

Row = dict[str, Any]


def show(report: Report, console: Console | None = None) -> None:
    """Print the report, part by part; parts without rows are left out.

    Parameters: `report`, as `views.report` returns it; `console`, where to print.
    """
    console = console or Console(width=132, highlight=False)
    parts: tuple[Callable[[Report], Table | str | None], ...] = (
        _steps,
        _quarantine,
        _models,
        _verdicts,
        _segments,
        _consent,
        _realised,
        _exports,
        _places,
    )
    for part in parts:
        drawn = part(report)
        if drawn is not None:
            console.print(drawn)


def interval(cell: Sequence[float] | None, digits: int = 3) -> str:
    """A metric as `value [low, high]`.

    >>> interval([0.8412, 0.83, 0.852])
    '0.841 [0.830, 0.852]'
    >>> interval(None)
    '-'
    """
    if cell is None or cell[0] is None:
        return "-"
    value, low, high = (f"{number:,.{digits}f}" for number in cell)
    return f"{value} [{low}, {high}]"


def _grid(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table | None:
    """A table with numbers to the right, or None without rows."""
    cells = [[_cell(c) for c in row] for row in rows]
    if not cells:
        return None
    grid = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, head in enumerate(heads):
        right = all(c[index][:1].isdigit() or c[index].startswith("-") for c in cells)
        grid.add_column(head, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in cells:
        grid.add_row(*row)
    return grid


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "-" if value is None else ("yes" if value else "no")
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _steps(report: Report) -> Table | None:
    heads = ("step", "as_of", "status", "rows in", "rows out", "quarantined", "excluded", "seconds")
    keys = ("name", "as_of", "status", "rows_in", "rows_out", "quarantined", "excluded", "seconds")
    return _grid("\nSteps", heads, ([row[k] for k in keys] for row in report["steps"]))


def _quarantine(report: Report) -> Table | None:
    rows = (
        (q["as_of"], q["verdict"], q["rule"], q["reason"], q["rows"]) for q in report["quarantine"]
    )
    return _grid("\nRows set aside", ("as_of", "verdict", "rule", "why", "rows"), rows)


def _models(report: Report) -> Table | None:
    heads = ("model", "grade", "AUC", "PR-AUC", "Brier", "lift@10%", "profit per 1,000")
    rows = (
        (
            m["name"],
            m.get("grade"),
            interval(m.get("auc")),
            interval(m.get("pr_auc")),
            interval(m.get("brier"), 4),
            interval(m.get("lift10"), 2),
            interval(m["profit_per_1000"], 0),
        )
        for m in report["models"]
    )
    return _grid("\nModels on the same rows", heads, rows)


def _verdicts(report: Report) -> Table | None:
    rows = (
        (v["as_of"], v["decision"], v["champion"], "\n".join(v["reasons"] or ()))
        for v in report["verdicts"]
    )
    return _grid("\nVerdicts", ("as_of", "decision", "champion", "reasons"), rows)


def _segments(report: Report) -> Table | None:
    heads = ("segment", "customers", "value at risk", "offered", "held out")
    keys = ("segment", "customers", "value_at_risk", "offered", "holdout")
    title = f"\nSegments as of {report['scored_as_of']}, by value at risk"
    return _grid(title, heads, ([row.get(k) for k in keys] for row in report["segments"][:12]))


def _consent(report: Report) -> str | None:
    said = report["consent"]
    if said is None:
        return None
    others = "assumed for all others" if said["default"] == "assumed" else "none for all others"
    return f"\nConsent to contact: {said['recorded']:,} on record, {others} ([consent] default)"


def _realised(report: Report) -> Table | None:
    heads = ("scored as of", "risk band", "customers", "mean score", "realised churn")
    rows = (
        (
            r["as_of"],
            r["risk_band"],
            r["customers"],
            f"{r['mean_score']:.3f}",
            interval(r["churned"]),
        )
        for r in report["realised"]
    )
    return _grid("\nRealised churn per score band", heads, rows)


def _exports(report: Report) -> Table | None:
    keys = ("as_of", "destination", "sent", "unchanged", "removed", "rejected")
    return _grid("\nExports", keys, ([row.get(k) for k in keys] for row in report["exports"]))


def _places(report: Report) -> str | None:
    places = report.get("places")
    if not places:
        return None
    lines = [f"  {name:<12}{where}" for name, where in places.items()]
    took = f"{report['seconds_after_install']:.0f} s, {report['peak_pss_mb']:,.0f} MB at the peak"
    return "\n".join(["\nWhere everything lies", *lines, "", f"Done in {took}."])
