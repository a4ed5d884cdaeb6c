"""Indicators of paying: attempts that fail, what is owed, renewals missed, methods not offered.

Worked example, as of 2017-10-01: somebody with one failed and three successful attempts in the last
90 days has pay_fails_90d 1 and pay_fail_rate_90d 1 / 4; an invoice of 40.00 due on 2017-09-21 and
still open gives days_past_due_max 10 and overdue_amount 40.00.

Degenerate cases: what is not paid yet is no failed attempt. Nothing owed is 0 days and 0.00. A
subscription that was cancelled is not renewed, but no longer waits for a renewal; of each only the
newest period waits, and of several subscriptions the longest overdue one tells. Whose method or
market is not known has no pay_method_gap.
"""

from __future__ import annotations

from churn_ml.features.columns import plain, ratio, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View, parts

LAST_TERMS = 4
"""Periods of subscriptions that tell whether a customer renews."""

_PAYMENTS = View("payments")
_PAST_DUE = Measure("days_past_due_max", _PAYMENTS, lambda t: t.overdue_days.max())
_OVERDUE = Measure("overdue_cents", _PAYMENTS, lambda t: t.overdue_cents.sum())
_WAITING = Measure(
    "renewal_overdue_days",
    View("terms"),
    lambda t: t.due_days.max(where=t.is_newest & t.is_open),
    empty=None,
)
_METHOD_GAP = Measure(
    "pay_method_gap", View("methods"), lambda t: t.is_missing.cast("int64").max(), empty=None
)


def _failures(days: int) -> Parts:
    def attempts(name: str, of: Reader) -> Measure:
        return Measure(
            f"payments_{name}_{days}", _PAYMENTS, lambda t: t.count(where=within(days)(t) & of(t))
        )

    failed = attempts("failed", lambda t: t.status == "failed")
    decided = attempts("decided", lambda t: t.status != "open")
    count = Column(f"pay_fails_{days}d", lambda t: t[failed.name])
    rate = ratio(f"pay_fail_rate_{days}d", lambda t: t[failed.name], lambda t: t[decided.name])
    return Parts((failed, decided), (count, *rate))


def _renewal() -> Parts:
    def last(name: str, of: Reader) -> Measure:
        return Measure(name, View("terms"), lambda t: t.count(where=of(t) & (t.nth < LAST_TERMS)))

    due = last("terms_over", lambda t: t.is_over)
    renewed = last("terms_renewed", lambda t: t.is_over & t.renewed_at.notnull())
    columns = ratio(f"renewal_rate_{LAST_TERMS}", lambda t: t[renewed.name], lambda t: t[due.name])
    return Parts((due, renewed), columns)


PAYMENT_FAILURES = Indicator(
    name="payment_failures",
    meaning="Attempts to pay that failed, and their share of all attempts.",
    unit="attempts; share",
    direction="up",
    windows=(90,),
    needs=("orders", "payments"),
    source="C25",
    owner="product",
    of=_failures,
)
ARREARS = Indicator(
    name="arrears",
    meaning="What is owed past its due day: the longest wait and the amount.",
    unit="days; shop currency",
    direction="up",
    windows=(),
    needs=("orders", "payments"),
    source="C27",
    owner="service",
    personal=True,
    filled=("payments.due_at", "payments.amount"),
    of=parts(
        (_PAST_DUE, _OVERDUE),
        (
            plain("days_past_due_max"),
            Column("overdue_amount", lambda t: t.overdue_cents.cast("float64") / 100),
        ),
    ),
)
RENEWAL = Indicator(
    name="renewal",
    meaning="Share of the last four periods of subscriptions that were renewed.",
    unit="share",
    direction="down",
    windows=(),
    needs=("orders", "subscriptions"),
    source="C28",
    filled=("subscriptions.renewed_at",),
    of=_renewal,
)
RENEWAL_WAIT = Indicator(
    name="renewal_wait",
    meaning="Days since the renewal still open that waits longest; below 0 before it is due.",
    unit="days",
    direction="up",
    windows=(),
    needs=("orders", "subscriptions"),
    source="C28",
    of=parts((_WAITING,), (plain("renewal_overdue_days"),)),
)
METHOD_GAP = Indicator(
    name="method_gap",
    meaning="1 where the market does not offer the customer's usual method of payment.",
    unit="0 or 1",
    direction="up",
    windows=(),
    needs=("orders", "customers", "markets", "payments"),
    source="C45",
    owner="product",
    filled=("customers.market", "markets.methods_offered", "payments.method"),
    of=parts((_METHOD_GAP,), (plain("pay_method_gap"),)),
)

PAYING: tuple[Indicator, ...] = (
    PAYMENT_FAILURES,
    ARREARS,
    RENEWAL,
    RENEWAL_WAIT,
    METHOD_GAP,
)
