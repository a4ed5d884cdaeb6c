"""The named segments: what each is called, what it means and which tables it needs.

Enters: nothing. Leaves: the catalogue, an explicit tuple; `docs/segments.md` is made from it. A
name that ends with `*` is a family: `TIER_*` are TIER_GOLD, TIER_BASIC, ... A segment whose tables
the shop lacks is absent; a customer may be in many. Worked example: a shop without `web_events` has
no DEV_MOBILE, and loses nothing else by it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """One named segment, or a family of them: `source` is the entry of the domain's list."""

    code: str
    source: str
    meaning: str
    needs: tuple[str, ...] = ("orders",)

    @property
    def family(self) -> str | None:
        """What the names of the family begin with; None where it is one segment.

        >>> Named("TIER_*", "F11", "by tier").family, Named("LOYAL", "F08", "loyal").family
        ('TIER_', None)
        """
        return self.code.removesuffix("*") if self.code.endswith("*") else None


NAMED: tuple[Named, ...] = (
    Named("HIGH_VALUE", "F01", "scored, and in the value band high"),
    Named(
        "HV_DECLINING",
        "F02",
        "of high value, and order days fell below `declining_ratio` of those before",
    ),
    Named("HIGH_RISK", "F03", "scored, and in the risk band high"),
    Named("STAGE_NEW", "F04", "first order lately"),
    Named("STAGE_ACTIVE", "F05", "active or loyal by stage"),
    Named("STAGE_SILENT", "F06", "silent for longer than usual"),
    Named("STAGE_LOST", "F07", "no order in the lookback"),
    Named("LOYAL", "F08", "loyal by stage: top by recency, frequency and money alike"),
    Named("RECOVERABLE", "F09", "lost, scored by a contract of the lost, and an offer would pay"),
    Named("RETURNING", "F10", "back lately after having been lost"),
    Named("TIER_*", "F11", "membership tier, as valid at as_of", ("customers or memberships",)),
    Named(
        "RENEWAL_DUE",
        "F12",
        "a subscription ends within `renewal_days` and is not renewed",
        ("subscriptions",),
    ),
    Named("SPEND_*", "F15", "tenth by spend in the longest window: SPEND_D10 spends most"),
    Named(
        "TOPCAT_*",
        "F16",
        "category with the largest spend of the last 365 days",
        ("order_lines", "products"),
    ),
    Named("MKT_*", "F17", "country, or market where no country is told", ("customers",)),
    Named("B2B", "F18", "a business, by the customer's own mark", ("customers",)),
    Named("B2C", "F18", "not a business, by the customer's own mark", ("customers",)),
    Named(
        "SOCIAL_CONTENT",
        "F20",
        "shared, invited, commented or watched live or video in 90 days",
        ("web_events",),
    ),
    Named("DEV_MOBILE", "F21", "most visits of 90 days by phone or tablet", ("web_events",)),
    Named("DEV_PC", "F21", "most visits of 90 days by desktop", ("web_events",)),
    Named("CH_*", "F22", "channel the customer came by", ("customers",)),
    Named(
        "CLUSTER_*",
        "F23",
        "group of like risk, by k-means on the score and the signs that reasons name most often; "
        "CLUSTER_1 is most at risk; `clusters` says how many",
    ),
    Named("UNSATISFIED", "F24", "dissatisfied or neutral in 180 days", ("surveys",)),
    Named("CAUSE_*", "F25", "the likeliest cause of leaving"),
    Named("TYPE_*", "F26", "its type: natural, competitive or service"),
    Named("STABLE", "F27", "an order in each of the last four quarters of a year"),
    Named("ONE_AND_DONE", "F28", "one order day so far, and silent or lost since"),
    Named("COHORT_*", "F29", "month of the first order, COHORT_2017_03"),
    Named("ARREARS", "F30", "an amount is overdue", ("payments",)),
)


def is_known(name: str) -> bool:
    """Whether somebody may be in a named segment of that name; `DEV_*` are those that begin so.

    >>> is_known("TIER_GOLD"), is_known("TIER_*"), is_known("DEV_*"), is_known("RICH")
    (True, True, True, False)
    """
    families = tuple(one.family for one in NAMED if one.family)
    if name.endswith("*"):
        return any(one.code.startswith(name.removesuffix("*")) for one in NAMED)
    return name.startswith(families) or any(name == one.code for one in NAMED)
