"""What every section of churn.toml is made of: its base class, its numbers, its identity.

Enters: values as TOML gives them, or any JSON value to be identified. Leaves: a frozen section that
refuses unknown keys and numbers out of range; a sha256. Worked example: a share is a number from 0
to 1, so `[holdout] share = 10` is refused, where .10 was meant.

>>> class Holdout(Section):
...     share: Share
>>> Holdout(share=0.1)
Holdout(share=0.1)
>>> Holdout(share=10)
Traceback (most recent call last):
...
pydantic_core._pydantic_core.ValidationError: 1 validation error for Holdout...
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _known_zone(name: str) -> str:
    """`name`, once it is known to be a zone with rules of its own."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is no IANA time zone, such as UTC or Europe/Berlin") from error
    return name


def _plain_name(name: str) -> str:
    """`name`, once it is known to be the name of a connection and not the connection itself."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]*", name):
        raise ValueError(
            "is no plain name of a connection: letters, digits, - _ and . alone; its address and"
            " secrets are in the connection, Airflow's or the variable AIRFLOW_CONN_NAME"
        )
    return name


Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Zone = Annotated[str, AfterValidator(_known_zone)]
ConnectionName = Annotated[str, AfterValidator(_plain_name)]
"""The name of an Airflow connection, which holds an address and its secrets."""


class Section(BaseModel):
    """A frozen section of churn.toml; a key it does not know is an error."""

    # hide_input_in_errors: a section's values hold addresses, and these passwords (S8)
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, hide_input_in_errors=True)


def content_hash(value: Any) -> str:
    """sha256 of a JSON value with sorted keys.

    >>> content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
