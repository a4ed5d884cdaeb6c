"""What customers said: tickets, reviews, contributions, invitations, surveys.

Worked example, as of 2017-10-01: a complaint opened on 2017-09-20 10:00 and first answered at 12:00
is a row of `tickets` with days_ago 11 and response_seconds 7200. A survey of 2017-08-01 with csat 4
and one of 2017-09-01 with nps 9 alone are two rows of `surveys`: in the older csat_age is 0, in the
newer nps_age is 0, for each is the newest that tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, seconds

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day

HUNDREDTHS = 100
"""The parts of a star or point that scales are counted in, so that whole numbers are added."""
SCALES = ("csat", "nps", "perceived_risk", "perceived_value", "belonging", "felt_importance")
"""The answers of a survey of which the newest counts."""
CONTRIBUTED = ("comment", "forum_post")
"""Kinds of web_events that are written for others to read, as a review is."""


def tickets(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per ticket, with days_ago of its opening, response_seconds and resolve_seconds.

    The seconds run from the opening to the first answer and to the solution; null where there is
    none yet. `topic` is in lower case.
    """
    rows = tables["tickets"]
    opened = seconds(rows.occurred_at)
    return rows.mutate(
        days_ago=days_ago(rows, as_of),
        topic=rows.topic.strip().lower(),
        response_seconds=seconds(rows.first_response_at) - opened,
        resolve_seconds=seconds(rows.resolved_at) - opened,
    )


def reviews(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per review, with days_ago and rating_points (hundredths of a star)."""
    rows = tables["reviews"]
    points = (rows.rating * HUNDREDTHS).round().cast("int64")
    return rows.mutate(days_ago=days_ago(rows, as_of), rating_points=points)


def contributions(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per review, and per comment and forum post where the shop has web_events: days_ago.

    `is_review` tells the one from the other.
    """
    rows = tables["reviews"].select("customer_id", "day", is_review=True)
    if "web_events" in tables:
        events = tables["web_events"]
        written = events.filter(events.kind.isin(CONTRIBUTED))
        rows = rows.union(written.select("customer_id", "day", is_review=False))
    return rows.mutate(days_ago=days_ago(rows, as_of))


def invites(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per invitation of somebody else, with days_ago."""
    rows = tables["web_events"]
    rows = rows.filter(rows.kind == "invite")
    return rows.mutate(days_ago=days_ago(rows, as_of))


def surveys(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per answered survey, with days_ago, csat_points and an age for each of SCALES.

    `<scale>_age` is 0 in the customer's newest survey that answers the scale, 1 in the one before;
    surveys that do not answer it come after all that do. csat_points are hundredths.
    """
    import ibis

    rows = tables["surveys"]

    def age(scale: str) -> ibis.IntegerColumn:
        # (survey_id, customer_id) is the table's key, so this order is total on every engine.
        order = (rows[scale].isnull(), ibis.desc("occurred_at"), ibis.desc("survey_id"))
        return ibis.row_number().over(ibis.window(group_by="customer_id", order_by=order))

    return rows.mutate(
        days_ago=days_ago(rows, as_of),
        csat_points=(rows.csat * HUNDREDTHS).round().cast("int64"),
        **{f"{scale}_age": age(scale) for scale in SCALES},
    )
