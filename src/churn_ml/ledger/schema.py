"""The tables of the ledger, as SQLAlchemy sees them. `migrations/` makes them.

Dates are dates; wall-clock times are UTC without a zone; JSON is canonical text (sorted keys), so
that the same bytes come back from every database. Only `plan_rows`, `delivered`, `settled` and
`contacts` hold customer ids.

>>> sorted(METADATA.tables)[:3]
['approvals', 'buckets', 'contacts']
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()

IDENTITY = Table(
    "identity",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("key_mark", String(16)),
    Column("currency", String(3)),
    Column("time_zone", String(64)),
)
TOKENS = Table(
    "tokens",
    METADATA,
    Column("step", String(64), primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("number", Integer, nullable=False),
)
PUBLICATIONS = Table(
    "publications",
    METADATA,
    Column("step", String(64), primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("token", Integer, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("pins", Text, nullable=False),
    Column("published_at", DateTime, nullable=False),
)
PARTITIONS = Table(
    "published_partitions",
    METADATA,
    Column("table_name", String(64), primary_key=True),
    Column("partition", Date, primary_key=True),
    Column("step", String(64), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Index("published_partitions_by_step", "step", "as_of"),
)
RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("step", String(64), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("token", Integer, nullable=False),
    Column("status", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("filed_at", DateTime, nullable=False),
    Column("caller", Text),
    Index("receipts_by_step", "step", "as_of"),
)
LOTS = Table(
    "lots",
    METADATA,
    Column("table_name", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("path", Text, nullable=False),
    Column("first_seen_at", DateTime, nullable=False),
    Column("ingest_key", Date),
)
MODELS = Table(
    "models",
    METADATA,
    Column("id", String(96), primary_key=True),
    Column("family", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("folder", Text, nullable=False),
    Column("trained_as_of", Date, nullable=False),
    Column("contract", String(96), nullable=False),
    Column("mlflow_run", String(64)),
    Column("mlflow_version", String(32)),
    Column("meta", Text, nullable=False),
)
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("as_of", Date, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("champion_from", String(96)),
    Column("champion_to", String(96)),
    Column("evidence_hash", String(64)),
    Column("verdict", Text, nullable=False),
    Column("alpha_spent", Float, nullable=False),
    Column("who", String(128), nullable=False),
    Column("decided_at", DateTime, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
DECISION_HEAD = Table(
    "decision_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
PLANS = Table(
    "plans",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("plan_id", String(64), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("planned_at", DateTime),
    Column("run", String(64)),
)
PLAN_ROWS = Table(
    "plan_rows",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("customer_id", String(255), primary_key=True),
    Column("plan_id", String(64), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("contact", Boolean, nullable=False),
    Column("status", String(16), nullable=False),
    Column("code", String(64)),
    Column("message", Text),
    Index("plan_rows_by_plan", "plan_id", "customer_id"),
)
DELIVERED = Table(
    "delivered",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("customer_id", String(255), primary_key=True),
    Column("content_hash", String(64), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("acknowledged_at", DateTime, nullable=False),
)
SETTLED = Table(
    "settled",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("customer_id", String(255), primary_key=True),
    Column("plan_id", String(64), primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("payload", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("code", String(64)),
    Column("message", Text),
    Column("settled_at", DateTime, nullable=False),
    Column("run", String(64), nullable=False),
)
CONTACTS = Table(
    "contacts",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("customer_id", String(255), primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("acknowledged_at", DateTime, nullable=False),
)
STOPS = Table(
    "stops",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("stopped_at", DateTime, nullable=False),
    Column("who", String(128), nullable=False),
    Column("why", Text, nullable=False),
)
LIFTED_STOPS = Table(
    "lifted_stops",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("destination", String(64), nullable=False),
    Column("stopped_at", DateTime, nullable=False),
    Column("who", String(128), nullable=False),
    Column("why", Text, nullable=False),
    Column("lifted_at", DateTime, nullable=False),
    Column("lifted_by", String(128), nullable=False),
)
SENDERS = Table(
    "senders",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("sender", String(128), primary_key=True),
    Column("plan_id", String(64), nullable=False),
    Column("since", DateTime, nullable=False),
)
APPROVALS = Table(
    "approvals",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("plan_id", String(64), primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("of_rows", Integer, nullable=False),
    Column("asked_at", DateTime, nullable=False),
    Column("answer", String(16)),
    Column("who", String(128)),
    Column("answered_at", DateTime),
)
JOBS = Table(
    "jobs",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("batch_id", String(64), primary_key=True),
    Column("job_id", String(128), nullable=False),
    Column("noted_at", DateTime, nullable=False),
)
BUCKETS = Table(
    "buckets",
    METADATA,
    Column("destination", String(64), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("filled_at", Float, nullable=False),
    Column("day", Date, nullable=False),
    Column("spent", Integer, nullable=False),
)
SUPPRESSED = Table(
    "suppressed",
    METADATA,
    Column("key_hmac", String(64), primary_key=True),
    Column("suppressed_at", DateTime, nullable=False),
)
VALIDATIONS = Table(
    "validations",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("table_name", String(64), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("severity", String(8), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("of_rows", BigInteger, nullable=False),
    Column("lots", Integer, nullable=False),
    Column("worst_lot", String(16)),
    Column("worst_share", Float, nullable=False),
    Column("tolerance", Float),
    Column("passed", Boolean, nullable=False),
    Column("judged_at", DateTime, nullable=False),
    Index("validations_by_rule", "table_name", "rule", "as_of"),
)
