"""Named places where a process under test is killed, stopped or disturbed.

The product knows none of them. A test's own process, started for the purpose, wraps the function
of one place by `arm`; any other process runs the code as it was written. `plan.saved:2:kill` says:
the second time a plan was saved, kill -9. `hub.send:1:stop+hub.sent:1:kill` says two things of one
process: it is stopped, and killed once it was woken and got as far as that.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from churn_ml.errors import Unreachable


@dataclass(frozen=True)
class Failpoint:
    """A place: `when` the function `where` (module:Class.function) is called, or has returned."""

    name: str
    when: Literal["before", "after"]
    where: str
    steps: tuple[str, ...]


BRACKET = ("ingest", "score", "train", "judge")
FAILPOINTS = (
    # every step
    Failpoint("token.taken", "after", "churn_ml.ledger:Ledger.take_token", (*BRACKET, "export")),
    Failpoint("handle.opened", "after", "churn_ml.warehouse:Warehouse.handle", BRACKET),
    Failpoint("lake.write", "before", "churn_ml.warehouse:Warehouse.replace", BRACKET),
    Failpoint("lake.commit", "before", "deltalake:write_deltalake", BRACKET),
    Failpoint("lake.committed", "after", "deltalake:write_deltalake", BRACKET),
    Failpoint("lake.unsynced", "before", "churn_ml.warehouse.handle:_flush", BRACKET),
    Failpoint("lake.written", "after", "churn_ml.warehouse:Warehouse.replace", BRACKET),
    Failpoint("publish", "before", "churn_ml.ledger:Ledger.publish", (*BRACKET, "export")),
    Failpoint(
        "publish.token_checked", "after", "churn_ml.ledger.publications:check_token", BRACKET
    ),
    Failpoint(
        "publish.partitions", "after", "churn_ml.ledger.publications:_replace_partitions", BRACKET
    ),
    Failpoint("publish.lots", "before", "churn_ml.ledger.publications:claim_lots", BRACKET),
    Failpoint("publish.receipt", "before", "churn_ml.ledger.publications:file_receipt", BRACKET),
    Failpoint("published", "after", "churn_ml.ledger:Ledger.publish", (*BRACKET, "export")),
    # ingest and validate
    Failpoint("lot.registered", "after", "churn_ml.ledger:Ledger.register_lot", ("ingest",)),
    Failpoint("validation", "before", "churn_ml.ledger:Ledger.record_validation", ("ingest",)),
    Failpoint(
        "validation.recorded", "after", "churn_ml.ledger:Ledger.record_validation", ("ingest",)
    ),
    # features and score
    Failpoint("features.built", "after", "churn_ml.features:build", ("score",)),
    Failpoint("scores.made", "after", "churn_ml.scoring:score", ("score",)),
    Failpoint("actions.decided", "after", "churn_ml.flow.score:decided", ("score",)),
    # train, log and promote
    Failpoint("model.fitted", "after", "churn_ml.training:fit_one", ("train",)),
    Failpoint("model.saved", "after", "churn_ml.models.store:save", ("train",)),
    Failpoint("model.registered", "after", "churn_ml.ledger:Ledger.add_model", ("train",)),
    Failpoint("decision", "before", "churn_ml.ledger:Ledger.decide", ("record",)),
    Failpoint("decision.taken", "after", "churn_ml.ledger:Ledger.decide", ("record",)),
    Failpoint("alias", "before", "churn_ml.registry:Registry.set_alias", ("record",)),
    Failpoint("alias.moved", "after", "churn_ml.registry:Registry.set_alias", ("record",)),
    # export
    Failpoint("guard.asked", "after", "churn_ml.crm:Guard.withheld", ("export",)),
    Failpoint("plan.made", "after", "churn_ml.crm:Outbox._plan", ("export",)),
    Failpoint("plan.save", "before", "churn_ml.ledger:Ledger.save_plan", ("export",)),
    Failpoint("plan.on_top", "after", "churn_ml.ledger.deliveries:_put_on_top", ("export",)),
    Failpoint("plan.saved", "after", "churn_ml.ledger:Ledger.save_plan", ("export",)),
    Failpoint("file.send", "before", "churn_ml.crm:FileDestination.send", ("export",)),
    Failpoint("file.part", "after", "churn_ml.crm.file_writing:put", ("export",)),
    Failpoint("file.listed", "after", "churn_ml.crm.file_writing:listed", ("export",)),
    Failpoint("file.sent", "after", "churn_ml.crm:FileDestination.send", ("export",)),
    Failpoint("table.send", "before", "churn_ml.crm:SqlDestination.send", ("export",)),
    Failpoint("table.written", "after", "churn_ml.crm:SqlDestination._write", ("export",)),
    Failpoint("table.sent", "after", "churn_ml.crm:SqlDestination.send", ("export",)),
    Failpoint("hub.send", "before", "churn_ml.crm:HubSpotDestination.send", ("export",)),
    Failpoint("hub.read", "after", "churn_ml.crm:HubSpotDestination._read", ("export",)),
    Failpoint("hub.sent", "after", "churn_ml.crm:HubSpotDestination.send", ("export",)),
    Failpoint("ack", "before", "churn_ml.ledger:Ledger.acknowledge", ("export",)),
    Failpoint("ack.noted", "after", "churn_ml.ledger.deliveries:note", ("export",)),
    Failpoint("ack.taken", "after", "churn_ml.ledger.deliveries:_take", ("export",)),
    Failpoint("acked", "after", "churn_ml.ledger:Ledger.acknowledge", ("export",)),
)
BY_NAME: Mapping[str, Failpoint] = {point.name: point for point in FAILPOINTS}


def _signalled(name: str) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), getattr(signal, name))


def _lost() -> None:
    raise Unreachable("the connection was reset", where="failpoint")


def _full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


ACTIONS: Mapping[str, Callable[[], None]] = {
    "kill": _signalled("SIGKILL"),
    "stop": _signalled("SIGSTOP"),
    "lose": _lost,
    "fill": _full,
}
"""What happens there; after "stop" the process goes on when somebody sends SIGCONT."""


def nothing() -> None:
    """What is done first where nobody asks to be told."""


def arm(spec: str, first: Callable[[], None] = nothing) -> None:
    """Wrap the place of `spec`, NAME:COUNT:ACTION, in this process: only its COUNT-th pass acts.

    `first` is called right before it acts, and may tell of it.
    """
    name, count, action = spec.split(":")
    left = [int(count)]
    point, act = BY_NAME[name], ACTIONS[action]

    def passed() -> None:
        left[0] -= 1
        if left[0] == 0:
            first()
            act()

    wrap(point.where, **{point.when: passed})


def wrap(
    where: str,
    *,
    before: Callable[[], None] | None = None,
    after: Callable[[], None] | None = None,
) -> None:
    """Call `before` or `after` around the function at `where`, in this process."""
    owner, name = owner_of(where)
    real = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before:
            before()
        result = real(*args, **kwargs)
        if after:
            after()
        return result

    setattr(owner, name, wrapped)


def owner_of(where: str) -> tuple[Any, str]:
    """The module or class that holds the function at `where`, and its name there.

    >>> owner_of("churn_ml.ledger:Ledger.publish")[1]
    'publish'
    """
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    return reduce(getattr, owners, importlib.import_module(module)), name
