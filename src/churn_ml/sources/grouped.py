"""What `propose` computes: amounts of lines by quantity and price, and orders as groups of lines.

Enters: which of our columns is which of theirs. Leaves: lines of churn.toml. Worked example: a shop
exports `lines.csv` with `Invoice, Client, Placed, Units, Price` and nothing else; its orders are
the groups of Invoice and Client, each over the sum of Units times Price.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from churn_ml.sources.guesses import UNIT_PRICES, column_of, plain_name
from churn_ml.sources.looks import looks_of
from churn_ml.sources.samples import Sample
from churn_ml.tables import table

_KEYS = ("order_id", "customer_id")
_RESERVED = frozenset(
    {"order", "group", "date", "time", "timestamp", "case", "end", "in", "is", "to"}
)


def amount(name: str, found: Mapping[str, str]) -> dict[str, str]:
    """The expression of net_amount where the lines tell a price per unit, else nothing.

    >>> amount("order_lines", {"quantity": "Units", "net_amount": "Unit Price"})
    {'net_amount': 'number(Units) * number("Unit Price")'}
    """
    price, units = found.get("net_amount"), found.get("quantity")
    if name != "order_lines" or not price or not units or plain_name(price) not in UNIT_PRICES:
        return {}
    return {"net_amount": f"number({_name(units)}) * number({_name(price)})"}


def section(name: str, computed: Mapping[str, str]) -> Iterator[str]:
    """The lines of `[sources.TABLE.expressions]`, where there are any."""
    if computed:
        yield f"[sources.{name}.expressions]"
    for ours, text in computed.items():
        yield f"{ours} = {json.dumps(text, ensure_ascii=False)}   # a guess: the price of one unit"


def orders(sample: Sample, currency: str) -> str | None:
    """`[sources.orders]` as groups of the lines in `sample`; None where they cannot be told."""
    lines = table("order_lines").mapped
    found = {c.name: t for c in lines if (t := column_of("order_lines", c.name, sample.columns))}
    if any(key not in found for key in (*_KEYS, "occurred_at")):
        return None
    looks = looks_of({c: sample.columns[found[c.name]] for c in lines if c.name in found})
    each = amount("order_lines", found).get("net_amount")
    if each is None and "net_amount" in found:
        each = f"number({_name(found['net_amount'])})"
    told = {"occurred_at": f"min(time({_name(found['occurred_at'])}))"}
    told |= {"net_amount": f"sum({each})"} if each else {}
    keys = ", ".join(json.dumps(found[key], ensure_ascii=False) for key in _KEYS)
    parts = [
        "[sources.orders]   # a guess: no file looks like orders, so each is a group of its lines",
        f"files = {json.dumps(sample.pattern, ensure_ascii=False)}",
        *looks.settings(sample.encoding),
        f"group_by = [{keys}]",
        f'constants = {{ currency = "{currency}", status = "completed" }}',
        "[sources.orders.columns]",
        *(f"{key} = {json.dumps(found[key], ensure_ascii=False)}" for key in _KEYS),
        "[sources.orders.expressions]",
        *(f"{ours} = {json.dumps(text, ensure_ascii=False)}" for ours, text in told.items()),
    ]
    return "\n".join(parts) + "\n"


def _name(their: str) -> str:
    """A column of theirs as an expression names it.

    >>> _name("Units"), _name("Unit Price")
    ('Units', '"Unit Price"')
    """
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", their) is not None
    return (
        their if plain and their.lower() not in _RESERVED else '"' + their.replace('"', '""') + '"'
    )
