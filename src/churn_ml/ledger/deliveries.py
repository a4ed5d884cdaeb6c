"""Deliveries: what is planned for a destination, and what it acknowledged.

One plan a destination at a time, each on top of the one before it. A plan is saved whole before the
first row is sent; an ack moves a row out of it into `delivered` in the same transaction, so a
killed export resumes with exactly the rows that nobody settled. An ack names its plan: a stale
attempt that wakes up cannot settle rows of a later one. A settled row goes to settled.py, which
remembers it, and a contact to contacts.py. No other table of the ledger has customer ids.

Worked example: 2017-10-01 plans 1,998 rows and is killed after 1,000 acks. `open_plan` returns the
other 998; nothing new may be planned before they are acknowledged or rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import and_, delete, func, literal, select, tuple_, update

from churn_ml.errors import BadInput, StaleAttempt
from churn_ml.ledger.database import stored
from churn_ml.ledger.doubts import IN_DOUBT, Doubts, doubt_contradicted, queue, told_of
from churn_ml.ledger.held import NOT_HELD, REJECTED, REMOVED, UNSURE
from churn_ml.ledger.rows import chunks, insert_columns, upsert, upsert_from
from churn_ml.ledger.schema import CONTACTS, DELIVERED, PLAN_ROWS, PLANS
from churn_ml.ledger.settled import EMPTY, note
from churn_ml.ledger.waiting import release, was_asked

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

SavedRow: TypeAlias = tuple[str, str, str, bool]
"""customer_id, content_hash ("" = removal), payload as JSON, contact."""
_MANY = 5000
"""More rows than this are settled by one condition where they are all that is open."""
_AT_ONCE = 5000
"""Rows of a plan that are saved by one statement."""


class Deliveries(Doubts):
    """The part of the ledger that the outbox works with: its journal."""

    def last_plan(self, destination: str) -> tuple[str, date] | None:
        """Id and as_of of the newest plan ever saved for `destination`, empty ones included."""
        query = select(PLANS.c.plan_id, PLANS.c.as_of).where(PLANS.c.destination == destination)
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.plan_id, row.as_of)

    def save_plan(
        self,
        destination: str,
        plan_id: str,
        as_of: date,
        rows: Iterable[SavedRow],
        *,
        base: str | None,
        at: datetime | None = None,
        run: str = "",
        why: Mapping[str, str] | None = None,
    ) -> None:
        """Save a plan on top of the plan `base` (None: the first), in one transaction.

        `rows` are read once, some thousands at a time. `at` (aware) and `run` say when and by which
        attempt it was planned; `why`: customer_id -> why the row is not simply what was decided.
        Raises: StaleAttempt where `base` is no longer the newest plan or is still open; BadInput
        for a repeated customer.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger = Ledger.open("sqlite://")
        >>> saved = [("h1", "ab", '{"score":0.25}', False)]
        >>> ledger.save_plan("crm", "p1", date(2017, 10, 1), saved, base=None)
        >>> at = datetime(2026, 11, 21, tzinfo=UTC)
        >>> ledger.acknowledge("p1", ["h1"], at=at)
        >>> ledger.open_plan("crm"), ledger.state("crm")
        (None, {'h1': ('ab', datetime.date(2017, 10, 1))})
        """
        head = {"destination": destination, "plan_id": plan_id, "as_of": as_of}
        planned = {"planned_at": stored(at) if at else None, "run": run or None}
        named: set[str] = set()
        with self.writing() as connection:
            _put_on_top(connection, head | planned, base)
            connection.execute(delete(PLAN_ROWS).where(PLAN_ROWS.c.destination == destination))
            if was_asked(connection, destination, plan_id):
                release(connection, destination, plan_id)
            for some in _portions(rows):
                ids = {row[0] for row in some}
                if len(ids) < len(some) or not named.isdisjoint(ids):
                    raise BadInput(
                        "a plan names a customer twice",
                        where=f"destination {destination}, plan {plan_id}",
                        next_step="a defect in churn_ml: please report it with this text",
                    )
                named |= ids
                insert_columns(connection, PLAN_ROWS, _planned(head, some, why or {}))

    def open_plan(self, destination: str) -> tuple[str, date, list[SavedRow]] | None:
        """Id, as_of and unsettled rows by customer_id of the plan that has any; or None."""
        mine = and_(PLAN_ROWS.c.destination == destination, PLAN_ROWS.c.status == "open")
        columns = (PLAN_ROWS.c[n] for n in ("customer_id", "content_hash", "payload", "contact"))
        head = select(PLAN_ROWS.c.plan_id, PLAN_ROWS.c.as_of).where(mine).limit(1)
        with self.reading() as connection:
            found = connection.execute(head).first()
            rows = connection.execute(select(*columns).where(mine)).all() if found else []
        # sorted here: databases differ in how they order text
        return None if found is None else (found.plan_id, found.as_of, sorted(map(tuple, rows)))

    def acknowledge(
        self,
        plan_id: str,
        taken: Sequence[str],
        *,
        withdrawn: Sequence[tuple[str, str]] = (),
        rejected: Sequence[tuple[str, str, str]] = (),
        at: datetime,
        run: str = "",
    ) -> None:
        """Settle the rows of one batch, by customer_id, in one transaction; twice is once.

        `taken`: the target holds what was planned. `withdrawn`: customer_id and why a removal was
        sent in place of the planned upsert; no contact is noted. `rejected`: customer_id, code and
        message. Rows settled before, and rows of another plan than the newest, stay as they are;
        one that was settled as a removal and is `taken` now, or the other way round, is in doubt.
        `at`: aware. `run`: the reference of the export's attempt.
        """
        refused: dict[tuple[str, str], list[str]] = {}
        away: dict[str, list[str]] = {}
        open_rows = 0
        for customer_id, *said in rejected:
            refused.setdefault((said[0], said[1]), []).append(customer_id)
        for customer_id, why in withdrawn:
            away.setdefault(why, []).append(customer_id)
        with self.writing() as connection:
            queue(connection, PLANS.c.plan_id == plan_id)
            for (code, message), ids in refused.items():
                for rows in _open_rows(connection, plan_id, ids):
                    _refuse(connection, rows, {"code": code, "message": message}, stored(at), run)
            for why, ids in away.items():
                for rows in _open_rows(connection, plan_id, ids):
                    gone = {"content_hash": REMOVED, "contact": False, "payload": EMPTY}
                    connection.execute(update(PLAN_ROWS).where(rows).values(**gone, message=why))
                    open_rows += note(connection, rows, "withdrawn", stored(at), run)
                    _take(connection, rows, stored(at))
            # last, as they are then all that is left of a plan that was sent at once
            for rows in _open_rows(connection, plan_id, taken):
                open_rows += note(connection, rows, "acknowledged", stored(at), run)
                _take(connection, rows, stored(at))
            if open_rows < len(taken) + len(withdrawn):  # another export settled some before
                gone_ids = [customer_id for customer_id, _ in withdrawn]
                doubt_contradicted(connection, plan_id, gone_ids, "withdrawn", stored(at))
                doubt_contradicted(connection, plan_id, taken, "acknowledged", stored(at))

    def rejections(self, destination: str) -> list[tuple[str, str, str]]:
        """(customer_id, code, message) of the newest plan's rejected rows, by customer_id."""
        mine = and_(PLAN_ROWS.c.destination == destination, PLAN_ROWS.c.status == "rejected")
        columns = (PLAN_ROWS.c.customer_id, PLAN_ROWS.c.code, PLAN_ROWS.c.message)
        with self.reading() as connection:
            found = connection.execute(select(*columns).where(mine)).all()
        return sorted((row[0], row[1], row[2]) for row in found)


def _portions(rows: Iterable[SavedRow]) -> Iterator[list[SavedRow]]:
    """The rows in lists of one length, the last perhaps shorter."""
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def _planned(
    head: dict[str, Any], rows: Sequence[SavedRow], why: Mapping[str, str]
) -> dict[str, Sequence[Any]]:
    """The columns of a plan's rows; why one is as it is, is written where there is any to tell."""
    columns: dict[str, Sequence[Any]] = {
        name: [value] * len(rows) for name, value in (head | {"status": "open"}).items()
    }
    for at, name in enumerate(("customer_id", "content_hash", "payload", "contact")):
        columns[name] = [row[at] for row in rows]
    if why and any(told := [why.get(row[0]) for row in rows]):
        columns["message"] = told
    return columns


def _put_on_top(connection: Connection, head: dict[str, Any], base: str | None) -> None:
    """Make `head` the newest plan if `base` still is and is closed; one statement, so no race.

    Raises: StaleAttempt where another export planned since the caller looked, or is not done.
    """
    destination = head["destination"]
    if base is None:
        swapped = upsert(connection, PLANS, [head], update=())
    else:
        newest = and_(PLANS.c.destination == destination, PLANS.c.plan_id == base)
        swapped = connection.execute(update(PLANS).where(newest).values(**head)).rowcount
    mine = and_(PLAN_ROWS.c.destination == destination, PLAN_ROWS.c.status == "open")
    left = connection.execute(select(func.count()).where(mine)).scalar_one()
    if not swapped or left:
        raise StaleAttempt(
            f"another export to {destination} planned meanwhile",
            where="ledger",
            got=f"{left} open rows" if swapped else "a newer plan",
            expected=f"plan {base}, closed" if base else "no plan yet",
            next_step="run the export again: it plans on the newest state",
        )


def _open_rows(
    connection: Connection, plan_id: str, customer_ids: Sequence[str]
) -> Iterator[ColumnElement[bool]]:
    """The plan's open rows of these customers, as one condition where they are all that is open.

    A condition is read when its rows are settled, not before. Where more is open, or few are asked
    for, the conditions are small enough for any database's limit on bound values.
    """
    mine = and_(PLAN_ROWS.c.plan_id == plan_id, PLAN_ROWS.c.status == "open")
    asked = set(customer_ids)
    if len(asked) > _MANY:
        left = select(PLAN_ROWS.c.customer_id).where(mine).limit(len(asked) + 1)
        if asked.issuperset(chain.from_iterable(connection.execute(left).cursor.fetchall())):
            yield mine
            return
    for chunk in chunks(customer_ids):
        yield and_(mine, PLAN_ROWS.c.customer_id.in_(chunk))


def _refuse(
    connection: Connection,
    rows: ColumnElement[bool],
    said: Mapping[str, str],
    at: datetime,
    run: str,
) -> None:
    """Note that the destination refused the plan's `rows`; they stay in it without a payload."""
    _be_unsure(connection, rows, at)
    connection.execute(update(PLAN_ROWS).where(rows).values(**said))
    note(connection, rows, "rejected", at, run)
    connection.execute(update(PLAN_ROWS).where(rows).values(status="rejected", payload=""))


def _be_unsure(connection: Connection, rows: ColumnElement[bool], at: datetime) -> None:
    """Remember of whom `rows` it is not sure any more what the destination holds.

    A try before the refused one may have been taken, and its answer lost.
    """
    upserts = and_(rows, PLAN_ROWS.c.content_hash != REMOVED)
    place = (PLAN_ROWS.c.destination, PLAN_ROWS.c.customer_id)
    known, told = tuple_(DELIVERED.c.destination, DELIVERED.c.customer_id), DELIVERED.c.content_hash
    gone = and_(told == REMOVED, known.in_(select(*place).where(upserts)))
    connection.execute(update(DELIVERED).where(gone).values(content_hash=UNSURE))
    sure = told.not_in(NOT_HELD | {IN_DOUBT})
    there = and_(sure, known.in_(select(*place).where(rows)))
    connection.execute(update(DELIVERED).where(there).values(content_hash=REJECTED))
    unsure = literal(UNSURE, DELIVERED.c.content_hash.type).label("content_hash")
    when = literal(at, DELIVERED.c.acknowledged_at.type).label("acknowledged_at")
    first = select(*place, PLAN_ROWS.c.as_of, unsure, when).where(upserts)
    upsert_from(connection, DELIVERED, first, update=())


def _take(connection: Connection, rows: ColumnElement[bool], at: datetime) -> None:
    """Move the plan's `rows` into the state and the contacts."""
    place = (PLAN_ROWS.c.destination, PLAN_ROWS.c.customer_id, PLAN_ROWS.c.as_of)
    when = literal(at, DELIVERED.c.acknowledged_at.type).label("acknowledged_at")
    changed = ("as_of", "content_hash", "acknowledged_at")
    told = select(*place, told_of().label("content_hash"), when).where(rows)
    upsert_from(connection, DELIVERED, told, update=changed)
    contacted = select(*place, when).where(rows, PLAN_ROWS.c.contact)
    upsert_from(connection, CONTACTS, contacted, update=())
    connection.execute(delete(PLAN_ROWS).where(rows))
