"""Export: the world out. What was decided is sent as a difference, and survives being killed.

Worked example: 2017-10-01 sends every scored customer; 2017-11-01 sends only those about whom
something changed, and removes who is no longer scored. Run again, either sends nothing. Where a
plan would change more of a destination than [destinations.NAME] ask_above, it waits for a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from churn_ml import crm
from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import ChurnError, Transient
from churn_ml.flow.guarding import guarded
from churn_ml.flow.means import means
from churn_ml.house import House

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Config
    from churn_ml.receipts import Receipt

READS = ("scores", "segments", "actions", "causes", "named_segments")
Seen: TypeAlias = Callable[[str, crm.Foreseen], None]
"""Takes a destination, and what an export would do to it."""

ASKS, KEPT_BACK = "asks", "kept_back"
"""Statuses: a plan waits for a person's yes, or a person said no to it; nothing of it was sent."""


def export(
    house: House, as_of: date, *, dry_run: bool = False, seen: Seen | None = None
) -> Receipt:
    """Send what changed since the last acknowledged state to every destination of the contract.

    Reads what was scored and decided as of `as_of`, and consent and suppression as they are now.
    Writes to [destinations], plan and acks to the ledger. `dry_run` counts and sends nothing, and
    `seen` is then shown every row (foreseeing.py). A plan that changes too much is not sent: the
    receipt says `asks` until somebody has answered (approving.py), `kept_back` after a no.
    Raises NotReady where `as_of` is not scored; and once the other destinations are done, Transient
    where one did not answer, Stopped where a person has stopped exports to one, or what else kept
    one from being exported to.
    """
    with attempt(house, "export", as_of, (), repin=True) as trial:
        frames = {name: trial.frame(name, as_of) for name in READS}
        tau = threshold(house, as_of)
        guard = guarded(house)
        told: dict[str, Any] = {}
        errors: list[ChurnError] = []
        for name in destinations(house.config):
            try:
                told[name] = _send(trial, name, frames, tau, guard, dry_run=dry_run, seen=seen)
            except ChurnError as error:
                house.say(f"  {name}: not done: {error}")
                errors.append(error)
        if errors:
            raise _beside_what_waits(_gravest(errors), {} if dry_run else told)
        trial.details |= {"destinations": told}
        if dry_run:
            trial.leave("dry_run")
        else:
            _hold(trial, [counts["asks"] for counts in told.values() if "asks" in counts])
    return trial.receipt


def _gravest(errors: Sequence[ChurnError]) -> ChurnError:
    """The error to end with, of those of several destinations: one that a later try may mend.

    >>> from churn_ml.errors import Stopped
    >>> _gravest([Stopped("stopped"), Transient("busy")])
    Transient('busy')
    """
    return next((one for one in errors if isinstance(one, Transient)), errors[0])


def _beside_what_waits(error: ChurnError, told: Mapping[str, Mapping[str, Any]]) -> ChurnError:
    """The error, which says too how a plan for another destination is answered that waits.

    A step that failed asks nobody: who mends it, or waits for its next try, would not know.

    >>> from churn_ml.errors import Stopped
    >>> asks = {"asks": {"plan_id": "5f1c", "refused": False}}
    >>> error = Stopped("exports to bi are stopped", next_step="churn-ml export allow bi")
    >>> print(_beside_what_waits(error, {"crm": asks}))
    exports to bi are stopped | next step: churn-ml export allow bi; crm waits for a yes: churn-ml
        export approve crm --plan 5f1c
    """
    asked = ((name, counts["asks"]) for name, counts in told.items() if counts.get("asks"))
    waits = [
        f"{name} waits for a yes: churn-ml export approve {name} --plan {asks['plan_id']}"
        for name, asks in asked
        if not asks["refused"]
    ]
    if not waits:
        return error
    steps = "; ".join([*([error.next_step] if error.next_step else []), *waits])
    found = {"got": error.got, "expected": error.expected}
    said = type(error)(error.what, where=error.where, **found, next_step=steps)
    return said.with_traceback(error.__traceback__)


def _hold(trial: Attempt, asked: Sequence[Mapping[str, Any]]) -> None:
    """End with what a person has to answer, or has answered with no, where there is any."""
    if not asked:
        return
    trial.leave(KEPT_BACK if all(plan["refused"] for plan in asked) else ASKS)
    if trial.house.requester:
        trial.details["requester"] = trial.house.requester


def destinations(config: Config) -> list[str]:
    """The destinations that export the contract worked under; the main one's where none is named.

    >>> from churn_ml.config import from_text
    >>> config = from_text('''
    ... shop = {name = "Corner shop", currency = "EUR"}
    ... contracts.club = {name = "club", event = "renewal"}
    ... destinations.bi = {kind = "file", target = "bi"}
    ... destinations.club_bi = {kind = "file", target = "club", contract = "club"}
    ... ''')
    >>> destinations(config), destinations(config.under("club"))
    (['bi'], ['club_bi'])
    """
    return [n for n, d in config.destinations.items() if (d.contract or "") == config.line]


def _send(
    trial: Attempt,
    name: str,
    frames: Mapping[str, pd.DataFrame],
    tau: float,
    guard: crm.Guard,
    *,
    dry_run: bool,
    seen: Seen | None,
) -> dict[str, Any]:
    """The counts of one destination's export, with what it asks."""
    house, settings = trial.house, trial.house.config.destinations[name]
    desired = crm.rows(
        **frames,
        as_of=trial.as_of,
        tau=tau,
        score_step=settings.score_step,
        delivers=settings.delivers,
    )
    # a dry run touches no target: of a connection that is missing foreseeing.py tells
    target = (
        crm.Recorder(name)
        if dry_run
        else crm.open_destination(name, house.config, means=means(house))
    )
    run = trial.receipt.reference
    first, answers = settings.first_load == "ask", partial(house.ledger.answered, name)
    radius = crm.Radius(settings.ask_above, first, answers)
    outbox = crm.Outbox(
        target,
        house.ledger,
        guard,
        clock=house.clock,
        run=run,
        radius=radius,
        placed=partial(_placed, frames["segments"]),
    )
    if dry_run:
        foreseen = outbox.foresee(desired, trial.as_of)
        if seen:
            seen(name, foreseen)
        done = foreseen.counted
    else:
        done = outbox.export(desired, trial.as_of)
        _note(house, name, trial.as_of, done.asks)
    would = "would be sent" if dry_run else "sent"
    older = f", {done.older:,} older than what was sent already" if done.older else ""
    asks = f"; held back: {done.asks.in_words()}" if done.asks else ""
    house.say(
        f"  {name}: {done.sent:,} {would}, {done.unchanged:,} unchanged, {done.removed:,} to remove"
        f"{older}{asks}"
    )
    trial.count(name, len(desired), done.sent + done.removed)
    told = asdict(done)
    return told if done.asks else {key: value for key, value in told.items() if key != "asks"}


def _placed(segments: pd.DataFrame, customer_ids: Sequence[str]) -> dict[str, str]:
    """The segment of each of these customers that has one; who is lost has one, and no score.

    >>> import pandas as pd
    >>> _placed(pd.DataFrame({"customer_id": ["h1", "h2"], "segment": ["A", "LOST"]}), ["h2", "h3"])
    {'h2': 'LOST'}
    """
    mine = segments[segments["customer_id"].isin(set(customer_ids))]
    return dict(zip(mine["customer_id"], mine["segment"], strict=True))


def _note(house: House, name: str, as_of: date, asks: crm.Asked | None) -> None:
    """Let what the plan asks wait for an answer, in place of what was asked before it."""
    if asks is None:
        house.ledger.withdraw(name, as_of)
    elif not asks.refused:
        changes = asks.upserts + asks.removals
        house.ledger.ask(name, asks.plan_id, as_of, changes, asks.of_rows, house.clock())


def threshold(house: House, as_of: date) -> float:
    """The threshold that `as_of` was decided by; raises NotReady where nothing is scored."""
    scored = house.publication("score", as_of)
    if scored is None:
        raise house.before("score", "nothing is scored to export", as_of)
    decided = scored.pins.get("tau")
    return float(house.bundle(scored.pins["model"]).tau if decided is None else decided)
