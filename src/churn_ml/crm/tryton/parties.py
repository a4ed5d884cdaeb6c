"""The parties of Tryton as an export finds, makes and places them.

Enters: rows, and the tree of categories as it was read. Leaves: parties in their categories. Every
call that changes one moves the fence of the tree too: it is refused whole where somebody has fed
the tree since it was read.

Worked example: as of 2017-11-01 the party with code h1 is taken out of churn_ml / segment / SILENT
and put into churn_ml / segment / LOST; in the same call the fence is named as of 2017-11-01.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from churn_ml.crm.protocol import Row
from churn_ml.crm.tryton.cells import places
from churn_ml.crm.tryton.rpc import Tryton
from churn_ml.crm.tryton.tree import Tree, Trees

Found: TypeAlias = dict[str, Any]
"""A party as it was read, its fields by name."""
PAGE = 1000


@dataclass(frozen=True)
class Parties:
    """The parties of `crm`; `trees` holds the categories they are put into."""

    crm: Tryton
    trees: Trees

    def named(self, codes: list[str]) -> dict[str, Found]:
        """The parties with one of the codes, by code: id, categories and whether it is active."""
        fields = ["code", "active", "categories"]
        return {row["code"]: row for row in self._read(["code", "in", codes], fields=fields)}

    def page(self, categories: list[int], last: int) -> list[Found]:
        """The next parties after the id `last` that are in one of the categories."""
        after = ["id", ">", last]
        ours = ["categories", "in", categories]
        return self._read(ours, after, fields=["code", "categories"], limit=PAGE)

    def _read(self, *domain: object, fields: list[str], limit: int | None = None) -> list[Found]:
        method, order = "party.party.search_read", [["id", "ASC"]]
        found: list[Found] = self.crm.call(method, domain, 0, limit, order, fields)
        return found

    def create(self, rows: Sequence[Row], tree: Tree, as_of: date) -> dict[str, int]:
        """Make a party for each row, in its categories; their ids by code."""
        fence, read = self.trees.advance(tree, as_of)
        commands: list[list[object]] = [
            [["add", tree.numbers(places(row.payload))]] for row in rows
        ]
        commands[0].append(fence)
        values = [
            {"code": row.customer_id, "categories": told}
            for row, told in zip(rows, commands, strict=True)
        ]
        made = self.crm.call("party.party.create", values, read=read)
        return {row.customer_id: number for row, number in zip(rows, made, strict=True)}

    def place(
        self, rows: Sequence[Row], found: Mapping[str, Found], tree: Tree, as_of: date
    ) -> None:
        """Put the parties that are there into their categories, out of all others of the tree.

        `found`: by code. The fence moves also where every party is in its categories already.
        """
        (verb, fences, values), read = self.trees.advance(tree, as_of)
        alike: dict[tuple[frozenset[int], frozenset[int]], list[int]] = defaultdict(list)
        for row in rows:
            there = found[row.customer_id]
            wanted = set(tree.numbers(places(row.payload) if row.op == "upsert" else ()))
            held = tree.all & set(there["categories"])
            if held != wanted:
                alike[frozenset(held - wanted), frozenset(wanted - held)].append(there["id"])
        pairs: list[Any] = []
        for (out, into), numbers in alike.items():
            pairs += [numbers, {"categories": [["remove", sorted(out)], ["add", sorted(into)]]}]
        if pairs:
            pairs[1]["categories"].append([verb, fences, values])
            self.crm.call("party.party.write", *pairs, read=read)
        else:
            self.crm.call("party.category.write", fences, values, read=read)
