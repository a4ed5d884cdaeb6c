"""Suites made from the tables: what `tables` says of a column, said again for Great Expectations.

Enters: a table and the suite that is there. Leaves: the suite with its generated rules made anew
and its hand-written ones kept (`meta.origin` tells them apart; a hand-written rule of the same name
stands in place of the generated one). `python -m churn_ml.validate.generate` writes every file of
`expectations/`; a test compares them with the tables.

Worked example: `Column("rating", ..., required=True, minimum=1, maximum=5)` of `reviews` gives the
rules `reviews.rating.required` and `reviews.rating.between`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from churn_ml.tables import SOURCE_TABLES, Column, Table, contact, context, orders, table, voice
from churn_ml.validate.suites import folder

Expectation = dict[str, Any]

_OF_GUESTS = {t.name for t in (*orders.TABLES, *voice.TABLES)}
"""Tables whose rows may be of nobody known: they are left out, and are not bad."""
_AHEAD = {contact.CAMPAIGNS.name, context.HOLIDAYS.name, context.COMPETITOR_EVENTS.name}
"""Tables that may know of things before they happen."""


def suite_of(name: str, former: list[Expectation]) -> dict[str, Any]:
    """The suite of table `name`: generated rules, then those of `former` written by hand.

    >>> [e["meta"]["rule"] for e in suite_of("reviews", [])["expectations"]][-3:]
    ['reviews.rating.between', 'reviews.occurred_at.plausible', 'reviews.occurred_at.not_future']
    """
    hand = {e["meta"]["rule"]: e for e in former if e["meta"].get("origin") == "hand"}
    made = {e["meta"]["rule"]: e for e in _generated(table(name))}
    rules = [hand.get(rule, e) for rule, e in made.items()]
    rules += [e for rule, e in hand.items() if rule not in made]
    return {"name": name, "expectations": rules, "meta": {"great_expectations_version": "1.24.0"}}


def written(name: str) -> str:
    """The text of `expectations/NAME.json` as it ought to be.

    >>> written("orders") == (folder() / "orders.json").read_text(encoding="utf-8")
    True
    """
    path = folder() / f"{name}.json"
    former = json.loads(path.read_text(encoding="utf-8"))["expectations"] if path.exists() else []
    return json.dumps(suite_of(name, former), indent=2, ensure_ascii=False) + "\n"


def _generated(spec: Table) -> Iterator[Expectation]:
    for column in (*spec.mapped, spec.column("known_at")):
        if column.required:
            yield _required(spec, column)
    for column in spec.mapped:
        yield from _bounds(spec, column)
        yield from _texts(spec, column)
    yield _rule(
        spec,
        "occurred_at.plausible",
        "occurred_at lies outside 1990 to 2099",
        "expect_column_values_to_be_between",
        {"column": "occurred_at_year", "min_value": 1990, "max_value": 2099},
    )
    if spec.name not in _AHEAD:
        yield _rule(
            spec,
            "occurred_at.not_future",
            "occurred_at lies after the time the row was known",
            "expect_column_pair_values_a_to_be_greater_than_b",
            {
                "column_A": "known_at",
                "column_B": "occurred_at",
                "or_equal": True,
                "ignore_row_if": "either_value_is_missing",
            },
        )


def _texts(spec: Table, column: Column) -> Iterator[Expectation]:
    """The rules of what a column of text may say, where it has any."""
    if column.longest is not None:
        yield _rule(
            spec,
            f"{column.name}.length",
            f"{column.name} is longer than {column.longest} characters",
            "expect_column_values_to_be_between",
            {"column": f"{column.name}_length", "max_value": column.longest},
        )
    if column.words:
        yield _rule(
            spec,
            f"{column.name}.known",
            f"{column.name} is none of {', '.join(column.words)}",
            "expect_column_values_to_be_in_set",
            {"column": column.name, "value_set": list(column.words)},
            # a new word of an optional column is told, and stands as `__other__`
            severity="hard" if column.required else "soft",
        )
    if column.name == "currency":
        yield _rule(
            spec,
            "currency.known",
            "currency is no ISO 4217 code",
            "expect_column_values_to_be_in_set",
            {"column": "currency", "value_set": {"$PARAMETER": "currencies"}},
        )


def _required(spec: Table, column: Column) -> Expectation:
    guest = column.name == "customer_id" and spec.name in _OF_GUESTS
    return _rule(
        spec,
        f"{column.name}.required",
        "of no known customer" if guest else f"{column.name} is empty",
        "expect_column_values_to_not_be_null",
        {"column": column.name},
        verdict="excluded" if guest else "quarantined",
    )


def _bounds(spec: Table, column: Column) -> Iterator[Expectation]:
    """The rule of a column's minimum and maximum, where it has one."""
    low, high = column.minimum, column.maximum
    if low is None and high is None:
        return
    told: dict[tuple[float | None, float | None], tuple[str, str]] = {
        (0, None): ("not_negative", "is below 0"),
        (1, None): ("positive", "is 0 or less"),
    }
    rule, words = told.get((low, high), ("between", f"is not between {low} and {high}"))
    bounds = {"min_value": low, "max_value": high}
    yield _rule(
        spec,
        f"{column.name}.{rule}",
        f"{column.name} {words}",
        "expect_column_values_to_be_between",
        {"column": column.name} | {k: v for k, v in bounds.items() if v is not None},
    )


def _rule(
    spec: Table,
    rule: str,
    reason: str,
    kind: str,
    kwargs: dict[str, Any],
    *,
    verdict: str = "quarantined",
    severity: str = "hard",
) -> Expectation:
    meta = {"rule": f"{spec.name}.{rule}", "reason": reason, "verdict": verdict}
    meta |= {"severity": severity, "origin": "tables"}
    return {"type": kind, "kwargs": kwargs, "meta": meta}


def main() -> None:
    """Write every suite."""
    for name in SOURCE_TABLES:
        (folder() / f"{name}.json").write_text(written(name), encoding="utf-8")


if __name__ == "__main__":
    main()
