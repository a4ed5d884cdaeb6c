"""What churn_ml concluded, and what it set aside: the tables that the steps write.

Worked example: h1 is in the cohort of 2017-10-01 as silent, scored .62, in the segment
HIGH_HIGH_SILENT, in the arm open, offered COUPON_5; on 2017-11-01 the outcome says that h1 stayed.
"""

from __future__ import annotations

from churn_ml.tables.shape import CUSTOMER, Column, Table, derived

QUARANTINE = Table(
    "quarantine",
    "canonical",
    "one row per rejected or excluded row and reason; no values",
    ("table", "lot", "lot_row", "rule"),
    (
        Column("table", "string", "the canonical table it was meant for", required=True),
        Column("lot", "string", "the lot that brought it", required=True),
        Column("lot_row", "int64", "its number in that lot, from 1", required=True),
        Column("rule", "string", "the rule it broke, table.column.rule", required=True),
        Column("reason", "string", "the rule in words", required=True),
        Column("verdict", "string", "quarantined or excluded", required=True),
        Column("ingest_key", "date", "business date of the ingest", required=True),
    ),
    owner="ingest",
)
COHORT = derived(
    "cohort",
    "one row per customer with an order before as_of",
    ("customer_id",),
    (
        CUSTOMER,
        Column("stage", "string", "new, active, loyal, silent, lost or returning", required=True),
        Column("one_time", "bool", "exactly one order (day) so far", required=True),
        Column("eligible", "bool", "active in the lookback with enough history: scored", True),
        Column("order_count", "int64", "orders or order days before as_of, by activity_unit", True),
        Column("first_order_at", "timestamp", "first order (UTC)", required=True),
        Column("last_order_at", "timestamp", "last order before as_of (UTC)", required=True),
    ),
    owner="score",
)
FEATURES = derived(
    "features",
    "one row per eligible customer",
    ("customer_id",),
    (CUSTOMER,),
    owner="score",
    open=True,
)
PANEL = derived(
    "panel",
    "one row per eligible customer and cut-off; as_of is the training run's",
    ("customer_id", "cut_off"),
    (
        CUSTOMER,
        Column("cut_off", "date", "the as_of of the row's features", required=True),
        Column("layer", "string", "train, choose or evaluate", required=True),
        Column("stage", "string", "lifecycle stage at the cut-off", required=True),
        Column("country", "string", "country at the cut-off; a slice, never a feature"),
        Column("channel", "string", "acquisition channel; a slice, never a feature"),
        Column("tier", "string", "membership tier at the cut-off; a slice, never a feature"),
        Column("contactable", "bool", "whether contact was consented at the cut-off"),
        Column("label", "int64", "1 churned in the window, 0 not, null immature"),
        Column("treated", "bool", "contacted by us around the window", required=True),
        Column(
            "weight",
            "float64",
            "customers it stands for: 1 / holdout share where the holdout alone was not contacted",
            required=True,
        ),
        Column("window_net_amount", "decimal(18,2)", "spend inside the label window"),
    ),
    owner="train",
    open=True,
)
SCORES = derived(
    "scores",
    "one row per eligible customer",
    ("customer_id",),
    (
        CUSTOMER,
        Column("score", "float64", "calibrated probability of churn in the horizon", required=True),
        Column("value", "float64", "expected net margin over value_horizon_days if retained", True),
        Column("value_at_risk", "float64", "score x value", required=True),
        Column(
            "reasons",
            "string",
            "JSON list of {indicator, direction, value, average, effect}, strongest first; up and "
            "down where there is both; the average is that of the customer's segment",
        ),
        Column("model", "string", "model id: family and first 12 of its sha256", required=True),
        Column("contract", "string", "name and hash of the churn contract", required=True),
    ),
    owner="score",
)
CAUSES = derived(
    "causes",
    "one row per scored customer and cause that anything speaks for",
    ("customer_id", "cause"),
    (
        CUSTOMER,
        Column("cause", "string", "code of the cause", required=True),
        Column("rank", "int64", "1 for the likeliest of this customer", required=True),
        Column("score", "float64", "how strongly the signs speak for it, 0 to 1", required=True),
        Column("stated", "bool", "True where the customer said so in a survey", required=True),
        Column("type", "string", "natural, competitive or service", required=True),
        Column("group", "string", "service, product, price, relationship or external", True),
        Column("evidence", "string", "JSON list of {indicator, value, strength}", required=True),
    ),
    owner="score",
)
SEGMENTS = derived(
    "segments",
    "one row per customer of the cohort",
    ("customer_id",),
    (
        CUSTOMER,
        Column("stage", "string", "lifecycle stage", required=True),
        Column("risk_band", "string", "high, medium, low or unscored", required=True),
        Column("value_band", "string", "high, medium, low or unscored", required=True),
        Column("segment", "string", "risk x value x stage as one code", required=True),
        Column("arm", "string", "holdout or open", required=True),
    ),
    owner="score",
)
NAMED_SEGMENTS = derived(
    "named_segments",
    "one row per customer of the cohort and named segment that the customer is in",
    ("customer_id", "segment"),
    (CUSTOMER, Column("segment", "string", "a name of docs/segments.md", required=True)),
    owner="score",
)
ACTIONS = derived(
    "actions",
    "one row per scored customer",
    ("customer_id",),
    (
        CUSTOMER,
        Column(
            "offer", "string", "the chosen offer's code, NONE where nothing pays", required=True
        ),
        Column(
            "would_be_offer", "string", "what the policy chose before the holdout", required=True
        ),
        Column(
            "expected_gain", "float64", "expected profit G of the would-be offer", required=True
        ),
        Column("expected_cost", "float64", "expected cost of the would-be offer", required=True),
        Column(
            "why",
            "string",
            "suppressed, recently_contacted, no_offer, no_cause, open_complaint, arrears, "
            "no_consent, recently_offered, does_not_pay, capacity, budget, holdout, control (of "
            "an experiment) or chosen; "
            "the first that holds",
            required=True,
        ),
        Column("barred", "string", "JSON: code of an offer -> what bars it first; others are open"),
        Column("experiment", "string", "the experiment of the would-be offer; null where none"),
        Column("experiment_arm", "string", "treated or control; null where none"),
        Column("kept_share", "float64", "share of such customers whom chance leaves alone"),
    ),
    owner="score",
)
OUTCOMES = derived(
    "outcomes",
    "one row per customer scored at as_of, once its label matured",
    ("customer_id",),
    (
        CUSTOMER,
        Column("score", "float64", "the score given at as_of", required=True),
        Column("risk_band", "string", "the band given at as_of", required=True),
        Column("arm", "string", "holdout or open", required=True),
        Column("offer", "string", "the offer given at as_of", required=True),
        Column("would_be_offer", "string", "what the policy chose, in either arm", required=True),
        Column("experiment", "string", "the experiment of the would-be offer; null where none"),
        Column("treated", "bool", "a delivering destination acknowledged it", required=True),
        Column("churned", "int64", "1 churned in the window, 0 not", required=True),
        Column("window_net_amount", "decimal(18,2)", "spend inside the label window", True),
    ),
    owner="learn",
)

RATES = derived(
    "rates",
    "one row per month, slice and word; months that ended before as_of",
    ("month", "slice", "word"),
    (
        Column("month", "date", "first day of the month", required=True),
        Column("slice", "string", "all, segment, or an attribute: tier, channel, ...", True),
        Column("word", "string", "the attribute's value; all where not sliced", required=True),
        Column("customers", "int64", "customers active at the month's start", required=True),
        Column("churned", "int64", "of them without an event in the horizon; null immature"),
        Column("churn_rate", "float64", "churned / customers; null where nobody or immature"),
        Column("retention_rate", "float64", "1 - churn_rate"),
        Column("buyers", "int64", "customers with an order in the month", required=True),
        Column("repeat_buyers", "int64", "of them with two or more in the lookback", required=True),
        Column("repurchase_rate", "float64", "repeat_buyers / buyers; null where nobody"),
    ),
    owner="rates",
)
COHORTS = derived(
    "cohorts",
    "one row per month of first order and month since",
    ("first_month", "months_since"),
    (
        Column("first_month", "date", "first day of the month of the first order", required=True),
        Column("months_since", "int64", "whole months since then; 0 is the month itself", True),
        Column("customers", "int64", "customers who began in first_month", required=True),
        Column("active", "int64", "of them with an order in that month", required=True),
        Column("net_amount", "decimal(18,2)", "what they paid in that month"),
    ),
    owner="rates",
)
TRANSITIONS = derived(
    "transitions",
    "one row per month and pair of stages; months that ended before as_of",
    ("month", "stage_from", "stage_to"),
    (
        Column("month", "date", "first day of the month", required=True),
        Column("stage_from", "string", "stage at the month's start; none before", required=True),
        Column("stage_to", "string", "stage at its end", required=True),
        Column("customers", "int64", "how many went that way", required=True),
    ),
    owner="rates",
)

TABLES: tuple[Table, ...] = (
    COHORT,
    FEATURES,
    PANEL,
    SCORES,
    CAUSES,
    SEGMENTS,
    NAMED_SEGMENTS,
    ACTIONS,
    OUTCOMES,
    RATES,
    COHORTS,
    TRANSITIONS,
)
