"""The report as a person reads it: one screen of tables, as wide as the terminal.

Enters: a report of `views`. Leaves: text on a console, 24 to 60 lines for a house in use. No number
is computed here but the sum of segments that are not shown; what is older than the newest two
as_ofs stays in `report.json`.

Worked example: after the demo the models table shows rule, logistic and XGBoost on the rows of
2017-10-01, each metric as value [low, high].
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from churn_ml.concluded import SHOWN_AS_OFS, concluded, newest
from churn_ml.grid import Grid, grid, width

if TYPE_CHECKING:
    from churn_ml.views import Report

Row = dict[str, Any]


def show(report: Report, console: Console | None = None) -> None:
    """Print the report, part by part; parts without rows are left out.

    Parameters: `report`, as `views.report` returns it; `console`, where to print.
    """
    console = console or Console(width=width(), highlight=False, markup=False)
    parts = [_steps(report), _errors(report), _quarantine(report), *concluded(report)]
    for further in report["contracts"]:
        parts += [f"\nUnder the contract {further['contract']}:", *concluded(further)]
    for part in (*parts, _consent(report), _places(report)):
        if part is not None:
            console.print(part)
    if "go_on" in report:  # to be copied: the terminal may wrap it, but nothing stands in between
        console.print(f"To go on by hand:\n  {report['go_on']}", soft_wrap=True)


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


def _consent(report: Report) -> str | None:
    said = report["consent"]
    if said is None:
        return None
    others = "assumed for all others" if said["default"] == "assumed" else "none for all others"
    return f"Consent to contact: {said['recorded']:,} on record, {others} ([consent] default)"


def _places(report: Report) -> str | None:
    """Where a demo left everything; other reports have no such part."""
    if "places" not in report:
        return None
    took = f"{report['seconds_after_install']:.0f} s, {report['peak_pss_mb']:,.0f} MB at the peak"
    folder = Path(report["places"]["settings"]).parent
    names = ", ".join(str(Path(where).relative_to(folder)) for where in report["places"].values())
    told = (f"Done in {took}. Everything lies below {folder}:", f"  {names}")
    return "\n".join(["", *told])
