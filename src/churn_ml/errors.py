"""Every error that churn_ml raises on purpose, in one tree.

Drawn from the caller's side, because the caller decides what to do next::

    ChurnError
    |-- Transient            try again: the world was busy (lock, network, restart)
    |   `-- Unreachable      a server did not answer
    `-- Permanent            do not try again: somebody has to act first
        |-- BadConfig        churn.toml says something that cannot be meant
        |-- BadInput         a lot, a row or an argument is not what was promised
        |   `-- OverTolerance  more bad rows than the rule allows
        |-- NotReady         an earlier step has not published what this one reads
        |   `-- TooEarly       too little to learn from yet: time mends it, nobody has to act
        |-- Leak             training would see its own test
        |-- StaleAttempt     a newer attempt of the same step holds the fencing token
        |-- Stopped          a person has stopped exports
        |-- BrokenPromise    a postcondition of our own failed: a defect in churn_ml
        `-- Tampered         bytes differ from the hash the ledger recorded

A message says what, where, got, expected and the next step, in that order:

>>> print(BadInput("orders.csv.gz has no column 'ordered_at'", where="sources.orders",
...                got="basket_id, day", expected="ordered_at",
...                next_step="map it in [sources.orders.columns]"))
orders.csv.gz has no column 'ordered_at' | where: sources.orders
    | got: basket_id, day | expected: ordered_at | next step: map it in [sources.orders.columns]
"""

from __future__ import annotations

from datetime import date


class ChurnError(Exception):
    """An error with the five parts that a reader needs to act."""

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        got: object = None,
        expected: object = None,
        next_step: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.got = got
        self.expected = expected
        self.next_step = next_step
        parts = {"where": where, "got": got, "expected": expected, "next step": next_step}
        told = [f"{name}: {value}" for name, value in parts.items() if value is not None]
        super().__init__(" | ".join([what, *told]))


class Transient(ChurnError):
    """The same call may succeed later; a scheduler retries it."""


class Unreachable(Transient):
    """A server did not answer or closed the connection."""


class Permanent(ChurnError):
    """The same call fails again until somebody acts; a scheduler does not retry it."""


class BadConfig(Permanent):
    """churn.toml holds an unknown key, a wrong type or values that contradict each other."""


class BadInput(Permanent):
    """A file, a column, a row or an argument is not what was promised."""


class OverTolerance(BadInput):
    """A lot holds more bad rows than the tolerance of a rule allows: nothing is published."""


class NotReady(Permanent):
    """A step was asked to read what no earlier step has published."""

    @classmethod
    def before(cls, step: str, what: str, as_of: date, got: str | None = None) -> NotReady:
        """The error of one who comes before `churn-ml STEP` ran for `as_of`: there is no `what`.

        >>> str(NotReady.before("train", "no training to judge", date(2017, 10, 1)))
        'no training to judge | where: 2017-10-01 | next step: churn-ml train --as-of 2017-10-01'

        `step` may be one under a further contract: `train@renewal`.
        """
        day, (name, _, line) = as_of.isoformat(), step.partition("@")
        under = f" --contract {line}" if line else ""
        return cls(what, where=day, got=got, next_step=f"churn-ml {name} --as-of {day}{under}")


class TooEarly(NotReady):
    """History is too short, or the shop too small, to learn from yet; its next days may mend it."""


class Leak(Permanent):
    """A training would learn from what it cannot know: its own test, or what comes after."""


class StaleAttempt(Permanent):
    """A newer attempt of the same step and as_of holds the token: this one may not publish."""


class Stopped(Permanent):
    """A person has stopped exports to a destination, or to all of them."""


class BrokenPromise(Permanent):
    """A postcondition that churn_ml guarantees did not hold: a defect, please report it."""


class Tampered(Permanent):
    """Stored bytes no longer match the sha256 that the ledger or a manifest recorded."""
