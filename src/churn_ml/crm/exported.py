"""What an export did, in rows: counted from what became of each batch.

Enters: a plan, and the batches that were settled. Leaves: the counts of a receipt. Worked example:
a run resumes 300 rows of October's plan, then sends 700 of November's: 1,000 sent, 300 resumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from churn_ml.crm.plan import Plan
from churn_ml.crm.protocol import Row
from churn_ml.crm.radius import Asked
from churn_ml.errors import Stopped


@dataclass(frozen=True)
class Exported:
    """What one export did, in rows.

    `sent` upserts and `removed` removals were acknowledged, `resumed` of them from a plan that an
    earlier run left open; `rejected` ones are planned again by the next run; `withheld` customers
    are suppressed, without consent or contacted under another contract about now (of these only the
    offer is withheld); `older` rows came too late for this destination. `asks`: the
    plan was not saved, for it changes so much that a person has to say yes to it first.
    """

    sent: int
    unchanged: int
    removed: int
    rejected: int
    withheld: int
    resumed: int
    older: int
    asks: Asked | None = None


@dataclass
class Settled:
    """The customers of the batches settled so far, by what became of their row."""

    sent: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """How many rows were answered, each once.

        >>> Settled(sent={"h1"}, removed={"h2"}, rejected={"h3"}, withheld={"h2"}).rows
        3
        """
        return len(self.sent) + len(self.removed) + len(self.rejected)

    def note(self, acked: Sequence[Row], rejected: Iterable[str], withheld: Iterable[str]) -> None:
        """Add what became of one batch."""
        self.sent |= {row.customer_id for row in acked if row.op == "upsert"}
        self.removed |= {row.customer_id for row in acked if row.op == "remove"}
        self.rejected |= set(rejected)
        self.withheld |= set(withheld)

    def add(self, more: Settled) -> None:
        """Add what became of a further plan."""
        self.sent |= more.sent
        self.removed |= more.removed
        self.rejected |= more.rejected
        self.withheld |= more.withheld


def counted(
    planned: Plan,
    left: Plan | None,
    resumed: Settled,
    fresh: Settled,
    asks: Asked | None = None,
) -> Exported:
    """What became of a plan, and of what was `left` of the one before it.

    Parameters: `resumed`, the batches of `left`; `fresh`, those of the plan; `asks`, where it was
    not saved.

    >>> from datetime import date
    >>> day, told = date(2017, 11, 1), Settled(sent={"h1"})
    >>> left = Plan("5f1c", day, (Row("h1", "upsert", day, {}, "9f"),))
    >>> done = counted(Plan("b1d0", day, ()), left, resumed=told, fresh=Settled(sent={"h2"}))
    >>> done.sent, done.resumed
    (2, 1)
    """
    return Exported(
        sent=len(resumed.sent) + len(fresh.sent),
        # What the resumed part has just sent is unchanged to the plan after it, not to the reader;
        # what it was refused is not tried twice in a run.
        unchanged=len(planned.unchanged - resumed.sent - resumed.rejected),
        removed=len(resumed.removed) + len(fresh.removed),
        rejected=len((resumed.rejected - fresh.sent) | fresh.rejected),
        withheld=len(planned.withheld | resumed.withheld | fresh.withheld),
        resumed=len(left.rows) if left else 0,
        older=planned.older,
        asks=asks,
    )


def refused(left: Plan | None, resumed: Settled) -> dict[str, str]:
    """customer_id -> content hash of the rows `left` by an earlier run that this one was refused.

    >>> from datetime import date
    >>> left = Plan("5f1c", date(2017, 11, 1), (Row("h1", "upsert", date(2017, 11, 1), {}, "9f"),))
    >>> refused(left, Settled(rejected={"h1"})), refused(None, Settled())
    ({'h1': '9f'}, {})
    """
    rows = left.rows if left else ()
    return {
        row.customer_id: row.content_hash for row in rows if row.customer_id in resumed.rejected
    }


@contextmanager
def telling_how_far(planned: Plan, settled: Settled) -> Iterator[None]:
    """Around a look for stops in the middle of a plan: Stopped says how much of it had gone.

    >>> from datetime import date
    >>> day = date(2017, 11, 1)
    >>> planned = Plan("5f1c", day, tuple(Row(h, "upsert", day, {}, "9f") for h in ("h1", "h2")))
    >>> with telling_how_far(planned, Settled(sent={"h1"})):
    ...     raise Stopped("exports to crm are stopped", got="ada, 2017-11-02 09:00 UTC: too many")
    Traceback (most recent call last):
    ...
    churn_ml.errors.Stopped: exports to crm are stopped
        | got: ada, 2017-11-02 09:00 UTC: too many; 1 of 2 rows of the plan had gone, 1 waits
    """
    try:
        yield
    except Stopped as stop:
        rows, done = len(planned.rows), settled.rows
        told = f"{done:,} of {rows:,} rows of the plan had gone, "
        told += f"{rows - done:,} wait{'s' if rows - done == 1 else ''}"
        raise Stopped(
            stop.what,
            where=stop.where,
            got=f"{stop.got}; {told}" if stop.got else told,
            expected=stop.expected,
            next_step=stop.next_step,
        ) from None
