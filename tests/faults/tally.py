"""What the seeds went through: operations, ends, faults and failpoints, counted from histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .history import Event, History
from .places import ON_THE_WAY, Way

NOT_COUNTED = frozenset(
    {
        *("guard", "plan", "left", "rejected", "ack", "token", "publishing"),
        *("hit", "cut", "killed", "exit"),
    }
)


@dataclass
class Tally:
    """Counts over seeds.

    `asleep`: who was stopped and woken. `overtaken`: those of them whose step another run had done
    to its end meanwhile; `fenced`: those who were then refused as stale; `late`: those who were
    killed when they had sent what they held.
    """

    operations: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failpoints: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    asleep: int = 0
    overtaken: int = 0
    fenced: int = 0
    late: int = 0

    def add(self, history: History) -> None:
        """Count one seed's history."""
        events = history.events()
        thrown_by_us = {e["number"] for e in events if e.get("action") == "fill"}
        self.killed += sum(event["op"] == "killed" for event in events)
        for event in events:
            if event["kind"] == "invoke":
                self.operations[event["op"]] += 1
            elif event["kind"] == "fail":
                self.failures[event["error"]] += 1
                if not event["ours"] and event["number"] not in thrown_by_us:
                    self.foreign[event["error"]] += 1
            elif event["op"] == "hit":
                self.failpoints[event["place"]] += 1
                self.actions[event["action"]] += 1
            elif event["op"] == "cut":
                self.faults.update(f"HubSpot: {name}" for name in event["faults"])
            elif event["kind"] == "info" and event["op"] not in NOT_COUNTED:
                self.faults[event["op"]] += 1
        self._add_sleepers(events)

    def _add_sleepers(self, events: list[Event]) -> None:
        begun = {e["number"]: e for e in events if e["kind"] == "invoke"}
        ended = {e["number"]: e for e in events if e["kind"] in ("ok", "fail")}
        stops = {e["number"]: e for e in events if e["op"] == "hit" and e["action"] == "stop"}
        kills = {e["number"]: e for e in events if e["op"] == "hit" and e["action"] == "kill"}
        for wake in (e for e in events if e["op"] == "wake"):
            me, stop = begun[wake["number"]], stops[wake["number"]]
            after = (e for e in begun.values() if e["op"] == me["op"] and e["at"] > stop["at"])
            ends = (ended.get(e["number"]) for e in after)
            self.asleep += 1
            if any(e and e["kind"] == "ok" and e["at"] < wake["at"] for e in ends):
                self.overtaken += 1
                end, kill = ended.get(wake["number"]), kills.get(wake["number"])
                self.late += bool(kill and kill["at"] > wake["at"])
                self.fenced += bool(end and end.get("error") == "StaleAttempt")

    def missed(self, way: Way = ON_THE_WAY) -> list[str]:
        """The failpoints of `way` that nobody came to grief at."""
        return sorted({name for names in way.values() for name in names} - self.failpoints.keys())

    def totals(self) -> dict[str, int]:
        """What a test asks for."""
        names = ("killed", "asleep", "overtaken", "fenced", "late")
        return {name: getattr(self, name) for name in names}

    def told(self) -> Iterable[str]:
        """The counts in lines."""
        yield f"operations: {_counts(self.operations)}"
        yield f"ended by kill -9: {self.killed}; failed: {_counts(self.failures)}"
        yield f"failed without words of ours: {_counts(self.foreign) or 'none'}"
        yield (
            f"stopped and woken: {self.asleep}; of these overtaken meanwhile by a run of their "
            f"step: {self.overtaken}; of these refused as stale: {self.fenced}, killed when they "
            f"had sent all the same: {self.late}"
        )
        yield f"faults around them: {_counts(self.faults)}"
        yield f"at failpoints: {_counts(self.actions)}"
        yield f"failpoints hit: {_counts(self.failpoints)}"
        yield f"failpoints never hit: {', '.join(self.missed()) or 'none'}"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common() if count)
