"""READ FIRST: every table of the house, with grain, key, owner and personal-data tags.

Two layers. *Canonical* tables say what happened in the shop; they are partitioned by
`ingest_key` (the business date of the ingest that brought the row) and a later row with the same
key replaces an earlier one when read. *Derived* tables are what churn_ml concluded; they are
partitioned by `as_of` and written whole.

All timestamps are UTC, microseconds, stored without a zone; all money is `decimal(18,2)` in the
shop's currency. Worked example, continued through the house: the household `h1` bought on
2017-09-30 for 12.50. The row reached us with the drop of 2017-10-01, so `occurred_at` is
2017-09-30 17:05, `known_at` is 2017-10-01 00:00, and it counts as of 2017-10-01 but not as of
2017-09-30.

>>> table("orders").key
('order_id',)
>>> [t.name for t in TABLES if t.layer == "canonical"][:3]
['customers', 'orders', 'order_lines']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Type = Literal["string", "int64", "float64", "bool", "date", "timestamp", "decimal(18,2)"]


@dataclass(frozen=True)
class Column:
    """One column: its name, type and meaning, whether it may be null and whether it is personal."""

    name: str
    type: Type
    meaning: str
    required: bool = False
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its grain in words, its key and columns, and who writes it."""

    name: str
    layer: Literal["canonical", "derived"]
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    owner: str
    open: bool = False
    """True where columns beyond the declared ones are allowed (one float64 column a feature)."""

    @property
    def partition(self) -> str:
        """The partition column: `ingest_key` for canonical tables, `as_of` for derived ones."""
        return "ingest_key" if self.layer == "canonical" else "as_of"

    @property
    def names(self) -> tuple[str, ...]:
        """The declared column names, in order.

        >>> table("products").names[:2]
        ('product_id', 'category')
        """
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`; raises BadInput with the known names otherwise."""
        for column in self.columns:
            if column.name == name:
                return column
        raise BadInput(
            f"table {self.name} has no column {name!r}", got=name, expected=", ".join(self.names)
        )

    def schema(self) -> pa.Schema:
        """The Arrow schema of the declared columns.

        >>> table("orders").schema().field("net_amount").type
        Decimal128Type(decimal128(18, 2))
        """
        import pyarrow as pa

        arrow = {
            "string": pa.string(),
            "int64": pa.int64(),
            "float64": pa.float64(),
            "bool": pa.bool_(),
            "date": pa.date32(),
            "timestamp": pa.timestamp("us"),
            "decimal(18,2)": pa.decimal128(18, 2),
        }
        return pa.schema([pa.field(c.name, arrow[c.type]) for c in self.columns])

    def to_arrow(self, frame: pd.DataFrame) -> pa.Table:
        """The frame's declared columns (open tables: float64 columns too) as an Arrow table.

        The partition column may be absent; the warehouse adds it.

        >>> import pandas as pd
        >>> table("segments").to_arrow(pd.DataFrame({"customer_id": ["h1"]})).column_names
        Traceback (most recent call last):
        ...
        churn_ml.errors.BadInput: segments lacks columns ...
        """
        import pyarrow as pa

        schema = self.schema()
        if self.partition not in frame.columns:
            schema = schema.remove(schema.get_field_index(self.partition))
        missing = [name for name in schema.names if name not in frame.columns]
        if missing:
            raise BadInput(f"{self.name} lacks columns {', '.join(missing)}", where=self.grain)
        extra = [c for c in frame.columns if c not in schema.names] if self.open else []
        for name in extra:
            schema = schema.append(pa.field(name, pa.float64()))
        return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)


def _canonical(name: str, grain: str, key: tuple[str, ...], columns: tuple[Column, ...]) -> Table:
    stamps = (
        Column("occurred_at", "timestamp", "when it happened in the shop (UTC)", required=True),
        Column("known_at", "timestamp", "when churn_ml could first have known it (UTC)", True),
        Column(
            "known_from", "string", "where known_at comes from: column, drop, lag or seen", True
        ),
        Column(
            "lot", "string", "the lot (file) that brought the row: first 16 of its sha256", True
        ),
        Column("lot_row", "int64", "the row's number in that lot, from 1", True),
        Column("ingest_key", "date", "business date of the ingest that brought the row", True),
    )
    return Table(name, "canonical", grain, key, columns + stamps, owner="ingest")


def _derived(
    name: str,
    grain: str,
    key: tuple[str, ...],
    columns: tuple[Column, ...],
    owner: str,
    *,
    open: bool = False,  # noqa: A002 - mirrors Table.open
) -> Table:
    as_of = Column("as_of", "date", "end of the known world, 00:00 UTC, exclusive", required=True)
    return Table(name, "derived", grain, key, (*columns, as_of), owner, open=open)


_CUSTOMER = Column(
    "customer_id", "string", "the shop's own reference", required=True, personal=True
)
_ORDER = Column("order_id", "string", "the shop's order number", required=True)

CUSTOMERS = _canonical(
    "customers",
    "one row per customer, the version valid from occurred_at",
    ("customer_id", "occurred_at"),
    (
        _CUSTOMER,
        Column("country", "string", "ISO 3166 country"),
        Column("channel", "string", "acquisition channel"),
        Column("tier", "string", "membership tier"),
        Column("age_band", "string", "age band; a report slice, never a feature", personal=True),
        Column("income_band", "string", "income band; a report slice", personal=True),
        Column("household_size", "string", "persons in the household", personal=True),
        Column("household_kind", "string", "composition of the household", personal=True),
    ),
)
ORDERS = _canonical(
    "orders",
    "one row per order",
    ("order_id",),
    (
        _ORDER,
        _CUSTOMER,
        Column("net_amount", "decimal(18,2)", "paid for goods, after discounts, before returns"),
        Column("currency", "string", "ISO 4217 code of net_amount", required=True),
        Column("status", "string", "completed, cancelled or returned", required=True),
        Column("channel", "string", "where it was placed: web, app, store"),
        Column("store_id", "string", "the store or site that took it"),
    ),
)
ORDER_LINES = _canonical(
    "order_lines",
    "one row per order and product",
    ("order_id", "product_id"),
    (
        _ORDER,
        Column("product_id", "string", "the shop's product number", required=True),
        _CUSTOMER,
        Column("quantity", "int64", "units sold", required=True),
        Column("net_amount", "decimal(18,2)", "paid for the line, after discounts"),
        Column("discount_amount", "decimal(18,2)", "loyalty and shop discounts on the line"),
        Column("coupon_amount", "decimal(18,2)", "coupon discounts on the line"),
        Column("currency", "string", "ISO 4217 code of the amounts", required=True),
    ),
)
PRODUCTS = _canonical(
    "products",
    "one row per product, the version valid from occurred_at",
    ("product_id", "occurred_at"),
    (
        Column("product_id", "string", "the shop's product number", required=True),
        Column("category", "string", "what it is, one level below department"),
        Column("department", "string", "the widest grouping"),
        Column("brand", "string", "brand or brand class"),
    ),
)
CAMPAIGNS = _canonical(
    "campaigns",
    "one row per campaign; occurred_at is its start",
    ("campaign_id",),
    (
        Column("campaign_id", "string", "the shop's campaign number", required=True),
        Column("kind", "string", "the shop's campaign type"),
        Column("ends_at", "timestamp", "end of the campaign (UTC)"),
    ),
)
CAMPAIGN_CONTACTS = _canonical(
    "campaign_contacts",
    "one row per customer and campaign; occurred_at is the contact",
    ("customer_id", "campaign_id"),
    (
        _CUSTOMER,
        Column("campaign_id", "string", "the campaign", required=True),
        Column("channel", "string", "mail, email, sms, push"),
    ),
)
COUPON_REDEMPTIONS = _canonical(
    "coupon_redemptions",
    "one row per customer, coupon, campaign and redemption time",
    ("customer_id", "coupon_id", "campaign_id", "occurred_at"),
    (
        _CUSTOMER,
        Column("coupon_id", "string", "the coupon", required=True),
        Column("campaign_id", "string", "the campaign it came from", required=True),
    ),
)
CONSENTS = _canonical(
    "consents",
    "one row per customer, purpose and change; valid from occurred_at",
    ("customer_id", "purpose", "occurred_at"),
    (
        _CUSTOMER,
        Column("purpose", "string", "contact or profiling", required=True),
        Column(
            "given", "bool", "True where consent was given, False where withdrawn", required=True
        ),
    ),
)

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
COHORT = _derived(
    "cohort",
    "one row per customer with an order before as_of",
    ("customer_id",),
    (
        _CUSTOMER,
        Column("stage", "string", "new, active, silent, lost or returning", required=True),
        Column("one_time", "bool", "exactly one order (day) so far", required=True),
        Column("eligible", "bool", "active in the lookback with enough history: scored", True),
        Column("order_count", "int64", "orders or order days before as_of, by activity_unit", True),
        Column("first_order_at", "timestamp", "first order (UTC)", required=True),
        Column("last_order_at", "timestamp", "last order before as_of (UTC)", required=True),
    ),
    owner="score",
)
FEATURES = _derived(
    "features",
    "one row per eligible customer",
    ("customer_id",),
    (_CUSTOMER,),
    owner="score",
    open=True,
)
PANEL = _derived(
    "panel",
    "one row per eligible customer and cut-off; as_of is the training run's",
    ("customer_id", "cut_off"),
    (
        _CUSTOMER,
        Column("cut_off", "date", "the as_of of the row's features", required=True),
        Column("layer", "string", "train, choose or evaluate", required=True),
        Column("stage", "string", "lifecycle stage at the cut-off", required=True),
        Column("label", "int64", "1 churned in the window, 0 not, null immature"),
        Column("treated", "bool", "contacted by us around the window", required=True),
        Column("window_net_amount", "decimal(18,2)", "spend inside the label window"),
    ),
    owner="train",
    open=True,
)
SCORES = _derived(
    "scores",
    "one row per eligible customer",
    ("customer_id",),
    (
        _CUSTOMER,
        Column("score", "float64", "calibrated probability of churn in the horizon", required=True),
        Column("value", "float64", "expected net margin over value_horizon_days if retained", True),
        Column("value_at_risk", "float64", "score x value", required=True),
        Column("reasons", "string", "JSON list of {indicator, direction, value, average, effect}"),
        Column("model", "string", "model id: family and first 12 of its sha256", required=True),
        Column("contract", "string", "name and hash of the churn contract", required=True),
    ),
    owner="score",
)
SEGMENTS = _derived(
    "segments",
    "one row per customer of the cohort",
    ("customer_id",),
    (
        _CUSTOMER,
        Column("stage", "string", "lifecycle stage", required=True),
        Column("risk_band", "string", "high, medium, low or unscored", required=True),
        Column("value_band", "string", "high, medium, low or unscored", required=True),
        Column("segment", "string", "risk x value x stage as one code", required=True),
        Column("arm", "string", "holdout or open", required=True),
    ),
    owner="score",
)
ACTIONS = _derived(
    "actions",
    "one row per scored customer",
    ("customer_id",),
    (
        _CUSTOMER,
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
            "suppressed, recently_contacted, no_offer, no_consent, does_not_pay, capacity, budget, "
            "holdout or chosen; the first that holds",
            required=True,
        ),
    ),
    owner="score",
)
OUTCOMES = _derived(
    "outcomes",
    "one row per customer scored at as_of, once its label matured",
    ("customer_id",),
    (
        _CUSTOMER,
        Column("score", "float64", "the score given at as_of", required=True),
        Column("risk_band", "string", "the band given at as_of", required=True),
        Column("arm", "string", "holdout or open", required=True),
        Column("offer", "string", "the offer given at as_of", required=True),
        Column("would_be_offer", "string", "what the policy chose, in either arm", required=True),
        Column("treated", "bool", "a delivering destination acknowledged it", required=True),
        Column("churned", "int64", "1 churned in the window, 0 not", required=True),
        Column("window_net_amount", "decimal(18,2)", "spend inside the label window", True),
    ),
    owner="learn",
)

TABLES: tuple[Table, ...] = (
    CUSTOMERS,
    ORDERS,
    ORDER_LINES,
    PRODUCTS,
    CAMPAIGNS,
    CAMPAIGN_CONTACTS,
    COUPON_REDEMPTIONS,
    CONSENTS,
    QUARANTINE,
    COHORT,
    FEATURES,
    PANEL,
    SCORES,
    SEGMENTS,
    ACTIONS,
    OUTCOMES,
)
SOURCE_TABLES: tuple[str, ...] = tuple(
    t.name for t in TABLES if t.layer == "canonical" and t is not QUARANTINE
)


def table(name: str) -> Table:
    """The table called `name`; raises BadInput with the known names otherwise.

    >>> table("order")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: there is no table 'order' | got: order | ...
    """
    for candidate in TABLES:
        if candidate.name == name:
            return candidate
    known = ", ".join(t.name for t in TABLES)
    raise BadInput(f"there is no table {name!r}", got=name, expected=known)
