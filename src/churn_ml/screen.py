"""The report as a person reads it: one screen of tables, as wide as the terminal.

Enters: a report of `views`. Leaves: text on a console, 24 to 60 lines for a house in use. No number
is computed here but the sum of segments that are not shown; what is older than the newest two
as_ofs stays in `report.json`.

Worked example: after the demo the models table shows rule, logistic and XGBoost on the rows of
2017-10-01, each metric as value [low, high].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from rich.console import Console

from churn_ml.grid import Grid, grid
from churn_ml.segments import is_scored
from churn_ml.views import SUMMED

if TYPE_CHECKING:
    from churn_ml.views import Report

Row = dict[str, Any]

WIDTH = 132
SHOWN_AS_OFS = 2
"""How many business dates of a step, newest last."""
SHOWN_SEGMENTS = 5
SHOWN_REASONS = 2


def show(report: Report, console: Console | None = None) -> None:
    """Print the report, part by part; parts without rows are left out.

    Parameters: `report`, as `views.report` returns it; `console`, where to print.
    """
    console = console or Console(width=width(), highlight=False, markup=False)
    parts: tuple[Callable[[Report], Grid | str | None], ...] = (
        _steps,
        _errors,
        _quarantine,
        _models,
        _references,
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
    if "go_on" in report:  # to be copied: the terminal may wrap it, but nothing stands in between
        console.print(f"To go on by hand:\n  {report['go_on']}", soft_wrap=True)


def width() -> int:
    """The columns of the terminal, at most WIDTH; WIDTH where there is no terminal.

    >>> 1 <= width() <= WIDTH
    True
    """
    return min(WIDTH, max(1, get_terminal_size((WIDTH, 0)).columns))


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


def newest_steps(steps: Iterable[Row]) -> list[Row]:
    """The last try of each step and as_of, for the newest two as_ofs of every step.

    Parameters: `steps` of a report, in the order of filing. Returns: rows in that order.

    >>> rows = [{"name": "score", "as_of": day} for day in ("2017-09-01", "2017-10-01")]
    >>> tried = [{"name": "score", "as_of": "2017-11-01", "status": s} for s in ("failed", "done")]
    >>> [(row["as_of"], row.get("status")) for row in newest_steps(rows + tried)]
    [('2017-10-01', None), ('2017-11-01', 'done')]
    """
    last: dict[tuple[str, str], Row] = {}
    for row in steps:
        key = row["name"], row["as_of"]
        last.pop(key, None)  # a later try stands where it was filed
        last[key] = row
    days: dict[str, list[str]] = {}
    for name, as_of in last:
        days.setdefault(name, []).append(as_of)
    kept = {name: sorted(found)[-SHOWN_AS_OFS:] for name, found in days.items()}
    return [row for (name, as_of), row in last.items() if as_of in kept[name]]


def newest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the newest two as_ofs.

    >>> newest([{"as_of": day} for day in ("2017-09-01", "2017-11-01", "2017-10-01")])
    [{'as_of': '2017-11-01'}, {'as_of': '2017-10-01'}]
    """
    kept = sorted({row["as_of"] for row in rows})[-SHOWN_AS_OFS:]
    return [row for row in rows if row["as_of"] in kept]


def _steps(report: Report) -> Grid | None:
    heads = ("step", "as_of", "status", "rows in", "rows out", "quarantined", "excluded", "seconds")
    keys = ("name", "as_of", "status", "rows_in", "rows_out", "quarantined", "excluded", "seconds")
    rows = newest_steps(report["steps"])
    recorded = {row["as_of"] for row in rows if row["name"] == "promote"}
    # a recorded verdict stands in the verdicts: its judge is no news
    shown = [r for r in rows if r["name"] != "judge" or r["as_of"] not in recorded or r["error"]]
    spare = ("excluded", "seconds", "quarantined")
    return grid("Steps", heads, ([row[k] for k in keys] for row in shown), spare)


def _errors(report: Report) -> str | None:
    """What went wrong in the steps shown as failed."""
    failed = [row for row in newest_steps(report["steps"]) if row["error"]]
    told = [f"  {row['name']} as of {row['as_of']}: {row['error']}" for row in failed]
    return "\n".join(told) or None


def _quarantine(report: Report) -> Grid | None:
    rows = (
        (q["as_of"], q["verdict"], q["rule"], q["reason"], q["rows"])
        for q in newest(report["quarantine"])
    )
    return grid("\nRows set aside", ("as_of", "verdict", "rule", "why", "rows"), rows, ("verdict",))


def _models(report: Report) -> Grid | None:
    heads = ("model", "grade", "AUC", "PR-AUC", "Brier", "lift@10%", "profit per 1,000")
    rows = (
        (
            m["name"],
            m.get("grade"),
            interval(m.get("auc")),
            interval(m.get("pr_auc")),
            interval(m.get("brier"), 4),
            interval(m.get("lift10"), 2),
            interval(m.get("profit_per_1000"), 0),
        )
        for m in report["models"]
    )
    return grid("\nModels on the same rows", heads, rows)


def _references(report: Report) -> str | None:
    """Policies without a model, in one line below the models."""
    told = [f"{row['name']} {row['profit_per_1000'][0]:,.0f}" for row in report["references"]]
    return f"For comparison, profit per 1,000: {', '.join(told)}" if told else None


def _verdicts(report: Report) -> Grid | None:
    rows = (
        (v["as_of"], v["decision"], v["champion"], _reasons(v["reasons"] or (), v["chosen"]))
        for v in newest(report["verdicts"])
    )
    return grid("\nVerdicts", ("as_of", "decision", "champion", "reasons"), rows)


def _reasons(reasons: Sequence[str], chosen: str | None) -> str:
    """The first reasons, one a line, and how many more there are; why this challenger comes first.

    >>> print(_reasons(["it earns less", "one season", "calibration holds"], "logistic was best"))
    logistic was best
    it earns less
    one season (and 1 more in the report)
    """
    left = len(reasons) - SHOWN_REASONS
    more = f" (and {left} more in the report)" if left > 0 else ""
    shown = [*([chosen] if chosen else []), *reasons[:SHOWN_REASONS]]
    return "\n".join(shown) + more


def _segments(report: Report) -> Grid | None:
    """The largest segments, the other scored ones as one row, the sum, and who was not scored."""
    heads = ("segment", "customers", "at risk", "offered", "held out")
    scored = [row for row in report["segments"] if is_scored(row["segment"])]
    shown, rest = scored[:SHOWN_SEGMENTS], scored[SHOWN_SEGMENTS:]
    rows = [_sizes(row["segment"], row) for row in shown]
    if rest:
        others = {key: sum(row.get(key, 0) for row in rest) for key in SUMMED}
        rows.append(_sizes(f"and {len(rest)} more in the report", others))
    if report["segments"]:
        rows.append(_sizes("all who were scored", report["scored"]))
        outside = report["outside"] | {"value_at_risk": None, "offered": None}
        rows.append(_sizes("outside the contract", outside))
    return grid(f"\nSegments as of {report['scored_as_of']}, by value at risk", heads, rows)


def _sizes(name: str, row: Row) -> list[Any]:
    return [name, *(row.get(key) for key in SUMMED)]


def _consent(report: Report) -> str | None:
    said = report["consent"]
    if said is None:
        return None
    others = "assumed for all others" if said["default"] == "assumed" else "none for all others"
    return f"Consent to contact: {said['recorded']:,} on record, {others} ([consent] default)"


def _realised(report: Report) -> Grid | None:
    heads = ("scored as of", "risk band", "customers", "mean score", "realised churn")
    rows = (
        (
            r["as_of"],
            r["risk_band"],
            r["customers"],
            "-" if r["mean_score"] is None else f"{r['mean_score']:.3f}",
            interval(r["churned"]),
        )
        for r in report["realised"]
    )
    return grid("\nRealised churn per score band", heads, rows)


def _exports(report: Report) -> Grid | None:
    keys = ("as_of", "destination", "sent", "unchanged", "removed", "rejected")
    return grid(
        "\nExports", keys, ([row.get(k) for k in keys] for row in newest(report["exports"]))
    )


def _places(report: Report) -> str | None:
    """Where a demo left everything; other reports have no such part."""
    if "places" not in report:
        return None
    took = f"{report['seconds_after_install']:.0f} s, {report['peak_pss_mb']:,.0f} MB at the peak"
    folder = Path(report["places"]["settings"]).parent
    names = ", ".join(str(Path(where).relative_to(folder)) for where in report["places"].values())
    told = (f"Done in {took}. Everything lies below {folder}:", f"  {names}")
    return "\n".join(["", *told])
