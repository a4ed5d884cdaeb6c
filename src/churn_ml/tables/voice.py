"""What customers said and did without buying: tickets, reviews, surveys, visits.

Worked example: h1 opened the complaint 7 about a late parcel on 2017-10-02, was answered after two
hours, gave 2 of 5 stars, and looked at the tracking page eleven times.
"""

from __future__ import annotations

from churn_ml.tables.shape import CUSTOMER, Column, canonical

TICKETS = canonical(
    "tickets",
    "one row per ticket; occurred_at is when it was opened",
    ("ticket_id",),
    (
        Column("ticket_id", "string", "the ticket's number", required=True),
        CUSTOMER,
        Column(
            "kind",
            "string",
            "inquiry, complaint, presales or feedback",
            words=("inquiry", "complaint", "presales", "feedback"),
        ),
        Column("topic", "string", "the shop's code of the topic"),
        Column("order_id", "string", "the order it is about"),
        Column(
            "contacts",
            "int64",
            "how often was written or called",
            minimum=0,
            after="resolved_at",
        ),
        Column(
            "reopened",
            "bool",
            "True where it was closed and opened again",
            after="resolved_at",
        ),
        Column(
            "handle_minutes", "float64", "minutes of work on it", minimum=0, after="resolved_at"
        ),
        Column("first_response_at", "timestamp", "first answer (UTC)", after="first_response_at"),
        Column("resolved_at", "timestamp", "solution (UTC)", after="resolved_at"),
        Column(
            "csat",
            "float64",
            "satisfaction with the answer, 1 to 5",
            minimum=1,
            maximum=5,
            after="resolved_at",
        ),
    ),
)
REVIEWS = canonical(
    "reviews",
    "one row per review",
    ("review_id",),
    (
        Column("review_id", "string", "the review's number", required=True),
        CUSTOMER,
        Column("product_id", "string", "the product"),
        Column("rating", "float64", "stars, 1 to 5", required=True, minimum=1, maximum=5),
    ),
)
SURVEYS = canonical(
    "surveys",
    "one row per answered survey; coded answers only",
    ("survey_id", "customer_id"),
    (
        Column("survey_id", "string", "the answer sheet's number", required=True),
        CUSTOMER,
        Column("kind", "string", "satisfaction, interview, post_purchase, exit"),
        Column("csat", "float64", "satisfaction, 1 to 5", minimum=1, maximum=5),
        Column("nps", "int64", "would recommend, 0 to 10", minimum=0, maximum=10),
        Column("reason_code", "string", "the stated reason, coded"),
        Column("perceived_value", "float64", "1 to 5", minimum=1, maximum=5),
        Column("perceived_risk", "float64", "1 to 5", minimum=1, maximum=5),
        Column("belonging", "float64", "feels part of it, 1 to 5", minimum=1, maximum=5),
        Column("felt_importance", "float64", "feels important, 1 to 5", minimum=1, maximum=5),
    ),
)
WEB_EVENTS = canonical(
    "web_events",
    "one row per event in site, app, mini program or social media",
    ("event_id",),
    (
        Column("event_id", "string", "the event's number", required=True),
        CUSTOMER,
        Column(
            "kind",
            "string",
            "page_view, click, search, login, checkout_step, tracking_view, share, ...",
            required=True,
            words=(
                "page_view",
                "click",
                "search",
                "login",
                "cart_add",
                "cart_remove",
                "checkout_step",
                "tracking_view",
                "recommendation_view",
                "recommendation_click",
                "chat",
                "comment",
                "forum_post",
                "share",
                "invite",
                "group_join",
                "live_view",
                "video_view",
                "error",
            ),
        ),
        Column("session_id", "string", "the visit it belongs to"),
        Column(
            "platform",
            "string",
            "web, app, mini_program or social",
            words=("web", "app", "mini_program", "social"),
        ),
        Column("device", "string", "mobile, tablet or desktop"),
        Column("product_id", "string", "the product looked at"),
        Column("search_query", "string", "what was searched for", personal=True),
        Column("results", "int64", "hits of the search", minimum=0),
        Column("step", "int64", "step of the checkout, from 1", minimum=1),
        Column("load_ms", "float64", "load time in milliseconds", minimum=0),
        Column("error_code", "string", "the error shown"),
        Column("duration_seconds", "float64", "time spent on it", minimum=0),
    ),
)

TABLES = (TICKETS, REVIEWS, SURVEYS, WEB_EVENTS)
