"""The cases that are planted in a synthetic shop: what goes wrong, for whom, and what shows it.

Enters: nothing. Leaves: `SCENARIOS`, and those that a user names. A customer is planted with one of
them at most, is still with the shop when it begins, and is twice as likely to leave from then on.

Worked example: in a shop that ends on 2018-01-01 the onset is 2017-09-03; a customer planted with
`delivery` from 2017-09-07 on has every later parcel eight to fourteen days on its way, the others
two to four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from churn_ml.errors import BadInput

NONE = "none"
"""What a user says for a shop in which nothing is planted."""


@dataclass(frozen=True)
class Scenario:
    """A planted effect: its name, the domain's case it stands for, and the columns that show it."""

    name: str
    source: str
    """Its id in the domain catalogue (K01 to K15)."""
    share: float
    """Of the customers who are with the shop at the onset."""
    meaning: str
    shown_by: tuple[str, ...]
    """Feature columns that tell the planted customers from the others."""


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "logistics",
        "K06",
        0.05,
        "overseas parcels are held at customs for a week or more and come late; three orders in "
        "ten are cancelled",
        ("customs_days_max_180d", "late_share_180d", "cancel_rate_180d"),
    ),
    Scenario(
        "category_shift",
        "K07",
        0.05,
        "every order is in a category that the customer never bought from before",
        ("new_category_share_90d",),
    ),
    Scenario(
        "delivery",
        "K08",
        0.05,
        "parcels are on their way for eight to fourteen days; five were promised",
        ("transit_days_3", "late_share_180d"),
    ),
    Scenario(
        "payment",
        "K10",
        0.05,
        "on mobile devices the checkout is left at its third step, the payment, most weeks",
        ("abandon_step_90d", "checkout_abandon_share_90d"),
    ),
)


def chosen(names: Sequence[str]) -> tuple[Scenario, ...]:
    """The scenarios called `names`; all of them where none is named, none for the word "none".

    >>> [one.source for one in chosen(["payment", "delivery"])], chosen(["none"])
    (['K08', 'K10'], ())
    >>> chosen(["delivry"])
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: there is no scenario 'delivry' | got: delivry | expected: logistics...
    """
    known = [one.name for one in SCENARIOS]
    for name in names:
        if name not in (*known, NONE):
            raise BadInput(
                f"there is no scenario {name!r}",
                got=name,
                expected=f"{', '.join(known)}, or {NONE} alone",
                next_step="correct the name, or leave --scenario out for all of them",
            )
    if NONE in names:
        return ()
    return tuple(one for one in SCENARIOS if not names or one.name in names)
