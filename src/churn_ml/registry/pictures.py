"""Pictures: the curves of a candidate as images, for MLflow's artifact page.

Enters: the curves that training left (curves.py). Leaves: PNG bytes by file name. Drawn without a
screen, without pyplot and without a clock, in the font that matplotlib brings: the same curves give
the same bytes. Worked example: `profit.png` of a training as of 2017-11-01 shows what contacting
the best share of the customers of 2017-09-01 would have earned, with a line where tau cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, Any]
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
SIZE_INCHES = (5.6, 4.0)
DPI = 90
LEFT, WIDE_LEFT = 0.14, 0.38
INK, OTHER, QUIET = "#1f5f8b", "#b5482a", "#888888"


def drawn(curves: Curves, title: str, currency: str) -> dict[str, bytes]:
    """Every picture of one candidate: file name -> PNG.

    `title`: the candidate and the day; `currency`: the shop's, of every amount.
    """
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = {}
    with rc_context():
        rcdefaults()  # whatever settings this machine's user has
        rcParams.update(STYLE)
        for name, draw in PICTURES.items():
            figure = Figure(figsize=SIZE_INCHES, dpi=DPI)
            FigureCanvasAgg(figure)
            # fixed: letting matplotlib fit the margins doubles the time
            left = WIDE_LEFT if name == "drivers" else LEFT
            axes = figure.add_axes((left, 0.13, 0.96 - left, 0.74))
            draw(axes, curves, currency)
            axes.set_title(f"{axes.get_title()}\n{title}", fontsize=9, y=1.02)
            held = BytesIO()
            figure.savefig(held, format="png", metadata={"Software": None})
            found[f"{name}.png"] = held.getvalue()
    return found


def _roc(axes: Axes, curves: Curves, _: str) -> None:
    axes.plot(curves["roc"]["wrong_share"], curves["roc"]["hit_share"], color=INK)
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=":")
    _named(axes, "ROC", "share of stayers above the cut-off", "share of churners above it")


def _pr(axes: Axes, curves: Curves, _: str) -> None:
    axes.plot(curves["pr"]["hit_share"], curves["pr"]["precision"], color=INK)
    rate = curves["churners"] / curves["rows"]
    axes.axhline(rate, color=QUIET, linestyle=":")
    _named(axes, "Precision and recall", "share of churners found", "churners among those chosen")


def _calibration(axes: Axes, curves: Curves, _: str) -> None:
    bins = curves["reliability"]
    axes.plot([b["score"] for b in bins], [b["churned"] for b in bins], "o-", color=INK)
    top = max([b[key] for b in bins for key in ("score", "churned")], default=1.0) or 1.0
    axes.plot([0, top], [0, top], color=QUIET, linestyle=":")
    _named(axes, "Calibration", "mean score of a tenth", "share of it that churned")


def _gains(axes: Axes, curves: Curves, _: str) -> None:
    axes.plot(curves["gains"]["contacted"], curves["gains"]["hit_share"], color=INK)
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=":")
    _named(axes, "Gains", "share of customers, highest scores first", "share of churners found")


def _lift(axes: Axes, curves: Curves, _: str) -> None:
    axes.plot(curves["lift"]["contacted"], curves["lift"]["lift"], color=INK)
    axes.axhline(1.0, color=QUIET, linestyle=":")
    _named(axes, "Lift", "share of customers, highest scores first", "churn rate over the average")


def _profit(axes: Axes, curves: Curves, currency: str) -> None:
    told = curves["profit"]
    axes.plot(told["share"], told["per_1000"], color=INK)
    for at, color, label in (("at_tau", OTHER, "as tuned (tau)"), ("best", QUIET, "best here")):
        point = told[at]
        shown = f"{label}: {point['share']:.1%}, {point['per_1000']:,.0f}"
        axes.plot([point["share"]], [point["per_1000"]], "o", color=color, label=shown)
    axes.axhline(0.0, color=QUIET, linestyle=":")
    axes.legend(loc="best", fontsize=8)
    unit = f"{currency} per 1,000 customers at risk"
    _named(axes, "Profit", "share contacted, best expected gain first", unit)


def _scores(axes: Axes, curves: Curves, _: str) -> None:
    told = curves["scores"]
    left, width = told["edges"][:-1], told["edges"][1] - told["edges"][0]
    axes.bar(left, told["stayed"], width, align="edge", color=INK, alpha=0.7, label="stayed")
    axes.bar(left, told["churned"], width, align="edge", color=OTHER, alpha=0.7, label="churned")
    axes.legend(loc="best", fontsize=8)
    _named(axes, "Scores", "score", "customers")


def _drivers(axes: Axes, curves: Curves, _: str) -> None:
    told = list(reversed(curves["drivers"]))
    axes.barh([row["feature"] for row in told], [row["size"] for row in told], color=INK)
    axes.tick_params(axis="y", labelsize=7)
    _named(axes, "What moves the score", "mean size of what it adds to the logit", "")


def _named(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)


PICTURES: Mapping[str, Callable[[Axes, Curves, str], None]] = {
    "roc": _roc,
    "precision_recall": _pr,
    "calibration": _calibration,
    "gains": _gains,
    "lift": _lift,
    "profit": _profit,
    "scores": _scores,
    "drivers": _drivers,
}
"""Every picture, by the name of its file."""
