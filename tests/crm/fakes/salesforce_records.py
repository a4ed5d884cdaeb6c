"""Records and jobs of the fake org: fields as describe tells them, writes with refusals, SOQL.

What the real one does and an adapter may trip over is kept: an empty cell is ignored and `#N/A`
clears, an external id that is not case sensitive takes "H1" for "h1", the text of a refusal quotes
the value, a number is rounded to its field's scale, a deleted record stays for `queryAll`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

_SOQL = re.compile(
    r"SELECT (?P<fields>[\w, ]+) FROM (?P<object>\w+)"
    r"(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>\w+))?(?: LIMIT (?P<limit>\d+))?",
    re.DOTALL,
)
_TEXT = r"'(?:[^'\\]|\\.)*'"
_CONDITION = re.compile(rf"(\w+) (=|!=|>|IN) (\((?:{_TEXT}(?:, ?)?)+\)|{_TEXT}|[\w-]+)")


def text(name: str, length: int = 255, **more: object) -> Record:
    """A field of text, as describe tells it."""
    told = {"name": name, "type": "string", "length": length, "updateable": True}
    return {**told, "createable": True, "externalId": False, "unique": False, **more}


def key(name: str, **more: object) -> Record:
    """An external id: unique, and 'h1' is not 'H1'."""
    return text(name, **{"externalId": True, "unique": True, "caseSensitive": True, **more})


def number(name: str, scale: int = 4) -> Record:
    """A field of numbers."""
    return text(name, 0, type="double", precision=18, scale=scale)


def day(name: str) -> Record:
    """A field of dates."""
    return text(name, 0, type="date")


KEY, OWNER = "customer_ref__c", "churn_ml_owner__c"
TEXTS = (
    *("contract", "model", "stage", "risk_band", "value_band", "segment", "offer", "arm"),
    *("experiment", "cause"),
)
LONG_TEXTS = ("reasons", "evidence", "named_segments")
NUMBERS = ("threshold", "score", "value_at_risk")


def made_for_us() -> list[Record]:
    """The fields that docs/destinations.md asks for, and two that are the shop's own."""
    named = "churn_ml_{}__c".format
    return [
        *(key(KEY), text(OWNER), day(named("as_of")), text("LastName", 80), text("Email", 80)),
        text("HasOptedOutOfEmail", 0, type="boolean"),
        *(text(named(name)) for name in TEXTS),
        *(text(named(name), 32_768, type="textarea") for name in LONG_TEXTS),
        *(number(named(name)) for name in NUMBERS),
    ]


@dataclass
class Job:
    """One ingest job and what became of its rows."""

    id: str
    operation: str
    object: str
    key: str
    line_ending: str
    state: str = "Open"
    data: str | None = None
    polls: int = 0
    message: str = ""
    refuses: tuple[str, ...] = ()
    """The keys that a rule of the org refuses."""
    columns: list[str] = field(default_factory=list)
    done: list[list[str]] = field(default_factory=list)
    failed: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)

    def info(self) -> dict[str, object]:
        """What GET tells of it."""
        told = {"id": self.id, "operation": self.operation, "object": self.object}
        told |= {"state": self.state, "lineEnding": self.line_ending, "contentType": "CSV"}
        counts = {"numberRecordsProcessed": len(self.done) + len(self.failed)}
        counts |= {"numberRecordsFailed": len(self.failed)}
        return {**told, **counts, **({"errorMessage": self.message} if self.message else {})}


@dataclass
class Records:
    """One object of the org. `needed`: the fields without which no record is made."""

    fields: list[Record] = field(default_factory=made_for_us)
    object: str = "Contact"
    needed: tuple[str, ...] = ()
    held: dict[str, Record] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The columns that a file may have."""
        return {one["name"] for one in self.fields} | {"Id", "IsDeleted"}

    def add(self, **cells: object) -> Record:
        """A record that was there before."""
        return self.put(self._next_id(), cells)

    def put(self, record_id: str, cells: Mapping[str, object]) -> Record:
        """Write the cells into the record, which is made where it is not there."""
        record = self.held.setdefault(record_id, {"Id": record_id, "IsDeleted": False})
        record.update(cells)
        return record

    def forget(self, name: str) -> None:
        """Somebody deletes a field."""
        self.fields = [one for one in self.fields if one["name"] != name]

    def judged(self, told: Mapping[str, str], by: str, operation: str) -> tuple[str, str, bool]:
        """What becomes of one row: (id, why it is refused, whether a record is made)."""
        held = self._found(by, told[by])
        error = self._refused(told, by, operation, held)
        made = held is None and not error
        record_id = self._next_id() if made else (held or {}).get("Id", "")
        return record_id, error, made

    def typed(self, told: Mapping[str, str]) -> dict[str, object]:
        """The cells that a row writes: an empty one writes nothing."""
        cells = {name: cell for name, cell in told.items() if cell and name != "Id"}
        return {n: None if c == "#N/A" else self._typed(n, c) for n, c in cells.items()}

    def query(self, soql: str, *, deleted: bool) -> list[Record] | None:
        """The records that `soql` selects; None where it is not what this org understands."""
        asked = _SOQL.fullmatch(soql)
        names = [name.strip() for name in asked["fields"].split(",")] if asked else []
        if asked is None or set(names) - self.names or asked["object"] != self.object:
            return None
        tests = _CONDITION.findall(asked["where"] or "")
        there = [one for one in self.held.values() if deleted or not one["IsDeleted"]]
        found = [one for one in there if all(_holds(one, *test) for test in tests)]
        if asked["order"]:
            found.sort(key=lambda record: str(record.get(asked["order"])))
        found = found[: int(asked["limit"] or len(found))]
        return [{name: record.get(name) for name in names} for record in found]

    def _next_id(self) -> str:
        return f"003{len(self.held):015d}"

    def _refused(
        self, told: Mapping[str, str], by: str, operation: str, held: Record | None
    ) -> str:
        if not told[by]:
            return f"MISSING_ARGUMENT:{by} not specified:{by} --"
        if held is None and operation == "update":
            return "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:Id --"
        lacks = [name for name in self.needed if held is None and not told.get(name)]
        if lacks:
            named = f"Required fields are missing: [{', '.join(lacks)}]"
            return f"REQUIRED_FIELD_MISSING:{named}:{' '.join(lacks)} --"
        for one in self.fields:
            name, cell = one["name"], told.get(one["name"], "")
            if one["type"] in ("string", "textarea") and len(cell) > one["length"]:
                return f"STRING_TOO_LONG:{name}: data value too large: {cell}:{name} --"
            if cell not in ("", "#N/A") and not _fits(one["type"], cell):
                kind = f"value not of required type: {cell}"
                return f"INVALID_TYPE_ON_FIELD_IN_RECORD:{name}: {kind}:{name} --"
        return ""

    def _found(self, by: str, value: str) -> Record | None:
        kept = {one["name"]: one.get("caseSensitive", False) for one in self.fields}
        same = str if by == "Id" or kept[by] else str.lower
        there = (one for one in self.held.values() if not one["IsDeleted"])
        return next((one for one in there if same(one.get(by) or "") == same(value)), None)

    def _typed(self, name: str, cell: str) -> object:
        scale = next((one.get("scale") for one in self.fields if one["name"] == name), None)
        return cell.strip() if scale is None else round(float(cell), scale)


def _holds(record: Record, name: str, sign: str, told: str) -> bool:
    """Whether a record meets one condition of SOQL."""
    cell = record.get(name)
    if sign == "IN":
        return cell in [_unquoted(one) for one in re.findall(_TEXT, told)]
    meant = {"null": None, "true": True, "false": False}.get(told, _unquoted(told))
    if sign == ">":
        return cell is not None and str(cell) > str(meant)
    return (cell == meant) if sign == "=" else (cell != meant)


def _unquoted(told: str) -> str:
    return re.sub(r"\\(.)", r"\1", told[1:-1]) if told.startswith("'") else told


def _fits(kind: str, cell: str) -> bool:
    shape = {"double": r"-?\d+(\.\d+)?([eE][-+]?\d+)?", "date": r"\d{4}-\d\d-\d\d"}.get(kind)
    return shape is None or re.fullmatch(shape, cell) is not None
