"""Composite indicators: how far somebody stands from the shop's other customers, by several signs.

Each sign is a finished column. z = (x - mean) / standard deviation over the eligible customers of
whom it is known, at most 3 either way, so that one wild number does not speak for all; times its
weight, which is negative where less is riskier. The composite is the sum over the signs that are
known, divided by the weights of these. Higher is riskier.

Worked example: three customers have order_days_ratio_30d 0, 1 and 2, and no other sign is known.
The mean is 1, the standard deviation sqrt(2 / 3): finance_anomaly is 1.22, 0 and -1.22.

Numbers are taken in whole thousandths, at most 1000 either way, so that any order of adding gives
the same mean. Degenerate cases: a sign that is the same for everybody, or unknown, says nothing;
where none says anything the composite is null. Messages and visits count as engagement, contacts
with support as trouble; they are never added to each other. No model learns from a composite: it
has the signs themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from churn_ml.features.indicator import Column, Indicator, Parts

if TYPE_CHECKING:
    import ibis

MOST = 3
"""Standard deviations that a sign counts at most."""
LARGEST, THOUSAND = 1000, 1000
Signs: TypeAlias = "tuple[tuple[str, float], ...]"
"""Columns, each with its weight."""
_WINDOW = re.compile(r"_\d+[dw]$")


def totals(t: ibis.Table, names: Collection[str]) -> dict[str, ibis.Value]:
    """Count, sum and sum of squares of the columns `names`, in whole thousandths.

    >>> import ibis
    >>> sorted(totals(ibis.table({"a": "float64"}, name="t"), ["a"]))
    ['a_rows', 'a_squares', 'a_sum']
    """
    found: dict[str, ibis.Value] = {}
    for name in names:
        whole = _thousandths(t, name)
        found |= {f"{name}_rows": whole.count(), f"{name}_sum": whole.sum()}
        found[f"{name}_squares"] = (whole * whole).sum()
    return found


def follow(signs: Signs, indicators: Sequence[Indicator]) -> Signs:
    """The `signs` under the windows of `indicators`: a column of other days stands for its own.

    Of several such columns the last.

    >>> from dataclasses import replace
    >>> from churn_ml.features.activity import FREQUENCY_TREND
    >>> follow((("order_days_ratio_30d", -1.0),), [replace(FREQUENCY_TREND, windows=(7, 28))])
    (('order_days_ratio_28d', -1.0),)
    """
    own = stand_ins(dict(signs), [name for one in indicators for name in one.names])
    return tuple((own[name], weight) for name, weight in signs)


def stand_ins(wanted: Iterable[str], names: Collection[str]) -> dict[str, str]:
    """Which of `names` stands for each wanted column: itself, else the last of other days.

    A column of which there is none under any days stays as it is.

    >>> stand_ins(["spend_30d", "late_share_180d", "nps_last"], ["spend_30d", "late_share_90d"])
    {'spend_30d': 'spend_30d', 'late_share_180d': 'late_share_90d', 'nps_last': 'nps_last'}
    """
    last = {_WINDOW.sub("", name): name for name in names}
    there = set(names)
    return {
        name: name if name in there else last.get(_WINDOW.sub("", name), name) for name in wanted
    }


def read(indicators: Sequence[Indicator], names: Collection[str]) -> tuple[str, ...]:
    """The columns among `names` that composites among `indicators` are made of.

    >>> read([FINANCE], ["spend_ratio_30d", "recency_days"])
    ('spend_ratio_30d',)
    """
    wanted = dict.fromkeys(name for one in indicators for name, _ in one.over)
    return tuple(name for name in wanted if name in names)


def scores(t: ibis.Table, names: Collection[str]) -> dict[str, ibis.Value]:
    """The z-score of each of the columns `names`, of them and their totals in `t`.

    >>> import ibis
    >>> shape = dict.fromkeys(("a", "a_rows", "a_sum", "a_squares"), "float64")
    >>> sorted(scores(ibis.table(shape, name="t"), ["a"]))
    ['a_z']
    """
    return {f"{name}_z": _z(t, name) for name in names}


def columns(
    indicators: Sequence[Indicator], t: ibis.Table, names: Collection[str]
) -> Mapping[str, ibis.Value]:
    """The composites among `indicators`, of the z-scores in `t` of the columns `names`.

    >>> import ibis
    >>> from dataclasses import replace
    >>> told = ibis.table({"a_z": "float64"}, name="t")
    >>> sorted(columns([replace(FINANCE, over=(("a", 1.0),))], told, ["a"]))
    ['finance_anomaly']
    """
    return {
        one.names[0]: _composite(t, [(n, weight) for n, weight in one.over if n in names])
        for one in indicators
        if one.over
    }


def _composite(t: ibis.Table, over: Sequence[tuple[str, float]]) -> ibis.Value:
    import ibis

    top, base = ibis.literal(0.0), ibis.literal(0.0)
    for name, weight in over:
        z = t[f"{name}_z"]
        # cut here, where it is a name: SQL writes what is cut three times
        top += (z.clip(-MOST, MOST) * weight).fill_null(0.0)
        base += z.notnull().ifelse(abs(weight), 0.0)
    return (base > 0).ifelse(top / base.nullif(0.0), None)


def _z(t: ibis.Table, name: str) -> ibis.FloatingValue:
    """The z-score of a column; null where nothing differs."""
    count = t[f"{name}_rows"].cast("float64").nullif(0.0)
    mean = t[f"{name}_sum"].cast("float64") / count
    variance = t[f"{name}_squares"].cast("float64") / count - mean * mean
    spread = (variance > 0).ifelse(variance, None).sqrt()
    return (_thousandths(t, name).cast("float64") - mean) / spread


def _thousandths(t: ibis.Table, name: str) -> ibis.IntegerValue:
    return (t[name].clip(-LARGEST, LARGEST) * THOUSAND).floor().cast("int64")


def _named(name: str) -> Parts:
    """No measure, and a column that is made of finished ones."""
    return Parts((), (Column(name, lambda t: t[name]),))


FINANCE = Indicator(
    name="finance_anomaly",
    meaning="How far orders, spend, arrears and renewals stand from those of the other customers.",
    unit="standard deviations",
    direction="up",
    windows=(),
    against="of its signs",
    needs=("orders",),
    source="C35",
    training=False,
    over=(
        ("order_days_ratio_30d", -1.0),
        ("spend_ratio_30d", -1.0),
        ("days_past_due_max", 0.5),
        ("overdue_amount", 0.5),
        ("renewal_rate_4", -0.5),
        ("renewal_overdue_days", 0.5),
    ),
    of=lambda: _named("finance_anomaly"),
)
INTERACTION = Indicator(
    name="interaction_anomaly",
    meaning="How far visits, answers, enquiries and complaints stand from those of the others.",
    unit="standard deviations",
    direction="up",
    windows=(),
    against="of its signs",
    needs=("orders", "web_events"),
    source="C36",
    training=False,
    over=(
        ("pageviews_ratio_30d", -1.0),
        ("session_seconds_ratio_30d", -1.0),
        ("active_days_ratio_30d", -1.0),
        ("login_recency_days", 1.0),
        ("ugc_delta_90d", -1.0),
        ("msg_response_delta_90d", -1.0),
        ("social_ratio_90d", -1.0),
        ("activity_slope_12w", -1.0),
        ("inquiry_per_order_30d", 1.0),
        ("complex_ticket_share_90d", 1.0),
        ("complaints_delta_90d", 1.0),
    ),
    of=lambda: _named("interaction_anomaly"),
)

COMPOSITES: tuple[Indicator, ...] = (FINANCE, INTERACTION)
