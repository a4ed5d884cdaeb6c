"""Nobody is written to a target who may not be: by the target's own log, with the time.

Who was suppressed is not to be upserted at all, who took consent back not with an offer. An export
may have looked before and have written after: the guard is asked before every batch, so a write is
excused where a run that was alive had its last look before. Worked example: `c03` is suppressed
at 10:00:00.0; a run that looked at 09:59:59.9 and wrote him at 10:00:00.1 kept the claim, one that
looked at 10:00:00.05 did not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple

from .history import Event, History
from .targets import Written

SLACK_SECONDS = 0.002
"""SQLite tells the time in milliseconds."""
UNDER_WAY_SECONDS = 0.1
"""How long after its sender's end a request may still be taken."""


class Ban(NamedTuple):
    """From `since`, until it was about to be lifted, nobody may write `customer`, as `why` says."""

    customer: str
    since: float
    until: float
    why: str


def sent(history: History, writes: Iterable[Written]) -> Iterator[str]:
    """Writes of who was banned when the guard was asked last."""
    bans, runs = [*_suppressed(history), *_withdrawn(history)], _runs(history)
    looks: dict[int, list[float]] = {}
    for event in history.events("guard"):
        looks.setdefault(event["number"], []).append(event["at"])
    for write in writes:
        for ban in bans:
            if not _breaks(write, ban):
                continue
            alive = [n for n, (begun, end) in runs.items() if begun <= write.at <= end]
            if not any(_looked_before(looks.get(n, []), ban.since, write.at) for n in alive):
                late = f"{write.at - ban.since:.3f} s after {ban.why}"
                yield f"{write.target}: {write.customer} was written {late}"


def suppressed(history: History) -> dict[str, float]:
    """When each suppressed customer was suppressed for certain; the first time counts."""
    at: dict[str, float] = {}
    for event in history.events("suppress", "ok"):
        for customer in event["said"]["customers"]:
            at.setdefault(customer, event["at"])
    return at


def _suppressed(history: History) -> Iterator[Ban]:
    for customer, at in suppressed(history).items():
        yield Ban(customer, at, inf, "suppression")


def _withdrawn(history: History) -> Iterator[Ban]:
    """Consents that were taken back, each until somebody began to give it again."""
    begun = history.events("consent", "invoke")
    for event in history.events("consent", "ok"):
        for customer, given in event["said"]["given"].items():
            again = (e["at"] for e in begun if e["at"] > event["at"] and _gives(e, customer))
            if not given:
                yield Ban(customer, event["at"], min(again, default=inf), "withdrawal of consent")


def _gives(event: Event, customer: str) -> bool:
    return bool(event["about"][0].get(customer))


def _breaks(write: Written, ban: Ban) -> bool:
    """Whether the write is one that the ban is about."""
    if write.customer != ban.customer or not ban.since + SLACK_SECONDS < write.at < ban.until:
        return False
    return ban.why == "suppression" or write.offer not in ("", "NONE")


def _runs(history: History) -> dict[int, tuple[float, float]]:
    """When each export began and ended, by its number; one that was killed ended then."""
    over = {e["number"]: e["at"] for kind in ("ok", "fail") for e in history.events(kind=kind)}
    over |= {event["number"]: event["at"] for event in history.events("killed")}
    begun = [e for op in ("export", "settle") for e in history.events(op, "invoke")]
    ends = (over.get(e["number"], inf) + UNDER_WAY_SECONDS for e in begun)
    return {e["number"]: (e["at"], end) for e, end in zip(begun, ends, strict=True)}


def _looked_before(looks: list[float], banned: float, wrote: float) -> bool:
    """Whether the run's last look of its guard before the write was before the ban."""
    before = [at for at in looks if at <= wrote + SLACK_SECONDS]
    return bool(before) and max(before) <= banned
