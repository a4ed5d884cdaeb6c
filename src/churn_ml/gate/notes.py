"""What stands beside every verdict: how much could have been found, and on how thin a basis.

In: the comparison of two policies and the margin. Out: sentences, whatever is decided. Worked
example: 2,036 customers at one cut-off, 6 % of whom the policies treat differently: one season, and
a true difference of 600 USD per 1,000 would have been found four times in five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from churn_ml.gate.bootstrap import SEASONS
from churn_ml.gate.evaluation import Comparison


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
    if compared.cut_offs < SEASONS:
        yield (
            f"one season: {compared.cut_offs} cut-off(s), below the {SEASONS} that show how much "
            "seasons differ; to be re-tested when more have matured"
        )
    yield _prior_note(compared.at_prior, currency)


def _prior_note(at_prior: Mapping[float, float], currency: str) -> str:
    low, high = (at_prior[q] for q in sorted(at_prior))
    same = "keeps its sign" if low * high > 0 else "does not keep its sign"
    return (
        f"the difference {same} between the save rate's 10 % and 90 % points "
        f"({low:+,.2f} to {high:+,.2f} {currency} per 1,000)"
    )
