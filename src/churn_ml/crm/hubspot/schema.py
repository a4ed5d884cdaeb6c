"""What the house owns in a HubSpot account: one property group, its properties, and who feeds them.

Enters: a session. Leaves: the group `churn_ml` with one property a field of the export, the key and
the claim, made where they are missing and checked before row 1 (R9, R10). Nothing outside of that
group is ever written (R11); the key alone may be a property that the shop had before.

The claim is a property `churn_ml_owner` whose description names the deployment that feeds the
account, and until when (O3). Making it is atomic: of two deployments that claim an account at once,
one is told that the property exists, and then reads whose it is. A claim is renewed by every export
and lapses after `LEASE_DAYS` without one. HubSpot cannot change a description on a condition: two
deployments that take over a lapsed claim in the same second could both go on until the next export.

Worked example: the account is claimed on 2026-11-22.

>>> claim_text("Corner shop with ledger 5f1c", date(2026, 11, 22) + timedelta(days=LEASE_DAYS))
'Fed by Corner shop with ledger 5f1c until 2026-12-22. Do not edit.'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from churn_ml.crm.hubspot.client import Refusal, Session
from churn_ml.crm.hubspot.properties import GROUP, OWNER, wanted
from churn_ml.errors import BadConfig

OBJECT = "contacts"
LEASE_DAYS = 30
_CONFLICT = 409
_CLAIM = re.compile(r"Fed by (?P<owner>.*) until (?P<until>\d{4}-\d\d-\d\d)\. Do not edit\.")


def prepare(session: Session, key: str, where: str) -> None:
    """Make what is missing, and check what is there.

    `key`: the property that holds customer_id. Raises: BadConfig naming the properties of another
    type, or a key that may repeat.
    """
    there = _properties(session)
    ours = wanted(key)
    missing = [name for name in ours if name not in there]
    if missing:
        _make_group(session)
        for name in missing:
            make(session, name, ours[name])
        there = _properties(session)  # another process may have made one meanwhile, or otherwise
    _check(there, ours, key, where)


def make(session: Session, name: str, told: Mapping[str, Any]) -> bool:
    """Make the property of the group; False where there is one of that name (409)."""
    from hubspot.crm.properties import PropertyCreate

    new = PropertyCreate(name=name, group_name=GROUP, form_field=False, **told)
    return _made(session, f"property {name}", session.properties.create, new)


def claim(session: Session, owner: str, today: date, where: str) -> None:
    """Claim the account for `owner`, or renew that; raises BadConfig where another holds it."""
    owner = " ".join(owner.split())[:200]
    text = claim_text(owner, today + timedelta(days=LEASE_DAYS))
    about = {"label": "churn_ml: fed by", "type": "string", "field_type": "text"}
    if make(session, OWNER, about | {"description": text, "hidden": True}):
        return
    held = _claimed(session)
    if held is None or held[1] < today:
        _write_claim(session, text)
        held = _claimed(session)
    elif held[0] == owner and held[1] < today + timedelta(days=LEASE_DAYS):
        _write_claim(session, text)
    if held is None or held[0] != owner:
        raise BadConfig(
            "this HubSpot account is fed by another deployment",
            where=where,
            got=f"owner {held[0]} until {held[1]}" if held else "no claim",
            expected=f"owner {owner}",
            next_step=f"connect another account; or, if that deployment is gone, archive the"
            f" contact property {OWNER} in HubSpot",
        )


def claim_text(owner: str, until: date) -> str:
    """The description that says who feeds the account."""
    return f"Fed by {owner} until {until.isoformat()}. Do not edit."


def _claimed(session: Session) -> tuple[str, date] | None:
    """Who holds the account, and until when; None where the description does not say."""
    found = session.must("read the claim", session.properties.get_by_name, OBJECT, OWNER)
    told = _CLAIM.fullmatch(found.description or "")
    return (told["owner"], date.fromisoformat(told["until"])) if told else None


def _write_claim(session: Session, text: str) -> None:
    from hubspot.crm.properties import PropertyUpdate

    told = PropertyUpdate(description=text)
    session.must("write the claim", session.properties.update, OBJECT, OWNER, told)


def _properties(session: Session) -> dict[str, Any]:
    answer = session.must("read the properties", session.properties.get_all, OBJECT)
    return {found.name: found for found in answer.results}


def _make_group(session: Session) -> None:
    from hubspot.crm.properties import PropertyGroupCreate

    new = PropertyGroupCreate(name=GROUP, label="churn_ml")
    _made(session, f"property group {GROUP}", session.groups.create, new)


def _made(session: Session, what: str, create: Callable[..., Any], new: object) -> bool:
    try:
        session.ask(create, OBJECT, new)
    except Refusal as refusal:
        if refusal.status != _CONFLICT:
            raise session.refused(f"make the {what}", refusal) from None
        return False
    return True


def _check(
    there: Mapping[str, Any], ours: Mapping[str, Mapping[str, Any]], key: str, where: str
) -> None:
    wrong = [
        f"{name} (there: {there[name].type if name in there else 'missing'}, ours: {told['type']})"
        for name, told in ours.items()
        if name not in there or there[name].type != told["type"]
    ]
    if wrong or not there[key].has_unique_value:
        raise BadConfig(
            "the contact properties in HubSpot cannot take the export",
            where=where,
            got=", ".join(wrong) or f"{key} may repeat",
            expected=f"the types of the export, and a key of unique values ({key})",
            next_step="archive the property in HubSpot: it is then made anew; or name another key",
        )
