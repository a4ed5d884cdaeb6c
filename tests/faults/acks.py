"""What was acknowledged stays acknowledged, at the destination and under the as_of of its plan.

Enters: the history, in which every process notes the plans it saved or found open and the rows it
settled; and what the ledger says at the end. Leaves: acks that were lost, or were replaced by older
ones. Worked example: `c03` was acknowledged by the table in a plan as of 2017-10-01. That the
folder has him too is no excuse where the table's state has forgotten him, has an earlier as_of for
him, or his row is open in that plan once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from .history import History

States = Mapping[str, Mapping[str, tuple[str, date]]]
"""Destination -> customer -> content hash and as_of: what the ledger says that it holds."""


def lost(history: History, states: States) -> Iterator[str]:
    """Acks that the ledger has forgotten, or knows as older than they were.

    A row that one process settled and another found refused stays as whoever came first settled it:
    of that one the as_of is not compared.
    """
    plans = {event["plan"]: event for event in history.events("plan")}
    refused = {(e["plan"], c) for e in history.events("rejected") for c in e["customers"]}
    for event in history.events("ack"):
        plan = plans[event["plan"]]
        name, as_of = plan["destination"], plan["as_of"]
        for customer in event["customers"]:
            told = f"{name}: {customer} was acknowledged as of {as_of} in plan {event['plan']}"
            known = states[name].get(customer)
            if known is None:
                yield f"{told}, and is forgotten"
            elif str(known[1]) < as_of and (event["plan"], customer) not in refused:
                yield f"{told}, and is known as of {known[1]}"


def reopened(history: History) -> Iterator[str]:
    """Rows that were open in a plan when somebody looked after they were acknowledged in it."""
    acks = history.events("ack")
    for look in history.events("left"):
        done = {
            customer
            for ack in acks
            if ack["plan"] == look["plan"] and ack["at"] < look["begun"]
            for customer in ack["customers"]
        }
        if again := sorted(done.intersection(look["customers"])):
            yield f"acknowledged and open again: {again} of plan {look['plan']}"
