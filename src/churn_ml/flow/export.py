"""Export: the world out. What was decided is sent as a difference, and survives being killed.

Worked example: 2017-10-01 sends every scored customer; 2017-11-01 sends only those about whom
something changed, and removes who is no longer scored. Run again, either sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from churn_ml import crm
from churn_ml.attempt import Attempt, attempt
from churn_ml.flow.said import consents, purposes
from churn_ml.house import House
from churn_ml.merges import followed, merged, survivors

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.config import Config
    from churn_ml.receipts import Receipt

READS = ("scores", "segments", "actions", "causes", "named_segments")


def export(house: House, as_of: date, *, dry_run: bool = False) -> Receipt:
    """Send what changed since the last acknowledged state to every destination of the contract.

    Reads what was scored and decided as of `as_of`, and consent and suppression as they are now.
    Writes to [destinations], plan and acks to the ledger. `dry_run` counts and sends nothing.
    Raises NotReady where `as_of` is not scored, Transient where a destination did not answer.
    """
    with attempt(house, "export", as_of, (), repin=True) as trial:
        frames = {name: trial.frame(name, as_of) for name in READS}
        tau = threshold(house, as_of)
        guard = crm.Guard.of(
            house.config,
            suppressed=barred(house),
            consents=asked(house),
            recent=recent(house),
            purposes=objections(house),
        )
        told: dict[str, Any] = {}
        for name in destinations(house.config):
            told[name] = _send(trial, name, frames, tau, guard, dry_run=dry_run)
        trial.details |= {"destinations": told}
        if dry_run:
            trial.leave("dry_run")
    return trial.receipt


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
) -> dict[str, int]:
    """The counts of one destination's export."""
    house, settings = trial.house, trial.house.config.destinations[name]
    desired = crm.rows(
        **frames,
        as_of=trial.as_of,
        tau=tau,
        score_step=settings.score_step,
        delivers=settings.delivers,
    )
    target = crm.open_destination(name, house.config, ledger_id=house.ledger.id)
    run = trial.receipt.reference
    outbox = crm.Outbox(target, house.ledger, guard, clock=house.clock, run=run)
    done = outbox.export(desired, trial.as_of, dry_run=dry_run)
    would = "would be sent" if dry_run else "sent"
    older = f", {done.older:,} older than what was sent already" if done.older else ""
    house.say(
        f"  {name}: {done.sent:,} {would}, {done.unchanged:,} unchanged, {done.removed:,} to remove"
        f"{older}"
    )
    trial.count(name, len(desired), done.sent + done.removed)
    return asdict(done)


def reconcile(house: House, *, repair: bool = False) -> dict[str, crm.Reconciled]:
    """Where each destination of the contract holds something else than it acknowledged, by name.

    Reads the targets and the ledger. `repair`: the ledger doubts what differs, and the next export
    sends it again, or takes it out. Raises Unreachable where a target does not answer. A row of an
    open plan that was sent and not answered counts as a difference until the next export has
    resumed it.
    """
    found = {}
    for name in destinations(house.config):
        target = crm.open_destination(name, house.config, ledger_id=house.ledger.id)
        house.say(f"  reading {name}")
        state = house.ledger.state(name)
        found[name] = crm.reconciled(target.holds(), state, delivers=target.delivers)
        if repair:
            house.ledger.doubt(name, found[name].doubtful, house.clock())
    return found


def threshold(house: House, as_of: date) -> float:
    """The threshold that `as_of` was decided by; raises NotReady where nothing is scored."""
    scored = house.publication("score", as_of)
    if scored is None:
        raise house.before("score", "nothing is scored to export", as_of)
    decided = scored.pins.get("tau")
    return float(house.bundle(scored.pins["model"]).tau if decided is None else decided)


def asked(house: House) -> Any:
    """What the guard calls before every batch: consent as it is now, not as of the plan.

    A row that still carries a merged reference is asked about as the customer who survives.
    """

    def now(customer_ids: Sequence[str]) -> dict[str, bool]:
        said = _newest(house, "consents", "customer_merges")
        if "consents" not in said:
            return {}
        given, gone = consents(merged(said)).to_dict(), survivors(said)
        asked_as = {c: gone.get(c, c) for c in customer_ids}
        return {c: bool(given[person]) for c, person in asked_as.items() if person in given}

    return now


def objections(house: House) -> Any:
    """What the guard calls before every batch: the newest word on profiling and on each channel."""

    def now(customer_ids: Sequence[str]) -> dict[str, dict[str, bool]]:
        said = _newest(house, "consents", "customer_merges")
        found, gone = purposes(merged(said)), survivors(said)
        persons = {c: gone.get(c, c) for c in customer_ids}
        return {c: found[person] for c, person in persons.items() if person in found}

    return now


def barred(house: House) -> Any:
    """What the guard calls before every batch: who must not be sent, whatever the plan says.

    These are the suppressed, under their own or a merged reference, and every merged reference
    itself: the plan may be older than the merge, and its customer is sent as who survives.
    """

    def now(customer_ids: Sequence[str]) -> set[str]:
        gone, ids = survivors(_newest(house, "customer_merges")), set(customer_ids)
        old = [before for before, after in gone.items() if after in ids]
        listed = followed(house.suppressed([*ids, *old]), gone)
        return {c for c in ids if c in listed or c in gone}

    return now


def recent(house: House) -> Any:
    """What the guard calls before every batch: who is contacted under another contract about now.

    That is what another contract's destination acknowledged, or has planned, with an as_of less
    than [policy] contact_window_days away, under whichever reference a merged customer then had.
    """
    config = house.config
    others = sorted(
        name for name, d in config.destinations.items() if (d.contract or "") != config.line
    )
    window = timedelta(days=config.policy.contact_window_days)

    def now(customer_ids: Sequence[str], as_of: date) -> set[str]:
        day = timedelta(days=1)
        told = house.ledger.spoken_to(as_of - window + day, as_of + window, others)
        gone = survivors(_newest(house, "customer_merges")) if told else {}
        reached = followed(told, gone)
        return {c for c in customer_ids if gone.get(c, c) in reached}

    return now


def _newest(house: House, *names: str) -> dict[str, ibis.Table]:
    """The newest rows of the tables named, as far as they have happened."""
    found = {}
    for name, versions in house.ledger.versions(list(names)).items():
        if versions:
            rows = house.warehouse.read(name, versions)
            found[name] = rows.filter(rows.occurred_at <= house.clock().replace(tzinfo=None))
    return found
