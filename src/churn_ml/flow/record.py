"""Record: what was decided on a verdict, refusals too; MLflow's aliases follow.

Enters: the verdict that `judge` published, and the answer of a person where one was asked. Leaves:
one decision row in the ledger, written once however often it is asked for. Worked example: on
2017-11-01 the verdict is to promote and ada answers Promote, so its challenger is champion from
then on; had nobody answered within `[schedule] approval_hours`, the row would be a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import attempt
from churn_ml.errors import BadInput, StaleAttempt
from churn_ml.flow.following import follow
from churn_ml.flow.log import grade
from churn_ml.house import House
from churn_ml.ledger import ASKED, NOBODY

if TYPE_CHECKING:
    from churn_ml.ledger import Decision
    from churn_ml.receipts import Receipt

PROMOTE, REJECT = "Promote", "Reject"
PAIR = ("champion_from", "challenger", "evidence_hash")
"""What a verdict is about: the same three are the same verdict."""
STATUS = {"first": "promoted", "promote": "promoted", "threshold": "retuned"}
MACHINE = "churn_ml"
"""Who decides where no person is asked: the first champion, and refusals."""


def record(
    house: House,
    as_of: date,
    *,
    answer: str = REJECT,
    approver: str | None = None,
    judged: str | None = None,
) -> Receipt:
    """Write the decision on the verdict of `as_of`, then let MLflow's aliases follow the ledger.

    `answer`: Promote or Reject, asked for only where the verdict is to promote, or to change the
    champion's threshold: Promote is yes to either; `approver`: who
    answered, None where nobody did in time; `judged`: the reference of the judging that was shown
    to who answered. Recording twice is recording once. Raises NotReady where nothing was
    judged, BadInput where another answer stands, or a yes has no name or that of a person who
    started this training or verdict ([schedule] four_eyes); StaleAttempt where the champion changed
    since the verdict, or the verdict since the question.
    """
    approver = (approver or "").strip() or None
    with attempt(house, "promote", as_of, (), repin=True) as trial:
        published = house.publication("judge", as_of)
        if published is None:
            raise house.before("promote", "no verdict to record", as_of)
        told = published.pins["verdict"]
        _check_asked(house, told, judged)
        kind = _kind(told["decision"], answer)
        if kind in ASKED:
            check_four_eyes(house, as_of, approver)
        decision = decide(house, as_of, told, kind, approver)
        _check_same(decision, kind, approver)
        trial.details |= told | {"kind": decision.kind, "champion": house.champion(as_of)}
        trial.details |= {"approver": decision.who, "aliases": follow(house)}
        if not trial.details["aliases"].startswith("not moved"):
            trial.details["cards"] = grade(house, as_of)
        trial.status = STATUS.get(decision.kind, "refused")
    return trial.receipt


def recorded(house: House, told: Mapping[str, Any]) -> bool:
    """Whether a decision rests on the verdict `told`: same pair, same evidence."""
    return house.ledger.stored_verdict(*(told[name] for name in PAIR)) is not None


def decide(
    house: House, as_of: date, told: dict[str, Any], kind: Any, approver: str | None
) -> Decision:
    """One row in the ledger, refusals too; the row already there where it was decided."""
    asked = told["decision"] in ASKED
    if kind in ASKED and approver is None and not recorded(house, told):
        raise BadInput("a yes needs a name", where="promote", next_step="name the approver")
    return house.ledger.decide(
        as_of,
        kind,
        champion_from=told["champion_from"],
        champion_to=told["challenger"],
        who=(approver or NOBODY) if asked else MACHINE,
        at=house.clock(),
        evidence_hash=told["evidence_hash"],
        verdict={k: v for k, v in told.items() if k != "models"},
        alpha_spent=told["alpha_spent"],
    )


def _check_asked(house: House, told: dict[str, Any], judged: str | None) -> None:
    """Refuse an answer to another verdict than the one that stands now."""
    if judged is None:
        return
    shown = house.ledger.receipt(judged).receipt.details
    if any(shown.get(name) != told.get(name) for name in PAIR):
        raise StaleAttempt(
            "the verdict is another than the one that was answered",
            where=judged,
            got=f"now {told['challenger']} against {told['champion_from']}",
            expected=f"{shown.get('challenger')} against {shown.get('champion_from')}",
            next_step="run churn_promote anew for this date: it asks again",
        )


def _kind(decision: str, answer: str) -> str:
    if answer not in (PROMOTE, REJECT):
        raise BadInput("unknown answer", got=answer, expected=f"{PROMOTE} or {REJECT}")
    if decision == "first":
        return "first"
    return decision if decision in ASKED and answer == PROMOTE else "refuse"


def check_four_eyes(house: House, as_of: date, approver: str | None) -> None:
    """Refuse the yes of who asked for what is decided on, by whatever hand; raises BadInput."""
    if not house.config.schedule.four_eyes:
        return
    trained = house.publication("train", as_of)
    asked = {house.requester, *(trained.pins.get("requesters", ()) if trained else ())}
    if approver is not None and approver in asked:
        raise BadInput(
            "who asked for a training or its verdict cannot promote by it",
            where=f"promote as of {as_of.isoformat()}",
            got=approver,
            expected="the yes of another person ([schedule] four_eyes)",
            next_step="let another user answer: trigger churn_promote again for this key, or have "
            f"them run churn-ml promote --as-of {as_of.isoformat()} --approver; who works alone "
            "sets [schedule] four_eyes = false",
        )


def _check_same(decision: Decision, kind: str, approver: str | None) -> None:
    """Refuse another answer to a verdict that is answered; nobody asking again is no answer."""
    if decision.kind != kind and approver is not None:
        raise BadInput(
            "this verdict is answered already",
            got=kind,
            expected=f"{decision.kind}, by {decision.who}",
            next_step="train again for a new verdict",
        )
