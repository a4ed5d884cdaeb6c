"""What stands beside every verdict: how much could have been found, and on how thin a basis.

In: the comparison of two policies and the margin. Out: sentences, whatever is decided. Worked
example: 2,036 customers at one cut-off, 6 % of whom the policies treat differently: one season, and
a true difference of 600 USD per 1,000 would have been found four times in five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from churn_ml.gate.evaluation import Comparison
from churn_ml.gate.seasons import SEASONS

MOST = 0.5
"""The share of the difference from which on a stale threshold is worth a word."""


def detectable(compared: Comparison, margin: float) -> float:
    """The smallest true difference that would have been found four times in five.

    `margin` and the result in the shop currency per 1,000 customers.
    """
    return round(margin + compared.detectable, 6)


def notes(compared: Comparison, margin: float, currency: str) -> Iterator[str]:
    """What every verdict prints, whatever it decides.

    `margin`: what the lower bound must exceed, in the shop `currency` per 1,000 customers.
    """
    found = detectable(compared, margin)
    yield (
        f"a true difference of {found:,.2f} {currency} per 1,000 "
        "would have been found four times in five (minimum detectable effect)"
    )
    yield (
        f"the policies disagree on {compared.disagreement_share:.1%} of "
        f"{compared.customers:,} customers ({compared.disagreeing_churners:,} churners among them)"
    )
    yield _season_note(compared, currency)
    yield _sign_note(compared.signs, currency)
    if compared.uncapped and compared.uncapped[0] != compared.difference.value:
        value, low, _ = compared.uncapped
        yield (
            f"with values left uncapped the difference is {value:+,.2f} {currency} per 1,000, "
            f"lower bound {low:+,.2f}"
        )


def _season_note(compared: Comparison, currency: str) -> str:
    """On how many cut-offs the verdict stands, and what their differing adds."""
    days = ", ".join(compared.days)
    if compared.cut_offs < SEASONS:
        return (
            f"one season: {compared.cut_offs} cut-off(s) ({days}), below the {SEASONS} that show "
            "how much seasons differ; to be re-tested when more have matured"
        )
    gain = compared.difference
    return (
        f"{compared.cut_offs} cut-offs ({days}): of the standard error of {gain.se:,.2f} "
        f"{currency} per 1,000, {gain.between:,.2f} is how much they differ from each other"
    )


def _sign_note(signs: Mapping[str, Sequence[float]], currency: str) -> str:
    """Whether the difference hangs on the save rate that is assumed."""
    (low, low_bound, _), (high, high_bound, _) = (signs[point] for point in sorted(signs))
    same = "keeps its sign" if low * high > 0 else "does not keep its sign"
    return (
        f"the difference {same} between the save rate's 10 % and 90 % points ({low:+,.2f} to "
        f"{high:+,.2f} {currency} per 1,000, lower bounds {low_bound:+,.2f} and {high_bound:+,.2f})"
    )


def threshold_note(found: Mapping[str, float] | None, currency: str) -> Iterator[str]:
    """Where a threshold of today gives the champion most of what the challenger would: say so.

    `found`: `retuned` and `challenger`, what each earns more per 1,000 than the champion does with
    the threshold in force; None where that threshold is today's.

    >>> list(threshold_note({"retuned": 90.0, "challenger": 120.0}, "EUR"))
    ["the champion's threshold is stale: retuned alone it earns +90.00 of the +120.00 EUR per 1,000
    that the challenger earns more"]
    >>> list(threshold_note({"retuned": 30.0, "challenger": 120.0}, "EUR"))
    []
    """
    if not found or found["retuned"] <= 0:
        return
    if found["retuned"] >= MOST * found["challenger"]:
        yield (
            f"the champion's threshold is stale: retuned alone it earns {found['retuned']:+,.2f} "
            f"of the {found['challenger']:+,.2f} {currency} per 1,000 that the challenger earns "
            "more"
        )
