"""The attachment of a party that says every cell of its row: one a party, never two for long.

Enters: parties, and the text that each shall have. Leaves: Tryton's `ir.attachment`s of our name in
that state. Tryton knows no rule that an attachment is unique, so who makes one looks again
afterwards: of two the one that was made first stays, whoever of the makers looks. One that another
has written since it was read is left alone and `Changed` is raised.

Worked example: as of 2017-10-01 `h1` is told first and gets the attachment `churn_ml`; as of
2017-11-01 its text is written anew, and `h2`, who left the segments, loses his.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from churn_ml.crm.tryton.rpc import Tryton

MODEL = "ir.attachment"
There: TypeAlias = Mapping[int, list[dict[str, Any]]]
"""The attachments of parties as they were read, by the party's id."""


@dataclass(frozen=True)
class Notes:
    """The attachments called `title` of parties in `crm`."""

    crm: Tryton
    title: str

    def texts(self, parties: Iterable[int]) -> dict[int, str]:
        """The text of each party that has one."""
        found = self.of(parties, "description")
        return {party: rows[0]["description"] or "" for party, rows in found.items()}

    def of(self, parties: Iterable[int], *fields: str) -> There:
        """The attachments of each party that has any, the one made first before the others."""
        wanted = ["resource", "_timestamp", *fields]
        found = self.crm.call(
            f"{MODEL}.search_read", self._domain(parties), 0, None, [["id", "ASC"]], wanted
        )
        rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in found:
            rows[int(row["resource"].partition(",")[2])].append(row)
        return dict(rows)

    def put(self, wanted: Mapping[int, str | None], there: There) -> list[int]:
        """Give each party its text, or none; the attachments that were made for it.

        `there`: what `of` found. Raises: Changed where one was written since then.
        """
        spare = [
            row
            for party, text in wanted.items()
            for row in there.get(party, [])[text is not None :]
        ]
        told = {party: text for party, text in wanted.items() if text is not None}
        written = [(there[party][0], text) for party, text in told.items() if party in there]
        if written:
            pairs = [part for row, text in written for part in ([row["id"]], {"description": text})]
            read = _stamps(row for row, _ in written)
            self.crm.call(f"{MODEL}.write", *pairs, read=read)
        self._delete(spare)
        made = {party: text for party, text in told.items() if party not in there}
        return self._make(made) if made else []

    def take_back(self, made: list[int]) -> None:
        """Delete what `put` has made."""
        self.crm.call(f"{MODEL}.delete", made)

    def _make(self, told: Mapping[int, str]) -> list[int]:
        same = {"name": self.title, "type": "link"}
        rows = [
            {**same, "resource": f"party.party,{party}", "description": text}
            for party, text in told.items()
        ]
        made: list[int] = self.crm.call(f"{MODEL}.create", rows)
        if self.crm.call(f"{MODEL}.search_count", self._domain(told), 0, None) > len(made):
            self._delete([row for rows in self.of(told).values() for row in rows[1:]])
        return made

    def _delete(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.crm.call(f"{MODEL}.delete", [row["id"] for row in rows], read=_stamps(rows))

    def _domain(self, parties: Iterable[int]) -> list[object]:
        resources = [f"party.party,{party}" for party in parties]
        return [["resource", "in", resources], ["name", "=", self.title]]


def _stamps(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {f"{MODEL},{row['id']}": row["_timestamp"] for row in rows}
