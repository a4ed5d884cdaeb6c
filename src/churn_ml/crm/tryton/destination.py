"""Tryton: parties found by their code, in categories of ours, with one attachment of ours.

Enters: a batch. Leaves: every customer of it as a party with `code` = customer_id, in the
categories below `churn_ml` that say segment, offer and cause, and with an attachment that says
every cell (cells.py). A party that is not there is made; its name, addresses and whatever else is
the CRM's own are never written, and one that a person has deactivated or deleted is left so. A
removal takes categories and attachment away and leaves the party.

A call of Tryton's is one transaction, and every call here may be made twice (writer.py). The calls
that change categories also move the fence of the tree (tree.py): a process that wakes up after a
newer export is refused with the whole of its call (faults O3, O4); two that send the same take
turns.

A batch goes in parts. Two requests are on their way at once: one places the parties of a part, the
other writes the attachments of the part before it. Tryton rolls a call back for one bad row: that
part is begun again alone, and halved until the row stands alone (R6).

Worked example: as of 2017-10-01 `h1` is in segment SILENT. The party with code h1 is then in the
category churn_ml / segment / SILENT; its attachment churn_ml has the line `as_of: "2017-10-01"`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.address import allowed
from churn_ml.crm.means import Means, nobody
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row
from churn_ml.crm.refused import Refused, bisected
from churn_ml.crm.remote import Caller
from churn_ml.crm.tryton import cells
from churn_ml.crm.tryton.rights import check_rights
from churn_ml.crm.tryton.rpc import Changed, Tryton
from churn_ml.crm.tryton.tree import Trees
from churn_ml.crm.tryton.writer import Placed, Writer
from churn_ml.errors import BadConfig, Unreachable
from churn_ml.limits import Limit

TURNS = 5
"""How often a batch is begun again because somebody else wrote meanwhile."""
BATCH, PART = 2_000, 500
"""Rows that are acknowledged at once, and rows of one call; of more, each takes Tryton longer."""
PACE = 1_000
"""Requests in 10 s: the server is the shop's own, and no vendor limits it."""


@dataclass(frozen=True)
class TrytonDestination:
    """The parties of a Tryton database, below the category `root`.

    A party that was told about, as `told` of this destination's name says, and that a person has
    deleted is made anew only with `recreate`.
    """

    name: str
    crm: Tryton
    owner: str
    root: str = "churn_ml"
    delivers: bool = False
    batch_size: int | None = BATCH
    part_size: int = PART
    recreate: bool = False
    told: Callable[[str], Collection[str]] = field(default=nobody, repr=False)

    def __repr__(self) -> str:
        """The name and what it fills."""
        return f"TrytonDestination({self.name!r}, category {self.root!r})"

    def preflight(self) -> None:
        """Make sure that the user may write what is written, then make or claim the categories.

        Raises: BadConfig where a module or a right is missing, or another deployment feeds them;
        Unreachable where the server does not answer.
        """
        check_rights(self.crm, f"[destinations.{self.name}] connection")
        self._writer.trees.claim()

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Write the batch; a row that Tryton cannot take is rejected alone.

        Raises: Unreachable where the server does not answer; nothing may then be assumed.
        StaleAttempt where the categories were fed with a later as_of.
        """
        refused = [
            Rejection(row.customer_id, "untakeable", why, field="customer_id")
            for row in batch.rows
            if (why := cells.untakeable(row.customer_id))
        ]
        odd = {one.customer_id for one in refused}
        rows = [row for row in batch.rows if row.customer_id not in odd]
        return [*refused, *self._taken(rows, batch.as_of)]

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The cells of every party in one of the categories of segments."""
        writer, last = self._writer, 0
        tree = writer.trees.read()
        while page := writer.parties.page(tree.held, last):
            texts = writer.notes.texts(row["id"] for row in page)
            for row in page:
                found = tree.places(row["categories"])
                yield cells.told(row["code"], found, texts.get(row["id"], ""))
            last = page[-1]["id"]

    def _taken(self, rows: Sequence[Row], as_of: date) -> Iterator[Ack | Rejection]:
        """The answers: the attachments of a part are written while the next part is placed.

        A part that Tryton refused, or that somebody else wrote meanwhile, is begun again alone.
        """
        placed: list[tuple[Sequence[Row], Placed, Future[None]]] = []
        again: list[Sequence[Row]] = []
        with ThreadPoolExecutor(max_workers=1) as second:
            for start in range(0, len(rows), self.part_size):
                part = rows[start : start + self.part_size]
                try:
                    done = self._writer.place(part, as_of)
                except (Changed, Refused):
                    again.append(part)
                else:
                    noted = second.submit(self._beside.note, done, as_of)
                    placed.append((part, done, noted))
        for part, done, noted in placed:
            try:
                noted.result()
            except (Changed, Refused):
                again.append(part)
            else:
                yield from done.answers
        for part in again:
            yield from bisected(part, partial(self._take, as_of=as_of))

    def _take(self, rows: Sequence[Row], as_of: date) -> list[Ack | Rejection]:
        for turn in range(TURNS):
            try:
                done = self._writer.place(rows, as_of)
                self._writer.note(done, as_of)
            except Changed:
                continue
            except Refused:
                # alone and refused again: not for what another one made in between
                if len(rows) > 1 or turn:
                    raise
            else:
                return done.answers
        raise Unreachable(
            "somebody else writes the same parties",
            where=f"[destinations.{self.name}]",
            got=f"{TURNS} turns lost in a row",
            next_step="run the export again: the plan is kept",
        )

    @cached_property
    def _writer(self) -> Writer:
        return self._writing(self.crm)

    @cached_property
    def _beside(self) -> Writer:
        """The writer of the second thread, with a client of its own."""
        return self._writing(self.crm.beside())

    def _writing(self, crm: Tryton) -> Writer:
        trees = Trees(crm, self.root, self.owner, f"[destinations.{self.name}]")
        return Writer(trees, self.recreate, lambda: self._told)

    @cached_property
    def _told(self) -> Collection[str]:
        return self.told(self.name)


def open_tryton(
    name: str,
    settings: Settings,
    config: Config,  # noqa: ARG001 - every opener's; nothing of it is needed here
    means: Means,
) -> TrytonDestination:
    """The Tryton destination that churn.toml names.

    Parameters: `name` and `settings`, the key and the value in [destinations]; `means`, with the
    connection `tryton://LOGIN:PASSWORD@HOST:PORT/DATABASE`; with `?scheme=http` without https.
    Raises: BadConfig for a connection that lacks a part, or an address that is not allowed.

    >>> from churn_ml.config import Shop
    >>> settings = Settings(kind="tryton", connection="erp", test_host=True)
    >>> means = Means("me", {"erp": "tryton://export:secret@127.0.0.1:8000/shop?scheme=http"})
    >>> open_tryton("erp", settings, Config(shop=Shop(name="s", currency="EUR")), means)
    TrytonDestination('erp', category 'churn_ml')
    """
    where = f"[destinations.{name}]"
    example = "tryton://LOGIN:PASSWORD@HOST/DATABASE"
    endpoint = means.endpoint(settings.connection, where, example)
    scheme = endpoint.extra.get("scheme", "https")
    if not (endpoint.login and endpoint.password and endpoint.path and endpoint.host):
        raise BadConfig(
            "the connection to Tryton lacks its user, password, host or database",
            where=where,
            expected=example,
            next_step="correct the connection",
        )
    allowed(
        f"{scheme}://{endpoint.host}",
        where,
        test_host=settings.test_host,
        private_network=settings.private_network,
    )
    limit = Limit(settings.requests_per_10_seconds or PACE, per_day=settings.requests_per_day)
    return TrytonDestination(
        name,
        Tryton(endpoint, partial(Caller, name, limit, means.buckets), secure=scheme == "https"),
        means.owner,
        root=settings.object_filled,
        delivers=settings.delivers,
        batch_size=settings.batch_size or BATCH,
        recreate=settings.recreate,
        told=means.told,
    )
