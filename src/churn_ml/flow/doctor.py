"""Doctor: whether what the ledger says, what lies on disk and what MLflow shows are one.

Enters: the house. Leaves: one finding a check, and where asked the aliases of MLflow as the ledger
decided them and leftovers swept. Nothing else is mended: what was tampered with, or is too old, is
for a person.

Worked example: somebody moves the alias `champion` in MLflow to xgboost-1; the ledger's champion is
rule-1 still, and scoring goes on with it. The doctor finds that champion "points at xgboost-1, the
ledger says rule-1"; with `repair` it points at rule-1 again, and the check is well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from churn_ml.errors import ChurnError
from churn_ml.flow.definitions import known_to
from churn_ml.flow.following import astray, project, wanted
from churn_ml.flow.leftovers import leftovers, sweep
from churn_ml.flow.log import owed
from churn_ml.ledger.doubts import IN_DOUBT
from churn_ml.ledger.held import NOT_HELD

if TYPE_CHECKING:
    from churn_ml.house import House


@dataclass(frozen=True)
class Finding:
    """What one check found; `next_step` says what to do where it is not well."""

    check: str
    well: bool
    told: str
    next_step: str | None = None


def doctor(house: House, *, repair: bool = False) -> list[dict[str, Any]]:
    """Every check of the whole house, one JSON-able row each: check, well, told, next_step.

    That the ledger's schema is the newest is seen to where it is opened. Looked at are the chain of
    decisions and, under each contract, the bytes and the age of champion and former champion,
    MLflow's aliases and what a killed logging left there; then whether exports are stopped, who
    feeds each destination, which makes an absent file or table, and which destinations still hold
    customers but stand in churn.toml no more; and what killed writers left behind.
    `repair`: let the aliases follow the ledger, and sweep what was left, before they are looked at.
    Raises nothing: what a
    check runs into is its finding.
    """
    found = [_seen("decisions", lambda: _chain(house))]
    for line in ("", *house.config.contracts):
        found += _of_contract(house.under(line), repair=repair)
    found.append(_seen("exports", lambda: _stops(house)))
    found += [
        _seen(f"destination {name}", lambda name=name: _destination(house, name))  # type: ignore[misc]
        for name in house.config.destinations
    ]
    found += _given_up(house)
    found.append(_seen("leftovers", lambda: _leftovers(house, repair=repair)))
    return [asdict(one) for one in found]


def _of_contract(house: House, *, repair: bool) -> Iterator[Finding]:
    """The checks of one contract; of no model where nobody is champion yet."""
    under = f", contract {house.config.line}" if house.config.line else ""
    for role, model_id in wanted(house).items():
        if model_id is not None:
            look = _model(house, model_id) if role == "champion" else _bytes(house, model_id)
            yield _seen(f"{role.replace('_', ' ')}{under}", look)
    yield _seen(f"MLflow's aliases{under}", lambda: _aliases(house, repair=repair))
    yield _seen(f"MLflow's runs{under}", lambda: _runs(house))


def _seen(check: str, look: Callable[[], Finding]) -> Finding:
    """The finding of `look`, by its name; an error of ours is a finding too."""
    try:
        return replace(look(), check=check)
    except ChurnError as error:
        where = f", {error.where}" if error.where else ""
        return Finding(check, well=False, told=f"{error.what}{where}", next_step=error.next_step)


def _chain(house: House) -> Finding:
    return Finding("", well=True, told=f"{house.ledger.verify()} in one chain")


def _bytes(house: House, model_id: str) -> Callable[[], Finding]:
    """Whether the bytes of a model are those of the ledger."""

    def look() -> Finding:
        house.bundle(model_id)
        return Finding("", well=True, told=f"{model_id}, its bytes are those that were saved")

    return look


def _model(house: House, model_id: str) -> Callable[[], Finding]:
    """Whether the champion is whole, its features are built as it learned them, and it is fresh."""

    def look() -> Finding:
        bundle, newest = house.bundle(model_id), house.newest("ingest")
        if not known_to(bundle, house.config):
            return Finding(
                "",
                well=False,
                told=f"the features of {model_id} are built otherwise now",
                next_step="restore [features] in churn.toml, or train anew: churn-ml train",
            )
        trained, limit = bundle.origin.trained_as_of, house.config.schedule.stale_after_days
        days = (newest.as_of - trained).days if newest else 0
        told = f"{model_id}, trained {days} days before the newest data"
        if days > limit:
            return Finding(
                "",
                well=False,
                told=f"{told}: more than the {limit} of [schedule] stale_after_days",
                next_step="see why no challenger beats it: churn-ml decisions log",
            )
        return Finding("", well=True, told=f"{told}, its bytes are those that were saved")

    return look


def _aliases(house: House, *, repair: bool) -> Finding:
    """Whether MLflow's aliases are those of the ledger."""
    if repair:
        project(house)
    asked = wanted(house)
    wrong = astray(house, asked)
    if not wrong:
        return Finding("", well=True, told="as the ledger decided")
    told = "; ".join(
        f"{name} points at {held or 'nothing'}, the ledger says {asked[name] or 'nobody'}"
        for name, held in wrong.items()
    )
    return Finding("", well=False, told=told, next_step=_mends(house, asked))


def _runs(house: House) -> Finding:
    """Whether a logging was killed and has left uploads behind that nothing in MLflow names."""
    left = house.registry.unfinished()
    if not left:
        return Finding("", well=True, told="all of them ended")
    days = ", ".join(f"{count} as of {day}" for day, count in sorted(left.items()))
    return Finding(
        "",
        well=False,
        told=f"not ended: {days}: of a logging that goes on now, or was killed in mid-upload",
        next_step=f"churn-ml log --as-of {min(left)}, which takes over what is whole",
    )


def _mends(house: House, asked: dict[str, str | None]) -> str:
    """What brings the aliases back: logging what MLflow never saw, or moving them."""
    unseen = {house.ledger.model(model).trained_as_of for model in asked.values() if model}
    late = sorted(day for day in unseen if owed(house, day))
    return f"churn-ml log --as-of {late[0].isoformat()}" if late else "churn-ml doctor --repair"


def _stops(house: House) -> Finding:
    """Whether a person has stopped exports, and has not allowed them again; names what waits."""
    stops, waits = house.ledger.stops(), house.ledger.waiting()
    plans = [f"plan {o.plan_id} as of {o.as_of} for {o.destination} waits for a yes" for o in waits]
    told = [*(one.in_words() for one in stops), *plans]
    step = "churn-ml export waiting" if waits else None
    return Finding(
        "",
        well=not stops,
        told="; ".join(told if stops else ["none is stopped", *plans]),
        next_step=f"churn-ml export allow{stops[0].named}" if stops else step,
    )


def _destination(house: House, name: str) -> Finding:
    """Whether a destination can be reached, is fed by us alone, and is not emptied."""
    from churn_ml import crm
    from churn_ml.flow.means import means

    target = crm.open_destination(name, house.config, means=means(house))
    crm.check_there(target, house.ledger)
    target.preflight()
    return Finding("", well=True, told="reachable, and fed by this deployment")


def _leftovers(house: House, *, repair: bool) -> Finding:
    """Whether writers that were killed have left files that nobody will read."""
    if repair:
        sweep(leftovers(house, house.clock()))
    left = leftovers(house, house.clock())
    if not left:
        return Finding("", well=True, told="none that is older than a day")
    return Finding(
        "",
        well=False,
        told=f"{len(left):,} of killed writers, older than a day: {left[0]}"
        + (" and others" if left[1:] else ""),
        next_step="churn-ml doctor --repair",
    )


def _given_up(house: House) -> Iterator[Finding]:
    """The destinations that hold customers whom no export reaches: churn.toml has them no more."""
    left = house.ledger.counted(without=NOT_HELD | {IN_DOUBT})
    for name in sorted(set(left) - set(house.config.destinations)):
        yield Finding(
            f"destination {name}",
            well=False,
            told=f"holds {left[name]:,} customers, and churn.toml has it no more: no export"
            " changes them or takes out who is suppressed",
            next_step=f"put [destinations.{name}] back into churn.toml; to give it up, empty it"
            " first: docs/destinations.md, Giving a destination up",
        )
