"""What was concluded under one contract, as parts of the report on a screen.

Enters: a report of `views`, or the part of it that tells of a further contract. Leaves: grids and
lines: models, verdicts, segments, realised churn, rates and exports; None for what there is none
of. No number is computed here but the sum of segments that are not shown.

Worked example: under the contract `renewal` nobody was judged yet, so its part is the line that
names its champion, the segments as of 2017-11-01 and the rates of the last months.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from churn_ml.grid import Grid, grid
from churn_ml.segments import is_scored
from churn_ml.views import SUMMED

if TYPE_CHECKING:
    from churn_ml.views import Report

Row = dict[str, Any]

SHOWN_AS_OFS = 2
"""How many business dates of a step, newest last."""
SHOWN_SEGMENTS = 5
SHOWN_REASONS = 2


def concluded(report: Report) -> Iterator[Grid | str | None]:
    """The parts of one contract, in the order in which they are read.

    >>> from churn_ml.views import report
    >>> [part for part in concluded(report([])) if part is not None]
    []
    """
    for part in (
        _champion,
        _models,
        _references,
        _verdicts,
        _diagnosis,
        _segments,
        _realised,
        _rates,
        _exports,
    ):
        yield part(report)


def _champion(report: Report) -> str | None:
    """The champion in one line, where the contract is not the only one."""
    if "contract" not in report:
        return None
    return f"champion: {report['champion'] or 'none yet, so nobody is scored'}"


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


def _diagnosis(report: Report) -> Grid | None:
    """The field's own figures of the newest verdict that weighed two models; nothing decides."""
    told = [v["diagnosis"] for v in report["verdicts"] if v.get("diagnosis")]
    newest_told: Row = told[-1] if told else {"at_share": 0.0}
    sides = [(side, newest_told[side]) for side in ("champion", "challenger") if told]
    heads = ("policy", "AUC (DeLong)", "MPC", "EMPC", "lift", "coverage", "value-weighted lift")
    rows = (
        (
            side,
            interval(row["auc"]),
            profit_and_share(row["mpc"], row["mpc_share"]),
            profit_and_share(row["empc"], row["empc_share"]),
            *(row[name] for name in ("lift", "coverage", "value_weighted_lift")),
        )
        for side, row in sides
    )
    title = f"\nDiagnosis; lift and coverage of the first {newest_told['at_share']:.1%} by score"
    return grid(title, heads, rows)


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


def _rates(report: Report) -> Grid | None:
    """Churn, retention and repurchase: the last months, then the groups of the newest one known."""
    heads = ("month", "of", "customers", "churn", "retention", "repurchase")
    rows = (
        (
            row["month"][:7],
            row["word"] if row["slice"] == "all" else f"{row['slice']} {row['word']}",
            row["customers"],
            *(share(row[key]) for key in ("churn_rate", "retention_rate", "repurchase_rate")),
        )
        for row in report["rates"]
    )
    title = f"\nRates as of {report['rates_as_of']}; - is not known yet"
    return grid(title, heads, rows, ("repurchase",))


def _exports(report: Report) -> Grid | None:
    """What the newest exports did; `waits`: rows that a person has to say yes to."""
    keys = ("as_of", "destination", "sent", "unchanged", "removed", "rejected", "older")
    told = [[*map(row.get, keys), _waits(row)] for row in newest(report["exports"])]
    answers = "; what waits: churn-ml export waiting" if any(row[-1] for row in told) else ""
    return grid(f"\nExports{answers}", (*keys, "waits"), told, ("older",))


def _waits(export: Mapping[str, Any]) -> int:
    """Rows of an export that wait for a person's yes.

    >>> _waits({"asks": {"upserts": 60, "removals": 10, "refused": False}}), _waits({"sent": 3})
    (70, 0)
    """
    asks = export.get("asks")
    return asks["upserts"] + asks["removals"] if asks and not asks["refused"] else 0


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


def profit_and_share(profit: float | None, part: float | None) -> str:
    """A maximum profit per customer, and the share to contact that brings it.

    >>> profit_and_share(2.846784, 0.370667), profit_and_share(None, None)
    ('2.85 at 37.1%', '-')
    """
    return "-" if profit is None or part is None else f"{profit:,.2f} at {part:.1%}"


def newest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the newest two as_ofs.

    >>> newest([{"as_of": day} for day in ("2017-09-01", "2017-11-01", "2017-10-01")])
    [{'as_of': '2017-11-01'}, {'as_of': '2017-10-01'}]
    """
    kept = sorted({row["as_of"] for row in rows})[-SHOWN_AS_OFS:]
    return [row for row in rows if row["as_of"] in kept]


def share(value: float | None) -> str | None:
    """A share as percent; None stays.

    >>> share(0.1234), share(None)
    ('12.3%', None)
    """
    return None if value is None else f"{value:.1%}"
