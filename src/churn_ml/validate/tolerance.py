"""How many bad rows are too many: the tolerance of each rule, per lot.

Enters: a `Validated` and `[validation]`. Leaves: nothing, or `OverTolerance`: then nothing of the
ingest is published. Worked example: of the 1,869 lines of 2017-11-24, 34 (1.82 %) have quantity 0.
With `tolerance = 0.01` the lot is refused by `order_lines.quantity.positive`; with 0.06 for that
rule the 34 go to quarantine and the rest is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from churn_ml.errors import BadConfig, OverTolerance
from churn_ml.receipts import RuleOutcome
from churn_ml.tables import SOURCE_TABLES, Column, table
from churn_ml.validate import suites
from churn_ml.validate.tally import Broken
from churn_ml.validate.validated import Validated

if TYPE_CHECKING:
    from churn_ml.config import Validation


def check_tolerance(
    validated: Validated, validation: Validation, files: Mapping[str, str] | None = None
) -> None:
    """Raise OverTolerance where a lot holds more bad rows of a rule than is allowed.

    `files` maps a lot id to its path, for the message. Excluded rows do not count; but where not
    one row of the ingest is left and not all were repeats, nothing is published either. Raises
    BadConfig where [validation.rules] names a rule that does not exist.
    """
    check_rules(validation, validated.table)
    bad = [b for b in validated.broken if b.verdict == "quarantined"]
    over = [b for b in bad if b.share > tolerance(validation, b.rule)]
    if over:
        worst = max(over, key=lambda b: (b.share, b.rows, b.rule, b.lot))
        raise _over(worst, tolerance(validation, worst.rule), files or {}, len(over) - 1)
    if others := _nothing_left(validated):
        raise _nothing(max(others, key=lambda b: (b.rows, b.rule)), files or {}, len(others) - 1)


def outcomes(validated: Validated, validation: Validation) -> tuple[RuleOutcome, ...]:
    """One outcome for the table, and one for each rule that was broken.

    >>> from types import SimpleNamespace as Said
    >>> from churn_ml.config import Validation
    >>> part = Broken("orders.status.known", "an unknown word", "quarantined", "5d1c", 2, 50)
    >>> said = Said(table="orders", rows_in=50, lots=1, accepted=Said(rows=48), broken=(part,))
    >>> [(o.rule, o.rows, o.passed) for o in outcomes(said, Validation())]
    [('orders', 48, False), ('orders.status.known', 2, False)]
    """
    parts: dict[str, list[Broken]] = {}
    for one in validated.broken:
        parts.setdefault(one.rule, []).append(one)
    rules = tuple(_outcome(validated, validation, found) for found in parts.values())
    passed = all(rule.passed for rule in rules) and not _nothing_left(validated)
    whole = RuleOutcome(
        validated.table,
        validated.table,
        "hard",
        "accepted",
        validated.accepted.rows,
        validated.rows_in,
        validated.lots,
        None,
        0.0,
        None,
        passed,
    )
    return (whole, *rules)


def _outcome(validated: Validated, validation: Validation, found: list[Broken]) -> RuleOutcome:
    worst = max(found, key=lambda b: (b.share, b.rows, b.lot))
    counts = worst.verdict == "quarantined"
    allowed = tolerance(validation, worst.rule) if counts else None
    return RuleOutcome(
        validated.table,
        worst.rule,
        worst.severity,
        worst.verdict,
        sum(one.rows for one in found),
        validated.rows_in,
        len(found),
        worst.lot,
        worst.share,
        allowed,
        allowed is None or worst.share <= allowed,
    )


def _nothing_left(validated: Validated) -> list[Broken]:
    """The rules that left not one row of the ingest, where that is so and not all were repeats."""
    if validated.accepted.rows:
        return []
    lost = [b for b in validated.broken if b.verdict != "warned"]
    return [b for b in lost if not b.rule.endswith(".key.repeated")]


def tolerance(validation: Validation, rule: str) -> float:
    """The share of bad rows that `rule` allows in a lot.

    >>> from churn_ml.config import Validation
    >>> tolerance(Validation(rules={"orders.status.known": 0.2}), "orders.status.known")
    0.2
    """
    return validation.rules.get(rule, validation.tolerance)


def known_rules(name: str) -> tuple[str, ...]:
    """Every rule that rows of table `name` can break.

    >>> known_rules("products")[-2:]
    ('products.key.conflict', 'products.key.repeated')
    """
    spec = table(name)
    rules = [f"{c.name}.parse" for c in spec.columns]
    rules += ["known_at.not_future"]
    rules += ["currency.no_rate"] if "exchange_rate" in spec.names else []
    rules += ["key.conflict", "key.repeated"]
    return (*suites.rules(name), *(f"{name}.{rule}" for rule in rules))


def check_rules(validation: Validation, name: str) -> None:
    """Raise BadConfig where [validation.rules] names no table, or no rule of table `name`."""
    for rule in validation.rules:
        owner = rule.split(".")[0]
        if owner in SOURCE_TABLES and (owner != name or rule in known_rules(name)):
            continue
        known = known_rules(owner) if owner in SOURCE_TABLES else SOURCE_TABLES
        raise BadConfig(
            f"there is no rule {rule!r}",
            where="[validation.rules]",
            got=rule,
            expected=f"one of {', '.join(known)}",
            next_step="correct the name of the rule; then: churn-ml config check",
        )


def _over(broken: Broken, allowed: float, files: Mapping[str, str], others: int) -> OverTolerance:
    """The error for one rule in one lot, with everything the reader has to look at."""
    name = broken.rule.split(".")[0]
    more = f" ({others} more rules or lots are over, too)" if others else ""
    return OverTolerance(
        f"too many rows of a lot break {broken.rule}: {broken.reason}{more}",
        where=_where(broken, files),
        got=f"{broken.share:.2%} ({broken.rows} of {broken.lot_rows} rows)",
        expected=f"at most {allowed:.2%}",
        next_step=(
            f"{_instead(broken, name)}have the file corrected and delivered again, or raise the"
            f" rule's tolerance: [validation.rules]"
            f' "{broken.rule}" = {min(1.0, broken.share + 0.005):.2f}; then: churn-ml check'
        ),
    )


def _nothing(broken: Broken, files: Mapping[str, str], others: int) -> OverTolerance:
    """The error where no rule is over its tolerance and yet nothing is left to publish."""
    name = broken.rule.split(".")[0]
    more = f" ({others} more rules or lots lost rows, too)" if others else ""
    return OverTolerance(
        f"not one row was accepted; most break {broken.rule}: {broken.reason}{more}",
        where=_where(broken, files),
        got=f"{broken.rows} of {broken.lot_rows} rows of the lot {broken.verdict}",
        expected="at least one row that may be published",
        next_step=(
            f"have the file corrected and delivered again, {_instead(broken, name)}or correct"
            f" [sources.{name}]; then: churn-ml check"
        ),
    )


def _where(broken: Broken, files: Mapping[str, str]) -> str:
    name, column, _ = broken.rule.split(".", 2)
    row = f", row {broken.first_row}" if broken.first_row else ""
    return f"table {name}, column {column}, file {files.get(broken.lot, f'lot {broken.lot}')}{row}"


def _instead(broken: Broken, name: str) -> str:
    """What churn.toml can do where the rows are good and are only told in another way."""
    _, column, fault = broken.rule.split(".", 2)
    if fault == "conflict":
        key = ", ".join(table(name).key)
        return f"add up rows of one {key} by group_by and sum(...) in [sources.{name}], "
    if fault == "no_rate":
        return "bring the rates of those days as [sources.fx_rates], "
    return _otherwise_read(name, table(name).column(column)) if fault in {"parse", "known"} else ""


def _otherwise_read(name: str, column: Column) -> str:
    """How a column of table `name` is told to be read in another way."""
    type_ = column.type
    if column.words or type_ in {"bool", "string"}:
        ours = (*column.words, "EUR" if column.name == "currency" else "true")[0]
        said = f'[sources.{name}.values.{column.name}] "THEIRS" = "{ours}"'
        return f"translate its words, such as {said}, "
    if type_ == "timestamp":
        return f'say how its times are written, such as [sources.{name}] dates = "%d.%m.%Y %H:%M", '
    if type_ in {"decimal(18,2)", "decimal(18,8)", "float64", "int64"}:
        return f'say how its numbers are written, such as [sources.{name}] decimal = ",", '
    return ""
