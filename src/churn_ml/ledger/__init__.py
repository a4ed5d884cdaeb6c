"""The ledger: the one database that says what is published, decided and delivered.

Enters: what the hall did (written partitions, verdicts, plans, acks) with the wall clock as an
argument. Leaves: which versions a reader may see, who is champion at a date, what a destination
has acknowledged. SQLite serves the one-process CLI, PostgreSQL wherever Airflow runs; both through
the same code. Customer ids stand only in the delivery tables.

    schema.py        the tables; migrations/ makes them
    database.py      opening, migrating, writing under a lock
    rows.py          inserts and upserts that both databases know
    tokens.py        which attempt of a step may still publish
    publications.py  what is visible, and from what it was made
    receipts.py      what was done and when
    lots.py          lots seen and claimed
    validations.py   what validation said of every ingest
    models.py        models that were trained
    decisions.py     the hash chain of promotions and refusals
    deliveries.py    export plan, acks, rejections
    held.py          what the destinations acknowledged
    senders.py       who sends a plan now
    doubts.py        of whom a destination may hold something else
    contacts.py      who was contacted, and who is about to be
    approvals.py     plans that wait for a person's yes, and the answers
    settled.py       what became of every row that was planned
    former.py        what the newest plans told, and what was held before them
    waiting.py       the rows of plans that wait for a yes
    stops.py         the kill switch of exports, and who lifted it when
    jobs.py          what a target is still working on
    buckets.py       how fast and how often a destination may still be asked
    suppression.py   keyed hashes of customers who must not be touched

Worked example: the ingest keyed 2017-10-01 publishes version 7 of the orders partition.

>>> from datetime import UTC, date, datetime
>>> from churn_ml.receipts import Receipt
>>> from churn_ml.warehouse import Written
>>> ledger = Ledger.open("sqlite://")
>>> token = ledger.take_token("ingest", date(2017, 10, 1))
>>> written = [Written("orders", date(2017, 10, 1), 7, 985, "ab12")]
>>> receipt = Receipt("ingest", date(2017, 10, 1), "done")
>>> at = datetime(2026, 11, 21, 9, tzinfo=UTC)
>>> published = ledger.publish(token, written=written, receipt=receipt, at=at)
>>> ledger.versions(["orders"], upto=date(2017, 10, 31))
{'orders': {'2017-10-01': 7}}
>>> ledger.champion(date(2017, 10, 1)) is None
True
"""

from churn_ml.ledger.approvals import Approval, Approvals
from churn_ml.ledger.buckets import Buckets
from churn_ml.ledger.contacts import Contact, Contacts
from churn_ml.ledger.database import Database
from churn_ml.ledger.decisions import ASKED, NOBODY, TAU, Decision, Decisions
from churn_ml.ledger.deliveries import Deliveries
from churn_ml.ledger.former import Former, Sent
from churn_ml.ledger.held import Held
from churn_ml.ledger.jobs import Jobs
from churn_ml.ledger.lots import Lots
from churn_ml.ledger.models import ModelRecord, Models
from churn_ml.ledger.publications import Publication, Publications
from churn_ml.ledger.receipts import Filed, Receipts
from churn_ml.ledger.senders import Senders
from churn_ml.ledger.settled import History, Settled
from churn_ml.ledger.stops import EVERY, Lifted, Stop, Stops
from churn_ml.ledger.suppression import Suppression
from churn_ml.ledger.tokens import Token, Tokens
from churn_ml.ledger.validations import Recorded, Validations
from churn_ml.ledger.waiting import Waiting

__all__ = [
    "ASKED",
    "EVERY",
    "NOBODY",
    "TAU",
    "Approval",
    "Contact",
    "Decision",
    "Filed",
    "Ledger",
    "Lifted",
    "ModelRecord",
    "Publication",
    "Recorded",
    "Sent",
    "Settled",
    "Stop",
    "Token",
]


class Ledger(
    Tokens,
    Publications,
    Receipts,
    Lots,
    Validations,
    Models,
    Decisions,
    Deliveries,
    Held,
    Contacts,
    History,
    Former,
    Senders,
    Stops,
    Jobs,
    Buckets,
    Approvals,
    Waiting,
    Suppression,
    Database,
):
    """The whole ledger, by subject; open it with `Ledger.open(url)`."""
