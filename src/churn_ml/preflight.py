"""Preflight: what a panel must promise before a model is fitted on it.

Enters: the panel in order (one row per customer_id and cut_off) and the settings; before there is a
panel, its labels alone, and the tables. Leaves: counts, a word for what they allow, the indicators
that the shop's tables leave out, or an error that says what to do.

Two things are refused: layers whose label windows overlap and labels that nobody can know yet; and
layers without a churner or without a stayer. (Features that give the label away are leakage.py's.)
Too few rows or churners are told, not refused: they are enough for the inactivity rule. Worked
example: trained on 2017-11-01 with a horizon of 30, a training cut-off 2017-08-03 beside the
choosing one 2017-09-01 is a leak, its window ends one day too late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from churn_ml.errors import Leak, TooEarly
from churn_ml.features.catalogue import CATALOGUE
from churn_ml.timeline import check_split, is_mature, matures_on

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Contract, Training
    from churn_ml.events import Canonical
    from churn_ml.features.indicator import Indicator

LAYERS = ("train", "choose", "evaluate")


@dataclass(frozen=True)
class Counts:
    """The usable rows of a layer, the churners among them, and the rows left out."""

    rows: int
    churners: int
    treated: int
    immature: int


def count(rows: pd.DataFrame) -> Counts:
    """The counts of one layer: label 1, 0 or missing, treated True or False per row.

    >>> import pandas as pd
    >>> label = pd.Series([1, 0, None, 1], dtype="Int64")
    >>> count(pd.DataFrame({"label": label, "treated": [False, False, False, True]}))
    Counts(rows=2, churners=1, treated=1, immature=1)
    """
    treated = rows["treated"].astype(bool)
    usable = rows[rows["label"].notna() & ~treated]
    return Counts(
        rows=len(usable),
        churners=int(usable["label"].sum()),
        treated=int(treated.sum()),
        immature=int((rows["label"].isna() & ~treated).sum()),
    )


def check_time(rows: pd.DataFrame, contract: Contract, trained_as_of: date) -> None:
    """Raise Leak where layers' label windows overlap or a label cannot be known yet.

    `rows`: cut_off (dates), layer and label (missing where immature); `trained_as_of`: the end of
    the world that the training may know.
    """
    days = {layer: sorted(set(part["cut_off"])) for layer, part in rows.groupby("layer")}
    steps = [days[layer] for layer in LAYERS if layer in days]
    for earlier, following in pairwise(steps):
        check_split(earlier, following[0], contract)
    known = sorted(set(rows.loc[rows["label"].notna(), "cut_off"]))
    early = [day for day in known if not is_mature(day, contract, trained_as_of)]
    if early:
        raise Leak(
            "a row has a label that cannot be known yet",
            where=f"cut-off {early[0].isoformat()}, contract {contract.name}",
            got=f"a label known on {trained_as_of.isoformat()}",
            expected=f"missing before {matures_on(early[0], contract).isoformat()}",
            next_step="leave immature labels missing, never 0",
        )


def check_counts(counts: Mapping[str, Counts]) -> None:
    """Raise TooEarly where a layer lacks churners or stayers; `counts`: by the layer's name.

    >>> check_counts({"train": Counts(9, 1, 0, 0), "evaluate": Counts(9, 0, 2, 3)})
    Traceback (most recent call last):
    ...
    churn_ml.errors.TooEarly: degenerate label in the evaluate layer: all 9 rows are equal | ...
    """
    for layer, found in counts.items():
        if not 0 < found.churners < found.rows:
            kind = "there is no row" if not found.rows else f"all {found.rows} rows are equal"
            raise TooEarly(
                f"degenerate label in the {layer} layer: {kind}",
                got=f"{found.churners} churners, {found.treated} treated and {found.immature} "
                "immature rows left out",
                expected="churners and stayers",
                next_step="wait for more history, or change horizon_days in [contract]",
            )


def too_few(found: Counts, limits: Training) -> bool:
    """Whether the usable training rows, or the churners among them, are below [training].

    A shop below the minimum keeps the inactivity rule (economics.md (b)).

    >>> from churn_ml.config import Training
    >>> limits = Training(min_rows=200, min_churners=30)
    >>> [too_few(Counts(200, churners, 0, 0), limits) for churners in (29, 30)]
    [True, False]
    """
    return found.rows < limits.min_rows or found.churners < limits.min_churners


def verdict(counts: Mapping[str, Counts], limits: Training) -> str:
    """What the counts of the layers allow, in one word; `counts`: by the layer's name.

    `no_data` where a layer has no usable row, `degenerate_label` where one lacks churners or
    stayers, `rule_only` where the training rows or churners are below the minimum, else `ready`.

    >>> from churn_ml.config import Training
    >>> some, none = Counts(9, 3, 0, 0), Counts(0, 0, 0, 9)
    >>> [verdict({"train": train, "choose": some}, Training())
    ...  for train in (none, Counts(9, 9, 0, 0), some, Counts(400, 40, 0, 0))]
    ['no_data', 'degenerate_label', 'rule_only', 'ready']
    """
    if any(found.rows == 0 for found in counts.values()):
        return "no_data"
    if any(not 0 < found.churners < found.rows for found in counts.values()):
        return "degenerate_label"
    return "rule_only" if too_few(counts["train"], limits) else "ready"


def absent(tables: Canonical, indicators: Sequence[Indicator] = CATALOGUE) -> list[str]:
    """A line for each indicator that the shop's tables cannot tell, with what it needs.

    Absent is one whose table is not there or has no row, or whose column no row fills.

    >>> from churn_ml.features.rhythm import RECENCY
    >>> from churn_ml.features.spend import LAST_BASKET
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-09-26",
    ...                           "net_amount": None}])
    >>> absent(shop, [RECENCY, LAST_BASKET])
    ['last_basket_ratio_90d: not available, needs orders.net_amount']
    """
    told = []
    for indicator, missing in _missing(tables, indicators):
        names = (name for name in indicator.names if not name.endswith("_has_base"))
        told.append(f"{', '.join(names)}: not available, needs {', '.join(missing)}")
    return told


def silent(tables: Canonical, indicators: Sequence[Indicator]) -> set[str]:
    """The features that say nothing of this shop, whatever number they have: see `absent`.

    Where no product has a launch day, nobody's 0 launches are a sign of anything.

    >>> from churn_ml.features.spend import LAST_BASKET
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-09-26",
    ...                           "net_amount": None}])
    >>> "last_basket_ratio_90d" in silent(shop, [LAST_BASKET])
    True
    """
    return {name for indicator, _ in _missing(tables, indicators) for name in indicator.names}


def _missing(
    tables: Canonical, indicators: Sequence[Indicator]
) -> list[tuple[Indicator, list[str]]]:
    """The indicators that the tables cannot tell, each with what it lacks."""
    asked = {place for i in indicators for place in (*i.needs, *i.filled)}
    holds = {place: _holds(tables, *place.split(".")) for place in sorted(asked)}
    found = []
    for indicator in indicators:
        missing = [need for need in indicator.needs if not holds[need]]
        missing = missing or [place for place in indicator.filled if not holds[place]]
        if missing:
            found.append((indicator, missing))
    return found


def _holds(tables: Canonical, name: str, column: str | None = None) -> bool:
    """Whether the table is there with a row, or with one that fills the column."""
    if name not in tables:
        return False
    rows = tables[name]
    found = rows.count() if column is None else rows[column].count()
    return bool(found.to_pyarrow().as_py())
