"""Indicators of reach: messages, ads, promotions, care, and whom customers reach for the shop.

Worked example, as of 2017-10-01: of the 4 e-mails that reached somebody in the 90 days before they
opened 1, of the 4 in the 90 days before that 3: email_open_rate_90d is 1 / 4 and
email_open_rate_delta_90d is 1 / 4 - 3 / 4 = -0.5. A bounced message reached nobody, and a message
opened five times is opened once.

Degenerate cases: a share of a window in which nothing was sent, shown or offered has no base, and
neither has its change; the change of a count needs a customer, and a shop that recorded such
events, since the window before began. What is opened after as_of is not known at as_of: the newest
messages have had less time than the others, in both windows of every customer alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from churn_ml.features.columns import (
    delta,
    plain,
    ratio,
    recorded,
    share,
    since_recorded,
    window_before,
    within,
)
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View, parts
from churn_ml.features.rhythm import TENURE
from churn_ml.features.views.contact import BASIS_POINTS

if TYPE_CHECKING:
    import ibis

_CARE = Measure("care_recency_days", View("care"), lambda t: t.days_ago.min(), empty=None)


def _counts(stem: str, view: Callable[[int], View], days: int, of: Reader) -> tuple[Measure, ...]:
    """`<stem>_<days>` and `<stem>_<2 x days>`: the rows of `of`, in a window and in two."""

    def count(window: int) -> Measure:
        return Measure(
            f"{stem}_{window}", view(days), lambda t: t.count(where=within(window)(t) & of(t))
        )

    return count(days), count(2 * days)


def _change(name: str, top: str, base: str, days: int) -> tuple[Column, Column]:
    """The change of the share of `top` in `base`, both stems of `_counts`."""
    now = share(lambda t: t[f"{top}_{days}"], lambda t: t[f"{base}_{days}"])
    return delta(name, now, share(window_before(top, days), window_before(base, days)))


def _messages(days: int) -> View:
    return View("messages", (2 * days,))


def _open_rate(days: int) -> Parts:
    emails = _counts("emails", _messages, days, lambda t: t.channel == "email")
    opened = _counts("emails_opened", _messages, days, lambda t: t.opened & (t.channel == "email"))
    rate = ratio(
        f"email_open_rate_{days}d",
        lambda t: t[f"emails_opened_{days}"],
        lambda t: t[f"emails_{days}"],
    )
    change = _change(f"email_open_rate_delta_{days}d", "emails_opened", "emails", days)
    return Parts((*emails, *opened), (*rate, *change))


def _response(days: int) -> Parts:
    delivered = _counts("delivered", _messages, days, lambda t: t.days_ago.notnull())
    answered = _counts("answered", _messages, days, lambda t: t.answered)
    change = _change(f"msg_response_delta_{days}d", "answered", "delivered", days)
    return Parts((*delivered, *answered), change)


def _of_kind(view: str, stem: str, days: int, kind: str) -> tuple[Measure, ...]:
    return _counts(stem, lambda _: View(view), days, lambda t: t.kind == kind)


def _ad_clicks(days: int) -> Parts:
    shown = _of_kind("ads", "ads_shown", days, "impression")
    clicked = _of_kind("ads", "ads_clicked", days, "click")
    change = _change(f"ad_ctr_delta_{days}d", "ads_clicked", "ads_shown", days)
    return Parts((*shown, *clicked), change)


def _promo_joins(days: int) -> Parts:
    offered = _of_kind("promotions", "promos_offered", days, "offered")
    joined = _of_kind("promotions", "promos_joined", days, "joined")
    change = _change(f"promo_join_rate_delta_{days}d", "promos_joined", "promos_offered", days)
    return Parts((*offered, *joined), change)


def _invitation(days: int) -> Parts:
    first = recorded(View("invites"))
    sent = _of_kind("invites", "invites", days, "invite")
    change = delta(
        f"invites_delta_{days}d",
        lambda t: t[f"invites_{days}"],
        window_before("invites", days),
        since_recorded(2 * days, first),
    )
    return Parts((TENURE, first, *sent), change)


def _offers(days: int) -> Parts:
    offered, _ = _of_kind("promotions", "promos_offered", days, "offered")
    return Parts((offered,), (Column(f"offers_{days}d", lambda t: t[offered.name]),))


def _depth(days: int) -> Parts:
    def measure(stem: str, of: Reader) -> Measure:
        return Measure(f"{stem}_{days}", View("promotions"), of)

    def offered(t: ibis.Table) -> ibis.BooleanValue:
        return within(days)(t) & (t.kind == "offered")

    points = measure("promo_points", lambda t: t.depth_points.sum(where=offered(t)))
    told = measure("promo_depths", lambda t: t.depth_points.count(where=offered(t)))
    mean = share(lambda t: t[points.name], lambda t: t[told.name] * BASIS_POINTS)
    return Parts((points, told), (Column(f"discount_depth_{days}d", mean),))


OPEN_RATE = Indicator(
    name="open_rate",
    meaning="Share of the e-mails delivered that were opened, and its change.",
    unit="share; share points",
    direction="down",
    windows=(90,),
    against="against as many days before",
    needs=("orders", "message_events"),
    source="C05",
    filled=("message_events.channel",),
    owner="marketing",
    of=_open_rate,
)
AD_CLICKS = Indicator(
    name="ad_clicks",
    meaning="Change of the clicks per advertisement shown.",
    unit="share points",
    direction="down",
    windows=(90,),
    against="against as many days before",
    needs=("orders", "ad_events"),
    source="C06",
    owner="marketing",
    of=_ad_clicks,
)
PROMO_JOINS = Indicator(
    name="promo_joins",
    meaning="Change of the promotions joined per promotion offered.",
    unit="share points",
    direction="down",
    windows=(90,),
    against="against as many days before",
    needs=("orders", "promo_events"),
    source="C07",
    owner="marketing",
    of=_promo_joins,
)
RESPONSE = Indicator(
    name="response",
    meaning="Change of the share of delivered messages that were clicked or replied to.",
    unit="share points",
    direction="down",
    windows=(90,),
    against="against as many days before",
    needs=("orders", "message_events"),
    source="C13",
    owner="marketing",
    of=_response,
)
OFFERS = Indicator(
    name="offers",
    meaning="Promotions offered to the customer.",
    unit="offers",
    direction="down",
    windows=(90,),
    needs=("orders", "promo_events"),
    source="C51",
    owner="marketing",
    of=_offers,
)
DISCOUNT_DEPTH = Indicator(
    name="discount_depth",
    meaning="Mean discount of the promotions offered to the customer.",
    unit="share",
    direction="down",
    windows=(90,),
    needs=("orders", "promo_events"),
    source="C51",
    filled=("promo_events.depth",),
    owner="marketing",
    of=_depth,
)
CARE_RECENCY = Indicator(
    name="care_recency",
    meaning="Days since the shop last did something for the customer and asked for nothing: "
    "a care message, or a treatment where these are told.",
    unit="days",
    direction="up",
    windows=(),
    needs=("orders", "message_events"),
    source="C53",
    filled=("message_events.purpose",),
    owner="service",
    of=parts((_CARE,), (plain(_CARE.name),)),
)
INVITATION = Indicator(
    name="invitation",
    meaning="Change of the number of invitations of others.",
    unit="invitations",
    direction="down",
    windows=(180,),
    against="against as many days before",
    needs=("orders", "web_events"),
    source="C60",
    owner="marketing",
    of=_invitation,
)

MESSAGES: tuple[Indicator, ...] = (
    OPEN_RATE,
    AD_CLICKS,
    PROMO_JOINS,
    RESPONSE,
    OFFERS,
    DISCOUNT_DEPTH,
    CARE_RECENCY,
    INVITATION,
)
