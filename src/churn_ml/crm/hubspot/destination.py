"""HubSpot: one contact per customer, found by a property that holds the shop's own reference.

Enters: batches. Leaves: contacts whose properties of the group `churn_ml` say what the rows say.
Everything else of a contact is the shop's and is never touched. A contact that is not there yet is
made, with the reference alone. A removal clears our properties but the date, which stays as a mark
of when; the contact stays too.

Every batch is read before it is written, one request for all its rows, and by what is there a row
is not sent at all:

    the contact says a later as_of        rejected, newer_in_target (O4)
    unsubscribed there, and an offer      rejected, opted_out: the contact keeps what it had (R11)
    told before, and the contact is gone  rejected, deleted_there, unless recreate = true (R11)
    a removal, and there is no contact    acknowledged

The rest goes as one upsert. HubSpot answers row by row (207), or refuses the whole batch for one
row (400), which is then halved until that row stands alone (R5, R6). A row that two processes send
at once is the one limit: HubSpot writes on no condition, so the later write stays.

Worked example: `h1` leaves the segments on 2017-11-01. His contact keeps name, owner and deals;
`churn_ml_segment` and the others are empty, and `churn_ml_as_of` is 2017-11-01.

>>> HubSpotDestination("crm", "hubspot_crm", Means("Corner shop with ledger 5f1c"), Limit(100)).key
'customer_ref'
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from churn_ml.actions import NONE
from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.hubspot.client import EXAMPLE, Refusal, Session, trouble
from churn_ml.crm.hubspot.properties import KEY, PROPERTIES
from churn_ml.crm.hubspot.rows import Contact, answers, cells, day, values
from churn_ml.crm.hubspot.schema import claim, prepare
from churn_ml.crm.means import Means
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row
from churn_ml.crm.refused import bisected
from churn_ml.crm.remote import PACE, TIMEOUT, Caller
from churn_ml.errors import BadConfig, BadInput
from churn_ml.limits import Limit

_AS_OF, _SEGMENT, _OPT_OUT = PROPERTIES["as_of"], PROPERTIES["segment"], "hs_email_optout"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_PAGE = 100
_BATCH = 100
"""What HubSpot takes in one request."""
_OF_ROWS = frozenset({400, 409, 413, 422})
"""The statuses of a refusal that a row may be to blame for."""


@dataclass(frozen=True)
class HubSpotDestination:
    """The contacts of one HubSpot account. `timeout`: of every request, as a Caller has it."""

    name: str
    connection: str
    means: Means = field(repr=False)
    limit: Limit
    key: str = KEY
    delivers: bool = False
    batch_size: int | None = _BATCH
    recreate: bool = False
    test_host: bool = False
    timeout: tuple[float, float] = TIMEOUT
    clock: Callable[[], float] = field(default=time.time, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        """Refuse a key that can be no property's name, or is one of our own properties'."""
        if not _NAME.fullmatch(self.key) or self.key.startswith("churn_ml_"):
            raise BadConfig(
                "the key is no name of a contact property of the shop's",
                where=f"{self._where} key",
                got=repr(self.key)[:80],
                expected="small letters, digits and underscores",
            )

    def preflight(self) -> None:
        """Make or check group, properties and key, then claim the account.

        Raises: BadConfig naming what is wrong; Unreachable where HubSpot does not answer.
        """
        prepare(self._session, self.key, self._where)
        today = datetime.fromtimestamp(self.clock(), UTC).date()
        claim(self._session, self.means.owner, today, self._where)

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Read the contacts of the batch, then write what may be written.

        Raises: BadInput where a customer stands in it twice (R7), before anything is sent;
        Unreachable where HubSpot does not answer: nothing may then be assumed.
        """
        if len({row.customer_id for row in batch.rows}) < len(batch.rows):
            raise BadInput(
                "a batch holds a customer twice",
                where=f"destination {self.name}, batch {batch.id}",
                next_step="a defect in churn_ml: please report it with this text",
            )
        there = self._read(batch.rows)
        gone = self._gone(batch.rows, there)
        unsent = {
            r.customer_id: self._unsent(r, there.get(r.customer_id), gone) for r in batch.rows
        }
        sendable = [row for row in batch.rows if unsent[row.customer_id] is None]
        sent = list(bisected(sendable, self._upsert)) if sendable else []
        return [answer for answer in unsent.values() if answer is not None] + sent

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """What the contacts with a segment of ours say; reads every contact of the account."""
        after: str | None = None
        names = [self.key, *PROPERTIES.values()]
        while True:
            page = self._session.must(
                "read the contacts",
                self._session.contacts.get_page,
                limit=_PAGE,
                properties=names,
                after=after,
            )
            found = (contact.properties for contact in page.results)
            yield from (cells(one, self.key) for one in found if one.get(_SEGMENT))
            if page.paging is None or page.paging.next is None:
                return
            after = page.paging.next.after

    def _read(self, rows: Sequence[Row]) -> dict[str, Contact]:
        """customer_id -> what the contact says that decides whether a row may go."""
        from hubspot.crm.contacts import BatchReadInputSimplePublicObjectId, SimplePublicObjectId

        asked = BatchReadInputSimplePublicObjectId(
            id_property=self.key,
            inputs=[SimplePublicObjectId(id=row.customer_id) for row in rows],
            properties=[self.key, _AS_OF, _OPT_OUT],
            properties_with_history=[],
        )
        answer = self._session.must("read the contacts", self._session.batch.read, asked)
        contacts = (found.properties for found in answer.results or [])
        return {str(contact[self.key]): contact for contact in contacts}

    def _gone(self, rows: Sequence[Row], there: Mapping[str, Contact]) -> Collection[str]:
        """The customers whose contact was told and is not there any more."""
        absent = {r.customer_id for r in rows if r.op == "upsert" and r.customer_id not in there}
        return absent & set(self._told) if absent and not self.recreate else ()

    def _unsent(
        self, row: Row, contact: Contact | None, gone: Collection[str]
    ) -> Ack | Rejection | None:
        """The answer of a row that is not sent; None for one that is."""
        if row.customer_id in gone:
            return Rejection(row.customer_id, "deleted_there", "its contact is gone; see recreate")
        if contact is None:
            return Ack(row.customer_id) if row.op == "remove" else None
        if day(contact.get(_AS_OF)) > row.as_of.isoformat():
            return Rejection(row.customer_id, "newer_in_target", "the target has a later as_of")
        offered = row.op == "upsert" and row.payload.get("offer", NONE) not in (NONE, None)
        if offered and contact.get(_OPT_OUT) == "true":
            return Rejection(row.customer_id, "opted_out", "unsubscribed there: no offer is told")
        return None

    def _upsert(self, rows: Sequence[Row]) -> list[Ack | Rejection]:
        """Send the rows as one batch; raises Refusal where HubSpot refuses it whole."""
        from hubspot.crm import contacts

        inputs = [
            contacts.SimplePublicObjectBatchInputUpsert(
                id=row.customer_id,
                id_property=self.key,
                object_write_trace_id=str(number),
                properties=values(row, self.key),
            )
            for number, row in enumerate(rows)
        ]
        batch = contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
        try:
            answer = self._session.ask(self._session.batch.upsert, batch)
        except Refusal as refusal:
            if refusal.status in _OF_ROWS and not refusal.unknown:
                raise
            raise self._session.refused("take a batch", refusal) from None
        return answers(rows, answer, self.key)

    @property
    def _where(self) -> str:
        return f"[destinations.{self.name}]"

    @cached_property
    def _told(self) -> Collection[str]:
        return self.means.told(self.name)

    @cached_property
    def _session(self) -> Session:
        caller = Caller(
            self.name,
            self.limit,
            self.means.buckets,
            trouble,
            timeout=self.timeout,
            clock=self.clock,
            sleep=self.sleep,
        )
        endpoint = self.means.endpoint(self.connection, self._where, EXAMPLE)
        return Session(endpoint, self._where, caller, test_host=self.test_host)


def open_hubspot(
    name: str,
    settings: Settings,
    config: Config,  # noqa: ARG001 - an opener's; a CRM lies in no folder of the shop
    means: Means,
) -> HubSpotDestination:
    """The HubSpot account that churn.toml names; nothing is asked of it so far.

    >>> from churn_ml.config import Shop
    >>> config = Config(shop=Shop(name="s", currency="EUR"))
    >>> told = Settings(kind="hubspot", connection="hubspot_crm", batch_size=50)
    >>> open_hubspot("crm", told, config, Means("demo")).batch_size
    50
    """
    limit = Limit(settings.requests_per_10_seconds or PACE, per_day=settings.requests_per_day)
    return HubSpotDestination(
        name,
        settings.connection,
        means,
        limit,
        key=settings.key or KEY,
        delivers=settings.delivers,
        batch_size=settings.batch_size or _BATCH,
        recreate=settings.recreate,
        test_host=settings.test_host,
    )
