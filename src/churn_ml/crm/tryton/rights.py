"""What the user of an export has to be allowed in Tryton, checked before row 1 (fault R9).

Enters: a Tryton server. Leaves: nothing, or BadConfig with every right that is missing. Worked
example: the user of the connection may read parties and not write them: "write party.party".
"""

from __future__ import annotations

from churn_ml.crm.tryton.rpc import Tryton
from churn_ml.errors import BadConfig

_WRITES = ("read", "write", "create")
RIGHTS = {
    "party.party": _WRITES,
    "party.category": _WRITES,
    "ir.attachment": (*_WRITES, "delete"),
}
"""What has to be allowed, by model."""


def check_rights(crm: Tryton, where: str) -> None:
    """Raise BadConfig, naming each, where a right or the module with the model is missing.

    `where`: what names the connection, for errors.
    """
    known = [["name", "in", [*RIGHTS]]]
    found = crm.call("ir.model.search_read", known, 0, None, None, ["name"])
    there = [row["name"] for row in found]
    rights = crm.call("ir.model.access.get_access", there)
    lacking = [
        f"{right} {model}"
        for model, needed in RIGHTS.items()
        for right in needed
        if not rights.get(model, {}).get(right)
    ]
    if lacking:
        raise BadConfig(
            "the user of the export may not do in Tryton what an export does",
            where=where,
            got=f"may not {', '.join(lacking)}",
            expected="the module party, and a user with these rights",
            next_step="activate the module, or give the user's group these rights",
        )
