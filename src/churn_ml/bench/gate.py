"""Speed of the gate: how long one verdict takes, and how much memory.

Enters: how many customers. Leaves: a JSON-able result. The customers are synthetic (fixed seed),
the verdict is the real one, with the resamples that the yearly alpha needs. Two contests: a
champion and a challenger as shops have them, who disagree on some customers, and the worst there
is, nobody against everybody, who disagree on all of them: whoever is treated alike costs next to
nothing.

Worked example: 100,000 customers at alpha .0038 take 6,000 resamples.
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.config import Gate
from churn_ml.errors import BadInput
from churn_ml.gate.diagnosis import diagnosis
from churn_ml.gate.judging import verdict
from churn_ml.gate.trial import Trial
from churn_ml.simulate import contest

if TYPE_CHECKING:
    from churn_ml.house import Progress

FEWEST = 1_000
TRAINED_ON = 20_000
SEED = 17


def measure(rows: int, *, say: Progress) -> dict[str, Any]:
    """A verdict and its diagnosis on `rows` synthetic customers, one row each.

    Returns `rows, alpha, resamples, rivals, opposites, diagnosis_s, peak_rss_mb`; `rivals` and
    `opposites` hold `disagreeing, decision, wall_s, cpu_s`. Raises BadInput below 1,000 rows.

    >>> measure(999, say=lambda line: None)
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: too few to measure | got: 999 rows | expected: 1,000 or more
    """
    if rows < FEWEST:
        raise BadInput("too few to measure", got=f"{rows} rows", expected=f"{FEWEST:,} or more")
    say(f"{rows:,} synthetic customers")
    trial = contest(SEED, TRAINED_ON, rows, (2, 5), Gate())
    told: dict[str, Any] = {
        "rows": rows,
        "alpha": round(trial.gate.alpha_per_look, 6),
        "resamples": trial.resampling.count,
    }
    say("a verdict on two rivals")
    told["rivals"] = _verdict(trial)
    say("a verdict where the policies disagree on everybody")
    told["opposites"] = _verdict(_opposites(trial))
    say("the diagnosis")
    began = time.monotonic()
    diagnosis(trial)
    told["diagnosis_s"] = round(time.monotonic() - began, 2)
    told["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return told


def _opposites(trial: Trial) -> Trial:
    """Nobody against everybody."""
    sides = {"champion": np.inf, "challenger": -np.inf}
    return replace(
        trial, **{name: replace(getattr(trial, name), tau=tau) for name, tau in sides.items()}
    )


def _verdict(trial: Trial) -> dict[str, Any]:
    """One verdict, and the seconds of clock and processor that it took."""
    began, spent = time.monotonic(), time.process_time()
    found = verdict(trial)
    return {
        "disagreeing": found.disagreeing,
        "decision": found.decision,
        "wall_s": round(time.monotonic() - began, 2),
        "cpu_s": round(time.process_time() - spent, 2),
    }


def table(told: dict[str, Any]) -> str:
    """The result as lines for a reader.

    >>> side = {"disagreeing": 9, "decision": "keep", "wall_s": 1.5, "cpu_s": 1.25}
    >>> print(table({"rows": 1000, "alpha": 0.003846, "resamples": 6000, "rivals": side,
    ...              "opposites": side, "diagnosis_s": 0.5, "peak_rss_mb": 300}).splitlines()[1])
    rivals: keep, disagreeing on 9; 1.5 s, 1.25 cpu s
    """
    lines = [
        f"{told['rows']:,} customers, {told['resamples']:,} resamples at alpha {told['alpha']}"
    ]
    lines += [
        f"{name}: {told[name]['decision']}, disagreeing on {told[name]['disagreeing']:,};"
        f" {told[name]['wall_s']} s, {told[name]['cpu_s']} cpu s"
        for name in ("rivals", "opposites")
    ]
    lines += [
        f"diagnosis: {told['diagnosis_s']} s",
        f"peak of memory: {told['peak_rss_mb']:,} MB",
    ]
    return "\n".join(lines)
