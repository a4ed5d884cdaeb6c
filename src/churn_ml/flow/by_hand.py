"""By hand: what a person decides without a verdict, or against one.

Enters: a name and a reason. Leaves: one decision row in the ledger, which MLflow's aliases follow,
as they follow a verdict. Worked example: the champion of 2017-11-01 sends odd scores on 2017-11-05;
`churn-ml rollback --as-of 2017-11-05 --who ada --why "odd scores"` makes the inactivity rule, which
it had replaced, champion again from that day on. What is scored from then on is scored by it; a day
that was scored already is only scored anew where that is asked for.

No verdict's yes is needed here: a rollback goes back to what was approved before, and the budget of
false promotions that an override goes past has no other way left (economics.md (b)). An override
promotes, so who asked for the training cannot take it either.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import BadConfig, BadInput, NotReady
from churn_ml.flow.definitions import known_to
from churn_ml.flow.following import follow
from churn_ml.flow.record import check_four_eyes
from churn_ml.house import House
from churn_ml.ledger import ASKED, TAU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from churn_ml.ledger import Decision
    from churn_ml.receipts import Receipt


def rollback(
    house: House,
    as_of: date,
    *,
    who: str,
    why: str,
    to: str | None = None,
    dry_run: bool = False,
) -> Receipt:
    """Make a former champion the champion again, from `as_of` on.

    Where the champion's threshold was changed, and `to` is not named, it gets the former one back.
    `to`: its model id; the one that the present champion replaced where left out. `who` and `why`
    stand in the ledger: name no customer. `dry_run` says what would be done. The receipt's `next`
    holds the commands that show, and then make, the difference in the CRM.

    Raises NotReady where nobody was champion before; BadInput where name or reason are missing, or
    the champion is a rolled back one already and `to` is not named (so that twice is once), or `to`
    never was champion or is so now, or another became champion after `as_of`; Tampered where the
    bytes of its folder differ; BadConfig where its features are built otherwise now.
    """
    _check_named(who, why)
    with attempt(house, "promote", as_of, (), repin=True) as trial:
        last = _reigning(house, as_of)
        changed = None if to else _retuned(house, last, as_of)
        if changed is not None:
            trial.details |= _told("threshold", last.champion_to, last.champion_to, who, why)
            further = {TAU: changed.verdict["taus"]["champion_in_force"], "rolled_back": True}
        else:
            target = to or _replaced(last)
            _check_can_reign(house, last, target, as_of)
            trial.details |= _told("rollback", last.champion_to, target, who, why)
            further = {}
        trial.details |= further | {"next": _what_it_changes(house, as_of)}
        trial.status = "retuned" if further else "rolled_back"
        if dry_run:
            trial.leave("dry_run")
        else:
            _decide(trial, {"reasons": [why]} | further)
    return trial.receipt


def override(house: House, as_of: date, *, who: str, why: str) -> Receipt:
    """Make the challenger of `as_of` champion although its verdict is not to promote.

    Only where the year's alpha is spent: the gate then says no to everybody, and who goes past it
    puts a name and a reason on record. Overriding twice is overriding once. Raises NotReady where
    nothing was judged for `as_of`, BadInput where name or reason are missing, the name is of who
    started the training ([schedule] four_eyes), or the verdict or the budget leave another way;
    StaleAttempt where the champion changed since the verdict.
    """
    _check_named(who, why)
    with attempt(house, "promote", as_of, (), repin=True) as trial:
        published = house.publication("judge", as_of)
        if published is None:
            raise house.before("promote", "no verdict to override", as_of)
        verdict = published.pins["verdict"]
        _check_spent(house, as_of, verdict)
        check_four_eyes(house, as_of, who.strip())
        trial.details |= verdict | _told(
            "override", verdict["champion_from"], verdict["challenger"], who, why
        )
        trial.details |= {"decision": verdict["decision"], "reasons": verdict["reasons"]}
        trial.status = "overridden"
        if house.champion(as_of) != verdict["challenger"]:
            kept = {name: found for name, found in verdict.items() if name != "models"}
            _decide(trial, kept | {"why": why})
    return trial.receipt


def _check_named(who: str, why: str) -> None:
    if not who.strip() or not why.strip():
        raise BadInput(
            "a decision by hand needs a name and a reason",
            next_step="pass --who and --why; or, to override a verdict, --approver and --override",
        )


def _told(kind: str, former: str | None, target: str | None, who: str, why: str) -> dict[str, Any]:
    """What the receipt says, in the words of a verdict's."""
    return {
        "kind": kind,
        "decision": kind,
        "champion_from": former,
        "challenger": target,
        "champion": target,
        "approver": who,
        "why": why,
        "reasons": [why],
        "interval": None,
        "grade": None,
    }


def _decide(trial: Attempt, verdict: Mapping[str, Any]) -> None:
    """One row in the ledger; MLflow's aliases follow.

    Without evidence hash: the verdict on that evidence was another, and stays on record as it is.
    """
    told = trial.details
    trial.house.ledger.decide(
        trial.as_of,
        told["kind"],
        champion_from=told["champion_from"],
        champion_to=told["challenger"],
        who=told["approver"],
        at=trial.house.clock(),
        verdict=verdict,
    )
    trial.details["aliases"] = follow(trial.house)


def _reigning(house: House, as_of: date) -> Decision:
    """The decision by which the champion of `as_of` reigns."""
    name = house.champion(as_of)
    found = [
        d for d in house.decisions() if d.promotes and d.champion_to == name and d.as_of <= as_of
    ]
    if name is None or not found:
        raise NotReady(
            "there is no champion to roll back",
            where=f"as of {as_of.isoformat()}",
            next_step="churn-ml decisions log",
        )
    later = [d for d in house.decisions() if d.promotes and d.as_of > as_of]
    if later:
        raise BadInput(
            "another model became champion later: that one would stay",
            where=f"decision {later[-1].number}",
            got=as_of.isoformat(),
            expected=f"{later[-1].as_of.isoformat()} or later",
            next_step=f"churn-ml rollback --as-of {later[-1].as_of.isoformat()}",
        )
    return max(found, key=lambda d: (d.as_of, d.number))


def _retuned(house: House, last: Decision, as_of: date) -> Decision | None:
    """The decision that gave the champion the threshold it works with, since `last` made it one."""
    since = (d for d in house.decisions() if d.number > last.number and d.as_of <= as_of)
    found = [d for d in since if (d.kind, d.champion_from) == ("threshold", last.champion_to)]
    if found and found[-1].verdict.get("rolled_back"):
        raise _twice(found[-1])
    return found[-1] if found else None


def _twice(last: Decision) -> BadInput:
    return BadInput(
        "the champion was rolled back already",
        where=f"decision {last.number}, by {last.who}",
        got=str(last.champion_to),
        next_step="to go further back name the model: churn-ml rollback --to MODEL",
    )


def _replaced(last: Decision) -> str:
    """The champion before the decision `last`; going back twice has to be meant."""
    if last.kind == "rollback":
        raise _twice(last)
    if last.champion_from is None:
        raise NotReady(
            "nobody was champion before this one",
            where=f"decision {last.number}",
            got=str(last.champion_to),
            next_step="train and promote another: churn-ml train",
        )
    return last.champion_from


def _check_can_reign(house: House, last: Decision, target: str, as_of: date) -> None:
    """Raise where `target` is not another former champion whose bytes and features are there."""
    former = {d.champion_to for d in house.decisions() if d.promotes and d.as_of <= as_of}
    if target not in former or target == last.champion_to:
        raise BadInput(
            "the model is champion now, or never was",
            got=target,
            expected=", ".join(sorted(str(f) for f in former - {last.champion_to})) or "none",
            next_step="name a former champion of churn-ml decisions log",
        )
    bundle = house.bundle(target)
    if not known_to(bundle, house.config) or bundle.origin.contract != house.config.contract.stamp:
        raise BadConfig(
            f"the features or the contract of {target} are others now",
            where="[features] and [contract]",
            expected="those it learned with",
            next_step="restore them in churn.toml, or train anew: churn-ml train",
        )


def _check_spent(house: House, as_of: date, verdict: Mapping[str, Any]) -> None:
    """Raise BadInput where the gate, and not only its budget, has the say."""
    gate, name = house.config.gate, house.config.contract.name
    spent = house.ledger.alpha_spent(as_of.year, contract=name)
    if verdict["decision"] in ("first", *ASKED):
        raise BadInput(
            f"there is nothing to override: the verdict is {verdict['decision']}",
            where=f"as of {as_of.isoformat()}",
            next_step="answer it: churn-ml promote --approver NAME",
        )
    if gate.pays_for_a_look(spent):
        raise BadInput(
            "only a spent budget leaves an override: the verdict stands",
            where=f"as of {as_of.isoformat()}",
            got=f"{spent:.4f} of the alpha {gate.alpha_year:g} of {as_of.year} is spent",
            next_step="train again when more outcomes are known",
        )


def _what_it_changes(house: House, as_of: date) -> list[str]:
    """The commands that score the newest day anew, show the difference, and send it."""
    scored = house.newest("score")
    if scored is None or scored.as_of < as_of:
        return []
    day = f"--as-of {scored.as_of.isoformat()}"
    under = f" --contract {house.config.line}" if house.config.line else ""
    steps = (f"score {day} --repin", f"export {day} --dry-run", f"export {day}")
    return [f"churn-ml {step}{under}" for step in steps]
