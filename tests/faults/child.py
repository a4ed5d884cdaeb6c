"""One operation in a process of its own: its life, what it tells, what is hurried in it.

A fork of the harness's own process, which has imported the product and started nothing, costs
milliseconds where a new interpreter costs a second. Killed, it is killed like any other process.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from churn_ml.crm import FileDestination, HubSpotDestination, SqlDestination
from churn_ml.errors import ChurnError

from .failpoints import arm
from .history import History

SMALL_BATCHES = 5
TIMEOUT_SECONDS = (1.0, 0.25)
"""What a request to HubSpot may take to connect, and between two pieces of its answer."""
HELD_SECONDS = 0.5
Broken = Callable[[], None]


def child(
    world: Any,
    history: History,
    number: int,
    op: str,
    about: Sequence[Any],
    failpoint: str | None,
    broken: Broken | None,
) -> None:
    """The life of one process: do it, say how it ended, and never return."""
    status = 1
    try:
        _log_to(world.folder / "children.log")
        _hurry()
        if broken is not None:
            broken()
        _witness(history, number)
        if failpoint is not None:
            for one in failpoint.split("+"):
                name, _, action = one.split(":")
                hit = partial(history.note, "info", number, "hit", place=name, action=action)
                arm(one, hit)
        said = getattr(world, op)(number, *about)
        history.note("ok", number, op, about=[str(one) for one in about], said=said)
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it was, the history has to know
        kind, told = type(error).__name__, str(error)[:500]
        history.note("fail", number, op, error=kind, ours=isinstance(error, ChurnError), told=told)
        with suppress(OSError):  # the log is on the disk that a seed fills
            traceback.print_exc()
    finally:
        os._exit(status)


def _log_to(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)


def _hurry() -> None:
    """A table takes a plan of two dozen rows in a few batches, as it does one of thousands.

    HubSpot's answers are waited for a quarter of a second, and between two tries hundredths of a
    second pass in place of seconds. Who finds a folder held waits half a second for the holder.
    """
    from churn_ml.crm.hubspot import destination

    made, asked = SqlDestination.__init__, HubSpotDestination.__init__
    opened = FileDestination.__init__

    def smaller(self: SqlDestination, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **{"batch_size": SMALL_BATCHES, **kwargs})

    def briefly(self: FileDestination, *args: Any, **kwargs: Any) -> None:
        opened(self, *args, **{"patience_seconds": HELD_SECONDS, **kwargs})

    def sooner(self: HubSpotDestination, *args: Any, **kwargs: Any) -> None:
        asked(self, *args, **{"sleep": lambda seconds: time.sleep(seconds / 100), **kwargs})

    SqlDestination.__init__ = smaller  # type: ignore[method-assign]
    FileDestination.__init__ = briefly  # type: ignore[method-assign]
    HubSpotDestination.__init__ = sooner  # type: ignore[method-assign]
    impatient = partial(destination.Caller, timeout=TIMEOUT_SECONDS)  # type: ignore[attr-defined]
    setattr(destination, "Caller", impatient)  # noqa: B010 - a class is not assigned to


def _witness(history: History, number: int) -> None:
    """Note in the history what this process does that the claim is about.

    Noted are every token it took and every publication it began, every look of its guard, every
    plan that it saves or finds open, and every ack. A failpoint is armed around it, so that who is
    killed after an ack has told of it.
    """
    from churn_ml.crm import Guard
    from churn_ml.ledger import Ledger

    note = partial(history.note, "info", number)
    take, publish = Ledger.take_token, Ledger.publish
    withheld, acknowledge = Guard.withheld, Ledger.acknowledge
    save, look = Ledger.save_plan, Ledger.open_plan

    def took(ledger: Any, *about: Any) -> Any:
        token = take(ledger, *about)
        note("token", step=token.step, as_of=str(token.as_of), token=token.number)
        return token

    def publishing(ledger: Any, token: Any, **rest: Any) -> Any:
        note("publishing", step=token.step, as_of=str(token.as_of), token=token.number)
        return publish(ledger, token, **rest)

    def looked(guard: Guard, rows: Any) -> Any:
        note("guard")
        return withheld(guard, rows)

    def saving(ledger: Any, name: str, plan_id: str, as_of: Any, *rest: Any, **more: Any) -> None:
        note("plan", destination=name, plan=plan_id, as_of=as_of)
        save(ledger, name, plan_id, as_of, *rest, **more)

    def left(ledger: Any, name: str) -> Any:
        begun, found = time.time(), look(ledger, name)
        if found is not None:
            plan_id, as_of, rows = found
            note("plan", destination=name, plan=plan_id, as_of=as_of)
            note("left", begun=begun, plan=plan_id, customers=[row[0] for row in rows])
        return found

    def acked(ledger: Any, plan_id: str, taken: Sequence[str], **rest: Any) -> None:
        if refused := [one[0] for one in rest.get("rejected", ())]:
            note("rejected", plan=plan_id, customers=refused)
        acknowledge(ledger, plan_id, taken, **rest)
        settled = [*taken, *(one[0] for one in rest.get("withdrawn", ()))]
        note("ack", plan=plan_id, customers=settled)

    for owner, name, told in (
        (Ledger, "take_token", took),
        (Ledger, "publish", publishing),
        (Ledger, "save_plan", saving),
        (Ledger, "open_plan", left),
        (Ledger, "acknowledge", acked),
        (Guard, "withheld", looked),
    ):
        setattr(owner, name, told)
