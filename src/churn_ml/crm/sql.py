"""A SQL table with one row per customer: for a CRM, a BI tool or a shop that reads a database.

The table's key is customer_id. An upsert writes every column in one statement that refuses to
replace a newer row; a removal deletes the row unless it is newer. SQLite and PostgreSQL, one
transaction a batch. `<table>_owner` holds one row: who feeds the table, which keeps a second
deployment out (fault O3), and the newest as_of it was fed with, so that a process that wakes up
after a day can neither take the table back nor bring back whom it has lost (O4).

Preflight makes the table where there is none, and otherwise checks every column before row 1. One
row that the database cannot take does not hold up the others: the batch is halved until it stands
alone, and rejected.

Worked example: the table was fed as of 2017-11-01. A batch as of 2017-10-01 that comes now raises
StaleAttempt and the table stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.config.destinations import TABLE_NAME
from churn_ml.crm.means import Means
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row
from churn_ml.crm.refused import Refused, bisected
from churn_ml.crm.sql_database import UNTAKEABLE, KeyTooLong, SqlDatabase
from churn_ml.crm.sql_table import check_columns, exported, older, owner_of, unholdable
from churn_ml.errors import BadConfig, StaleAttempt
from churn_ml.idling import end_where_idle

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


@dataclass(frozen=True)
class SqlDestination:
    """A table in a SQLite or PostgreSQL database, by URL."""

    name: str
    url: str
    table_name: str
    owner: str
    delivers: bool = False
    batch_size: int | None = 1000

    def __post_init__(self) -> None:
        """Refuse a name or a database that no statement of ours could be sure of."""
        if not TABLE_NAME.fullmatch(self.table_name):
            raise BadConfig(
                "this is no name of a table",
                where=f"[destinations.{self.name}] table",
                got=repr(self.table_name)[:80],
                expected="letters, digits and underscores, 56 at most",
            )
        # The URL itself is never shown: it may hold a password.
        if self.url.split(":")[0].split("+")[0] not in ("sqlite", "postgresql"):
            raise BadConfig(
                "the target of a SQL destination is not a URL of a known database",
                where=f"[destinations.{self.name}] target",
                expected="sqlite:///FILE or postgresql://HOST/DATABASE",
            )

    def __repr__(self) -> str:
        """The name alone: the URL may hold a password."""
        return f"SqlDestination({self.name!r}, table {self.table_name!r})"

    def preflight(self) -> None:
        """Make or check the table, then claim it.

        Raises: BadConfig naming missing or mistyped columns, a wrong key or another owner;
        Unreachable where the database does not answer.
        """
        self._database.done(self._prepare)

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Write the batch in one transaction; a row the database cannot take is rejected alone.

        Raises: Unreachable where the database does not answer; nothing may then be assumed.
        StaleAttempt where the table was fed with a later as_of.
        """
        return list(bisected(batch.rows, partial(self._take, as_of=batch.as_of)))

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The rows of the table, one per customer; none where it is not made yet, or gone.

        An as_of that is no date, which SQLite lets anybody write, is told as it is there. Raises:
        Unreachable as `send` does; BadConfig where another deployment has the table, or it is none
        of ours, as `preflight` does.
        """
        table = self._table
        as_of = sa.type_coerce(table.c.as_of, sa.Text).label("as_of")
        columns = [as_of if column.name == "as_of" else column for column in table.c]

        def read(connection: Connection) -> Sequence[sa.RowMapping]:
            there = sa.inspect(connection)
            if there.has_table(self._owner_table.name):
                self._be_ours(connection)
            if not there.has_table(self.table_name):
                return []
            check_columns(there, self.table_name, f"[destinations.{self.name}]")
            return connection.execute(sa.select(*columns)).mappings().all()

        found = self._database.done(read)
        return ({**row, "as_of": str(row["as_of"])} for row in found)

    def gone(self) -> bool:
        """Whether there is no table, or nobody in it. Raises Unreachable as `send` does."""

        def empty(connection: Connection) -> bool:
            if not sa.inspect(connection).has_table(self.table_name):
                return True
            one = sa.select(sa.literal(1)).select_from(self._table).limit(1)
            return connection.execute(one).first() is None

        return self._database.done(empty)

    def _prepare(self, connection: Connection) -> None:
        end_where_idle(connection)
        inspector = sa.inspect(connection)
        if inspector.has_table(self.table_name):
            check_columns(inspector, self.table_name, f"[destinations.{self.name}]")
        self._owner_table.metadata.create_all(connection)
        self._claim(connection)

    def _take(self, rows: Sequence[Row], as_of: date) -> list[Ack | Rejection]:
        """Write the rows in one transaction; raises Refused where one of several is untakeable."""

        def written(connection: Connection) -> set[str]:
            self._fence(connection, as_of)
            self._write(connection, rows)
            return self._newer(connection, rows)

        try:
            newer = self._database.done(written)
        except UNTAKEABLE as error:
            kind = type(error).__name__
        else:
            said = "newer_in_target", "the target has a later as_of"
            ids = [row.customer_id for row in rows]
            return [Rejection(one, *said) if one in newer else Ack(one) for one in ids]
        # Outside of the except: the database's own words may quote the row, only their kind stays.
        return [_refused(rows, kind)]

    def _fence(self, connection: Connection, as_of: date) -> None:
        """Note `as_of` as the newest; the row's lock also makes two writers queue."""
        end_where_idle(connection)
        fence = self._owner_table
        mine = (fence.c.owner == self.owner) & (fence.c.newest_as_of <= as_of)
        if not connection.execute(sa.update(fence).where(mine).values(newest_as_of=as_of)).rowcount:
            raise StaleAttempt(
                f"table {self.table_name} was fed with a later as_of, or by another deployment",
                where=f"[destinations.{self.name}]",
                got=f"a batch as of {as_of}",
                next_step="none: a newer export has replaced this one",
            )

    def _newer(self, connection: Connection, rows: Sequence[Row]) -> set[str]:
        """The customers of whom the table holds a later as_of: the statements left them alone."""
        table, latest = self._table, max((row.as_of for row in rows), default=date.min)
        query = sa.select(table.c.customer_id).where(sa.not_(older(table, latest)))
        return set(connection.execute(query).scalars())

    def _write(self, connection: Connection, rows: Sequence[Row]) -> None:
        table = self._table
        upserts = [_values(row) for row in rows if row.op == "upsert"]
        removals = [{"id": r.customer_id, "day": r.as_of} for r in rows if r.op == "remove"]
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(table)
        upsert = insert.on_conflict_do_update(
            index_elements=[table.c.customer_id],
            set_={c.name: insert.excluded[c.name] for c in table.c if c.name != "customer_id"},
            where=older(table, insert.excluded.as_of),
        )
        if upserts:
            connection.execute(upsert, upserts)
        if removals:
            mine = table.c.customer_id == sa.bindparam("id")
            takeable = mine & older(table, sa.bindparam("day"))
            connection.execute(sa.delete(table).where(takeable), removals)

    def _claim(self, connection: Connection) -> None:
        table = self._owner_table
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        claim = dialect.insert(table).values(id=1, owner=self.owner, newest_as_of=date.min)
        connection.execute(claim.on_conflict_do_nothing())
        self._be_ours(connection)

    def _be_ours(self, connection: Connection) -> None:
        table = self._owner_table
        holder = connection.execute(sa.select(table.c.owner)).scalar_one_or_none()
        if holder not in (None, self.owner):
            raise BadConfig(
                f"table {self.table_name} is fed by another deployment",
                where=f"[destinations.{self.name}]",
                got=f"owner {holder}",
                expected=f"owner {self.owner}",
                next_step=f"name another table, or empty {table.name} if that deployment is gone",
            )

    @cached_property
    def _table(self) -> sa.Table:
        return exported(self.table_name)

    @cached_property
    def _owner_table(self) -> sa.Table:
        return owner_of(self._table)

    @cached_property
    def _database(self) -> SqlDatabase:
        return SqlDatabase(self.name, self.url, self.table_name)


def open_sql(name: str, settings: Settings, config: Config, means: Means) -> SqlDestination:
    """The SQL destination that churn.toml names.

    Parameters: `name` and `settings`, the key and the value in [destinations]; `config`, for the
    place of a relative SQLite file; `means`, whose owner may feed the table.
    Raises: BadConfig for a table name with other characters or another kind of database.

    >>> from churn_ml.config import Shop
    >>> config = Config(shop=Shop(name="s", currency="EUR"))
    >>> open_sql("bi", Settings(kind="sql", target="sqlite:///bi.db"), config, Means("demo"))
    SqlDestination('bi', table 'churn_segments')
    """
    url = config.url(settings.target)
    return SqlDestination(name, url, settings.table, means.owner, delivers=settings.delivers)


def _refused(rows: Sequence[Row], kind: str) -> Rejection:
    """The rejection of the row that stands alone; raises Refused where it is one of several."""
    said = "the database cannot hold the row"
    if len(rows) > 1:
        raise Refused(kind, said)
    field = "customer_id" if kind == KeyTooLong.__name__ else unholdable(rows[0].payload)
    return Rejection(rows[0].customer_id, kind, said, field=field)


def _values(row: Row) -> dict[str, Any]:
    return {**row.payload, "customer_id": row.customer_id, "as_of": row.as_of}
