"""The catalogue of offers, read from `offers.toml` and checked.

Enters: the file. Leaves: a `Row` each. A new offer is one section there. Worked example: the
section FREE_RETURN says that it answers cumbersome returns and is for customers of high value.

>>> row = by_code("FREE_RETURN")
>>> row.source, row.causes[0], row.segments
('G11', 'RETURNS_PROCESS', ('HIGH_VALUE', 'UNSATISFIED'))
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from churn_ml.errors import BrokenPromise

Kind: TypeAlias = Literal["offer", "message", "service", "product", "programme"]

ANY = "*"
"""As a cause: whichever is scored. At the end of a segment: the whole family."""


@dataclass(frozen=True)
class Row:
    """What can be done, with the terms that are proposed for it; amounts in the shop's currency.

    `by`: D where an export alone does it, S where others carry it out, O where it is for a market
    and never for one customer. `refused`: why no shop may switch it on without further ado.
    """

    code: str
    source: str
    by: Literal["D", "S", "O"]
    kind: Kind
    label: str
    channel: str = "email"
    causes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    contact_amount: float = 0.0
    cost_amount: float = 0.0
    redeem_share: float = 1.0
    save_rate: float | None = None
    cap_days: int | None = None
    needs_consent: bool = True
    pressure: bool = False
    returners_only: bool = False
    chosen: bool = False
    refused: str | None = None

    @property
    def terms(self) -> dict[str, Any]:
        """What `[[offers]]` of churn.toml may say of it, as proposed here.

        >>> by_code("LIVE_TRACKING").terms["causes"]
        ('LOGISTICS_SLOW',)
        """
        own = {"source", "by", "chosen", "refused"}
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in own}


def _row(told: Mapping[str, Any]) -> Row:
    values: dict[str, Any] = {
        "by" if key == "class" else key: tuple(value) if isinstance(value, list) else value
        for key, value in told.items()
    }
    return Row(**values)


def read(text: str) -> tuple[Row, ...]:
    """The rows of a file's text, in its order; raises BrokenPromise where two have one code.

    >>> section = 'source = "G01"\\nclass = "S"\\nkind = "offer"\\nlabel = "a"\\n'
    >>> [row.by for row in read('[[offers]]\\ncode = "A"\\n' + section)]
    ['S']
    """
    rows = tuple(_row(told) for told in tomllib.loads(text)["offers"])
    codes = [row.code for row in rows]
    if len(set(codes)) != len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        raise BrokenPromise("two offers have one code", where="offers.toml", got=", ".join(twice))
    return rows


CATALOGUE: tuple[Row, ...] = read((files("churn_ml.offers") / "offers.toml").read_text("utf-8"))
CHOSEN: tuple[str, ...] = tuple(row.code for row in CATALOGUE if row.chosen)
"""What `[catalogue] defaults = true` switches on."""
_BY_CODE = {row.code: row for row in CATALOGUE}


def by_code(code: str) -> Row | None:
    """The row of a code; None where there is none.

    >>> by_code("SMS").channel, by_code("A_PONY")
    ('sms', None)
    """
    return _BY_CODE.get(code)
