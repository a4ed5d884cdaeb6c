"""What a table is: its grain, key, columns and owner, and the columns that many tables share.

Enters: names, types and meanings. Leaves: `Table`s that know their partition and Arrow schema.
Worked example: `orders` is canonical, so it is partitioned by `ingest_key` and carries the stamps
that say when a row happened, when it was known, and which lot brought it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Type = Literal[
    "string", "int64", "float64", "bool", "date", "timestamp", "decimal(18,2)", "decimal(18,8)"
]


@dataclass(frozen=True)
class Column:
    """One column: its name, type and meaning, whether it may be null and whether it is personal.

    `words` are the only values it may hold, `minimum` and `maximum` the bounds of a number,
    `longest` the most characters of a text; `default` stands where no source speaks of the column.

    `after` names the timestamp, in the same row, that the value waits for: a ticket's `csat` is not
    there before its `resolved_at`, nor is `resolved_at` itself. A read at an `as_of` before it is
    null, and so is one where the timestamp is null. Where `until_then` is said, an earlier read
    gives that; one without the timestamp gives the value as it was told: a payment that failed has
    no `paid_at`. (A first load of history brings every row in its final form.) Plans, such as
    `due_at`, wait for nothing.
    """

    name: str
    type: Type
    meaning: str
    required: bool = False
    personal: bool = False
    words: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    longest: int | None = None
    default: str | None = None
    after: str | None = None
    until_then: str | None = None


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

        >>> from churn_ml.tables import table
        >>> table("products").names[:2]
        ('product_id', 'category')
        """
        return tuple(column.name for column in self.columns)

    @property
    def mapped(self) -> tuple[Column, ...]:
        """The columns that a source may bring: everything but the stamps.

        >>> from churn_ml.tables import table
        >>> [column.name for column in table("fx_rates").mapped]
        ['currency', 'rate', 'occurred_at']
        """
        return tuple(column for column in self.columns if column.name not in STAMPS)

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

        >>> from churn_ml.tables import table
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
            "decimal(18,8)": pa.decimal128(18, 8),
        }
        return pa.schema([pa.field(c.name, arrow[c.type]) for c in self.columns])

    def to_arrow(self, frame: pd.DataFrame) -> pa.Table:
        """The frame's declared columns (open tables: float64 columns too) as an Arrow table.

        The partition column may be absent; the warehouse adds it.

        >>> import pandas as pd
        >>> from churn_ml.tables import table
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


def canonical(name: str, grain: str, key: tuple[str, ...], columns: tuple[Column, ...]) -> Table:
    """A table of what happened in the shop: `columns`, then the stamps every such row carries."""
    stamps = (
        Column("occurred_at", "timestamp", "when it happened in the shop (UTC)", required=True),
        Column("day", "date", "the shop's calendar day of occurred_at", required=True),
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


def derived(
    name: str,
    grain: str,
    key: tuple[str, ...],
    columns: tuple[Column, ...],
    owner: str,
    *,
    open: bool = False,  # noqa: A002 - mirrors Table.open
) -> Table:
    """A table of what churn_ml concluded: `columns`, then the as_of it was concluded at."""
    as_of = Column("as_of", "date", "end of the known world, 00:00 UTC, exclusive", required=True)
    return Table(name, "derived", grain, key, (*columns, as_of), owner, open=open)


STAMPS = ("day", "known_at", "known_from", "lot", "lot_row", "ingest_key")
"""What the ingest writes into every canonical row; no source maps them."""
LONGEST_REFERENCE = 255
"""Characters of a customer's reference: what the ledger holds of it on PostgreSQL."""
CUSTOMER = Column(
    "customer_id",
    "string",
    "the shop's own reference",
    required=True,
    personal=True,
    longest=LONGEST_REFERENCE,
)
ORDER = Column("order_id", "string", "the shop's order number", required=True)
PRODUCT = Column("product_id", "string", "the shop's product number", required=True)
MARKET = Column("market", "string", "the market or region", required=True)
MONEY = (
    Column("currency", "string", "ISO 4217 code of the amounts: the shop's", required=True),
    Column("source_currency", "string", "ISO 4217 code they came in, where another"),
    Column("exchange_rate", "decimal(18,8)", "rate they were converted with", minimum=0),
)
"""What stands beside the amounts of a row: their currency, and where they came from."""
