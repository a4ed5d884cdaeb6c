"""How rows become parties and attachments: two steps, of which the second may be another thread's.

Enters: rows of one as_of. Leaves: their parties in the categories (`place`), then the attachments
that say their cells (`note`). The first moves the fence of the tree, so one part of a batch comes
after the other; the second does not, so the attachments of one part are written while the parties
of the next are. Each may be made again: parties are searched by code before they are made,
categories are added to a set and taken from it, of two attachments one stays.

The attachments are read between the fence and the call that moves it, and written only where nobody
wrote them since: a process that sleeps after it cannot put its older cells over newer ones.

Worked example: `h1` is new, `h2` is there. `place` makes the party h1, moves h2 to its categories
and leaves what the attachments of both shall say; `note` makes the one of h1 and writes that of h2.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from churn_ml.crm.protocol import Ack, Rejection, Row
from churn_ml.crm.tryton import cells
from churn_ml.crm.tryton.notes import Notes, There
from churn_ml.crm.tryton.parties import Found, Parties
from churn_ml.crm.tryton.tree import Trees
from churn_ml.errors import StaleAttempt


@dataclass(frozen=True)
class Placed:
    """Rows whose parties are in their categories: one answer a row, to be given once noted.

    `texts`: what the attachments shall say by the party's id, None where there shall be none;
    `there`: the attachments as they were read before the parties were placed.
    """

    answers: list[Ack | Rejection]
    texts: Mapping[int, str | None]
    there: There


@dataclass(frozen=True)
class Writer:
    """Writes below the tree of `trees`, by its client.

    `recreate`: a party that was deleted is made anew; `told()`: of whom Tryton was told before.
    """

    trees: Trees
    recreate: bool
    told: Callable[[], Collection[str]]

    def place(self, rows: Sequence[Row], as_of: date) -> Placed:
        """Make the parties that are not there, and put all into their categories.

        Raises: Refused where Tryton's own rules forbid one of the rows, Changed where somebody else
        wrote meanwhile: begin again. StaleAttempt where the tree was fed with a later as_of.
        """
        # the fence is read before all else: its condition then holds for what is found
        tree = self.trees.fenced(as_of)
        found = self.parties.named([row.customer_id for row in rows])
        there = self.notes.of(row["id"] for row in found.values()) if found else {}
        unsent = self._unsent(rows, found)
        kept = [row for row in rows if row.customer_id not in unsent]
        told_of = [row for row in kept if row.op == "upsert"]
        tree = self.trees.with_places(
            tree, (p for row in told_of for p in cells.places(row.payload))
        )
        new = [row for row in told_of if row.customer_id not in found]
        known = [row for row in kept if row.customer_id in found]
        parties = {code: party["id"] for code, party in found.items()}
        if new:
            parties |= self.parties.create(new, tree, as_of)
            tree = self.trees.fenced(as_of) if known else tree
        if known:
            self.parties.place(known, found, tree, as_of)
        texts = {
            parties[row.customer_id]: cells.text(row.payload) if row.op == "upsert" else None
            for row in (*new, *known)
        }
        answers = [unsent.get(row.customer_id) or Ack(row.customer_id) for row in rows]
        return Placed(answers, texts, there)

    def note(self, placed: Placed, as_of: date) -> None:
        """Give the parties their attachments; what was made too late is taken back.

        Raises: Changed where somebody wrote one since it was read; StaleAttempt as `place` does.
        """
        made = self.notes.put(placed.texts, placed.there) if placed.texts else []
        if made:
            try:
                self.trees.fenced(as_of)
            except StaleAttempt:
                self.notes.take_back(made)
                raise

    def _unsent(self, rows: Sequence[Row], found: Mapping[str, Found]) -> Mapping[str, Rejection]:
        """The upserts that are not sent, for what a person has done with the party (R11)."""
        wanted = {row.customer_id for row in rows if row.op == "upsert"}
        asleep = {code for code in wanted & found.keys() if not found[code]["active"]}
        absent = wanted - found.keys()
        gone = absent & set(self.told()) if absent and not self.recreate else set()
        said = dict.fromkeys(asleep, ("deactivated", "the party is deactivated or merged"))
        said |= dict.fromkeys(gone, ("deleted_there", "its party is gone; see recreate"))
        return {code: Rejection(code, *why) for code, why in said.items()}

    @cached_property
    def parties(self) -> Parties:
        """The parties, asked for by the same client."""
        return Parties(self.trees.crm, self.trees)

    @cached_property
    def notes(self) -> Notes:
        """The attachments, called like the root of the tree."""
        return Notes(self.trees.crm, self.trees.root)
