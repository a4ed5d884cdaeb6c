"""The names of what the house owns in a HubSpot account, and what each of them has to be.

Enters: the fields of an export. Leaves: the property group `churn_ml` and the properties in it.

Worked example: the property of `score` is `churn_ml_score`, a number.

>>> PROPERTIES["score"], wanted("customer_ref")["churn_ml_score"]["type"]
('churn_ml_score', 'number')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churn_ml.crm.payload import FIELDS

GROUP = "churn_ml"
KEY = "customer_ref"
"""The property that holds customer_id, where churn.toml names no other."""
OWNER = f"{GROUP}_owner"
"""The property whose description says who feeds the account."""
PROPERTIES: Mapping[str, str] = {
    field.name: f"{GROUP}_{field.name}" for field in FIELDS if field.name != "customer_id"
}
"""The property of each field of the export but the key."""
_TYPES = {"text": ("string", "text"), "number": ("number", "number"), "date": ("date", "date")}


def wanted(key: str) -> dict[str, dict[str, Any]]:
    """What the account must have: our properties and the key, as HubSpot is told to make them."""
    made: dict[str, dict[str, Any]] = {}
    for field in FIELDS:
        kind, shown_as = _TYPES[field.type]
        name = PROPERTIES.get(field.name, key)
        label = f"churn_ml: {field.name.replace('_', ' ')}"
        made[name] = {"label": label, "description": field.meaning, "type": kind}
        made[name] |= {"field_type": shown_as, "has_unique_value": name == key}
    return made
