"""The categories of an export in Tryton, and the one among them that says who feeds the others.

Enters: a Tryton server, the name of the root category. Leaves: the tree below it, read anew for
every batch, for people may change it.

    churn_ml
      fed by Corner shop with ledger 5f1c as of 2017-10-01
      segment
        LOST
      offer
        COUPON
      cause
        DELIVERY

The second line is the fence. Its name is read with a timestamp and written in the same transaction
as every change of a party's categories, on condition that the timestamp still holds. So of two who
feed the same tree one is refused, also where it slept for a day between two of its calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from churn_ml.crm.refused import Refused
from churn_ml.crm.tryton.cells import GROUPS, SEGMENT, Place, fed, feeder, same
from churn_ml.crm.tryton.rpc import Tryton
from churn_ml.errors import BadConfig, NotReady, StaleAttempt

MODEL = "party.category"
Write: TypeAlias = tuple[str, list[int], dict[str, str]]
"""A command for a field of many records: "write", their ids, and the values."""


@dataclass(frozen=True)
class Tree:
    """The categories by what they say, and the fence as it was read."""

    fence: int
    stamp: str
    owner: str
    fed_to: date
    ids: Mapping[Place, int]

    @property
    def all(self) -> set[int]:
        """Every category that a party may be in."""
        return set(self.ids.values())

    @property
    def held(self) -> list[int]:
        """The categories that make a party one of ours: those that say its segment."""
        return [number for (group, _), number in self.ids.items() if group == SEGMENT]

    def numbers(self, wanted: Iterable[Place]) -> list[int]:
        """The categories that say `wanted`, ascending."""
        return sorted(self.ids[place] for place in wanted)

    def places(self, categories: Iterable[int]) -> list[Place]:
        """What those of a party's categories say that are in the tree."""
        said = {number: place for place, number in self.ids.items()}
        return [said[number] for number in categories if number in said]


@dataclass(frozen=True)
class Trees:
    """The tree below the category `root`, fed by `owner`; `where` is named in errors."""

    crm: Tryton
    root: str
    owner: str
    where: str

    def claim(self) -> None:
        """Make the tree where there is none; raises BadConfig where another one feeds it."""
        if not self._rows():
            leaves = [{"name": fed(self.owner, date.min)}, *({"name": name} for name in GROUPS)]
            # refused where another one has made it meanwhile: whose it is, is read below
            with suppress(Refused):
                tree = {"name": self.root, "childs": [["create", leaves]]}
                self.crm.call(f"{MODEL}.create", [tree])
        self._check_owner(self.read())

    def read(self) -> Tree:
        """The tree as it is now; raises NotReady where there is none, BadConfig where it is odd."""
        rows = self._rows()
        roots = [row["id"] for row in rows if row["parent"] is None]
        if not roots:
            raise NotReady(
                f"there is no category {self.root} in Tryton",
                where=self.where,
                next_step="run the export: it makes the category",
            )
        below = [row for row in rows if row["parent"] == roots[0]]
        fences = [(row, found) for row in below if (found := feeder(row["name"]))]
        groups = {row["id"]: row["name"] for row in below if row["name"] in GROUPS}
        if len(fences) != 1 or len(groups) != len(GROUPS):
            raise BadConfig(
                f"the category {self.root} in Tryton was not made by an export, or was changed",
                where=self.where,
                got=f"{len(fences)} categories 'fed by ...', {len(groups)} groups below it",
                expected=f"one, and the groups {', '.join(GROUPS)}",
                next_step="rename that category, or name another as `object`: it is then made",
            )
        ((fence, (owner, fed_to)),) = fences
        leaves = [row for row in rows if row["parent"] in groups]
        ids = {(groups[row["parent"]], row["name"]): row["id"] for row in leaves}
        ids |= {(name, ""): number for number, name in groups.items()}
        return Tree(fence["id"], fence["_timestamp"], owner, fed_to, ids)

    def fenced(self, as_of: date) -> Tree:
        """The tree; raises StaleAttempt where it was fed with a later as_of, or by another."""
        tree = self.read()
        if not same(self.owner, tree.owner) or tree.fed_to > as_of:
            raise StaleAttempt(
                f"category {self.root} was fed with a later as_of, or by another deployment",
                where=self.where,
                got=f"a batch as of {as_of}",
                next_step="none: a newer export has replaced this one",
            )
        return tree

    def with_places(self, tree: Tree, wanted: Iterable[Place]) -> Tree:
        """The tree with a category for every place that is wanted; raises Refused for a bad one."""
        missing = sorted(set(wanted) - tree.ids.keys())
        if not missing:
            return tree
        rows = [{"name": value, "parent": tree.ids[group, ""]} for group, value in missing]
        made = self.crm.call(f"{MODEL}.create", rows)
        ids = {**tree.ids, **dict(zip(missing, made, strict=True))}
        return Tree(tree.fence, tree.stamp, tree.owner, tree.fed_to, ids)

    def advance(self, tree: Tree, as_of: date) -> tuple[Write, dict[str, str]]:
        """What notes `as_of` as newest: a command for a field `categories`, and its condition."""
        command = ("write", [tree.fence], {"name": fed(self.owner, as_of)})
        return command, {f"{MODEL},{tree.fence}": tree.stamp}

    def _rows(self) -> list[dict[str, Any]]:
        """The root, what is below it and what is below that, in one call."""
        levels = ("", "parent.", "parent.parent.")
        domain = [[(f"{up}name", "=", self.root), (f"{up}parent", "=", None)] for up in levels]
        fields = ["name", "parent", "_timestamp"]
        found: list[dict[str, Any]] = self.crm.call(
            f"{MODEL}.search_read", ["OR", *domain], 0, None, None, fields
        )
        return found

    def _check_owner(self, tree: Tree) -> None:
        if not same(self.owner, tree.owner):
            raise BadConfig(
                f"category {self.root} in Tryton is fed by another deployment",
                where=self.where,
                got=f"owner {tree.owner}",
                expected=f"owner {self.owner}",
                next_step="name another as `object`, or delete it if that deployment is gone",
            )
