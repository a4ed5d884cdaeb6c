"""The result of a task: measured from the data to the last figure, for JSON and as text.

Enters: the name of a task. Leaves: a dictionary for JSON, or lines of text. Worked example:
`measure("c1-13", Path("CDNOW_master.txt"), say=print)["champion"]` is the name of a family.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import attempt
from churn_ml.concluded import interval as shown
from churn_ml.models.families import FAMILIES, family
from churn_ml.quality import contest, figures
from churn_ml.quality.rows import Rows
from churn_ml.quality.shops import data_of, ends_on, open_shop
from churn_ml.quality.tasks import Task, task

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Config
    from churn_ml.house import House, Progress

Result = dict[str, Any]

RULES = ("rule", "threshold", "cadence", "rfm")
"""The families that are rules: the best of them is a bar for profit."""


def measure(
    name: str,
    data: Path | None = None,
    days: Sequence[int] = (),
    candidates: Sequence[str] = (),
    *,
    say: Progress,
) -> Result:
    """Every candidate and peer of a task at its test cut-offs, and the champion among them.

    `data`: the file of the task's format, where it is not the usual one; `days`: test cut-offs in
    its place, counted from the task's day 1; `candidates`: the families that the champion is chosen
    among, all where none is named. Returns a JSON-able dict; each figure of `models` is
    [value, low, high], customers resampled. `against` is the champion's gain on each peer: above 0
    is better, of `brier_diff` too; `auc_diff` is that of the mean of the cut-offs' own AUCs, which
    does not reward knowing the season. `behind_best` is what the champion lacks of the best
    candidate. Raises BadInput for an unknown task or family or a day with nothing to learn from,
    NotReady without data, TooEarly where labels are not over yet.
    """
    started, wanted = time.perf_counter(), task(name, days)
    names = tuple(family(each).name for each in candidates)
    file = data_of(wanted, data)
    with tempfile.TemporaryDirectory() as folder:
        house = open_shop(wanted, Path(folder), file, say)
        tested, choice = _contest(house, wanted, names)
    return _result(wanted, tested, choice, house.config) | {
        "data": str(file),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _contest(
    house: House, wanted: Task, names: Sequence[str]
) -> tuple[pd.DataFrame, contest.Choice]:
    """The scored test rows, and the champion."""
    with attempt(house, "quality", ends_on(wanted, house), ()) as trial:
        rows = Rows(wanted, trial, trial.canonical(trial.as_of))
        house.say("choosing the champion on earlier data")
        choice = contest.chosen(rows, house.config, names)
        tested = contest.scored(rows, house.config, house.say)
        trial.leave("done")
    return tested, choice


def _result(wanted: Task, tested: pd.DataFrame, choice: contest.Choice, config: Config) -> Result:
    field = figures.Field(tested, config, wanted.told_of == "buying")
    names = [column.removeprefix("p_") for column in tested.columns if column.startswith("p_")]
    drawn = {name: figures.drawn(field, field.policy(name)) for name in names}
    champion = drawn[choice.champion]
    rivals = [name for name in names if name.startswith(contest.PEER)] + [contest.RULE]
    bars = {p.name: figures.drawn(field, p, only_profit=True) for p in field.simple()}
    bars |= {name: drawn[name] for name in RULES if name in drawn}
    best = max(bars, key=lambda name: float(bars[name]["profit_per_1000"][0]))
    over = champion["profit_per_1000"] - bars[best]["profit_per_1000"]
    return {
        "task": wanted.name,
        "meaning": wanted.meaning,
        "rows": len(tested),
        "cut_offs": [wanted.as_of(day).isoformat() for day in wanted.test_days],
        "churn_rate": round(float(field.evidence.truth.y.mean()), 6),
        "pr_auc_and_lift_of": wanted.told_of,
        "currency": config.shop.currency,
        "models": [figures.told(field, field.policy(name), drawn[name]) for name in names],
        "candidates": [each.name for each in FAMILIES],
        "champion": choice.champion,
        "chosen_on": dict(choice.how),
        "against": {name: figures.against(champion, drawn[name]) for name in rivals},
        "references": {
            name: figures.interval(each["profit_per_1000"]) for name, each in bars.items()
        },
        "over_best_reference": {"name": best, "profit_diff": figures.interval(over)},
        "behind_best": _behind(drawn, choice.champion),
    }


def _behind(drawn: Mapping[str, figures.Drawn], champion: str) -> dict[str, Any]:
    """What the champion lacks of the best candidate in AUC and in Brier score; 0 where it is it."""
    own = [each.name for each in FAMILIES]
    auc = {name: float(drawn[name]["auc_mean_per_cutoff"][0]) for name in own}
    brier = {name: float(drawn[name]["brier"][0]) for name in own}
    first, least = max(own, key=lambda name: auc[name]), min(own, key=lambda name: brier[name])
    return {
        "auc": {"best": first, "behind": round(auc[first] - auc[champion], 6)},
        "brier": {"best": least, "behind": round(brier[champion] - brier[least], 6)},
    }


def table(result: Result) -> str:
    """The result as text: one line a model, then the champion against each peer."""
    return "\n".join([*_head(result), *map(_line, result["models"]), *_champion(result)])


def _head(result: Result) -> Iterable[str]:
    yield (
        f"{result['task']}: {result['meaning']}; {result['rows']:,} rows, churn rate "
        f"{result['churn_rate']:.3f}, {result['seconds']:.0f} s, {result['peak_rss_mb']:.0f} MB"
    )
    yield f"data: {result['data']}"
    yield f"PR-AUC and lift are about {result['pr_auc_and_lift_of']}"


def _line(model: Result) -> str:
    return ", ".join(
        [
            f"{model['name']:<20} AUC mean of cut-offs {model['auc_mean_per_cutoff']:.4f}",
            f"pooled {shown(model['auc'], 4)}",
            f"PR {shown(model['pr_auc'])}",
            f"Brier {shown(model['brier'], 4)}",
            f"ECE {model['ece']:.4f} (null {model['ece_null']:.4f})",
            f"lift@10% {shown(model['lift10'], 2)}",
            f"profit per 1,000 {shown(model['profit_per_1000'], 0)}",
        ]
    )


def _champion(result: Result) -> Iterable[str]:
    yield f"champion, chosen on {result['chosen_on']['cut_off']}: {result['champion']}"
    for peer, gains in result["against"].items():
        yield (
            f"  against {peer:<20} AUC {shown(gains['auc_diff'], 4)}, "
            f"Brier {shown(gains['brier_diff'], 4)}, profit {shown(gains['profit_diff'], 0)}"
        )
    over = result["over_best_reference"]
    gain = shown(over["profit_diff"], 0)
    yield f"  profit over the best simple policy, {over['name']}: {gain}"
    for figure, found in result["behind_best"].items():
        yield f"  behind the best candidate in {figure}, {found['best']}: {found['behind']:.4f}"
    for name, found in result["references"].items():
        yield f"  profit per 1,000 of {name:<10} {shown(found, 0)}"
