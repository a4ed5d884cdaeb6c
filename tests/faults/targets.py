"""What the three targets of a house hold, read from their own files and without the product.

A folder is read by its manifests, a table by a SELECT, HubSpot by the log of what it took. Where a
customer stands twice in one of them, he is told of twice: no reader here makes one row of two.

Enters: folder, database and log. Leaves: rows of customer_id, score, stage and offer; and what was
ever written of whom, with the time. Worked example: the part of 2017-10-01 has `c03`, the one of
2017-11-01 again: one row. One part that has `c03` on two lines, or two contacts of one reference:
two rows.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

SAID = ("score", "stage", "offer")
Row = dict[str, Any]


class Damaged(Exception):
    """A target that nobody can read; the message says where and why."""


class Written(NamedTuple):
    """One upsert that a target took: `at` in seconds of the wall clock, `offer` as it was told."""

    target: str
    customer: str
    offer: str
    at: float


def in_folder(folder: Path) -> list[Row]:
    """The rows of who applies the parts of every manifest, by as_of, then in its order."""
    held: dict[str, list[Row]] = {}
    for manifest in sorted(folder.glob("as_of=*/manifest.json")):
        try:
            parts = json.loads(manifest.read_bytes())["parts"]
            named = [(part["file"], part["sha256"]) for part in parts]
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"{manifest.parent.name}/{manifest.name} is no manifest") from error
        for file, sha256 in named:
            part = manifest.with_name(file)
            if not part.is_file() or hashlib.sha256(part.read_bytes()).hexdigest() != sha256:
                raise Damaged(f"{part.parent.name}/{file} is not the part that its manifest names")
            told = _part(part)
            for row in told:
                held.pop(row["customer_id"], None)
            for row in told:
                if row["op"] == "upsert":
                    held.setdefault(row["customer_id"], []).append(_said(row["customer_id"], row))
    return [row for rows in held.values() for row in rows]


def in_table(database: Path) -> list[Row]:
    """The rows of the table, whatever its key is."""
    names = ("customer_id", *SAID)
    with sqlite3.connect(database) as target:
        found = target.execute(f"select {', '.join(names)} from churn_segments").fetchall()
    return [_said(row[0], dict(zip(names, row, strict=True))) for row in found]


def in_hubspot(log: Path) -> list[Row]:
    """The contacts that have a segment of ours, by the log of the account.

    A contact is found by a property and its value: the same reference in two properties is two.
    """
    contacts: dict[tuple[str, str], dict[str, str]] = {}
    for write in _writes(log):
        contacts.setdefault((write["key"], write["upsert"]), {}).update(write["values"])
    return [
        _said(customer, {name: values.get(f"churn_ml_{name}") for name in SAID})
        for (_, customer), values in contacts.items()
        if values.get("churn_ml_segment")
    ]


def written_in_folder(target: str, folder: Path) -> Iterator[Written]:
    """The upserts of every part, named or not, by the time of its last writing."""
    for part in folder.glob("as_of=*/part-*"):
        at = part.stat().st_mtime
        rows = (row for row in _part(part) if row["op"] == "upsert")
        yield from (Written(target, row["customer_id"], row["offer"], at) for row in rows)


def written_in_table(target: str, database: Path) -> Iterator[Written]:
    """What the table's own trigger noted."""
    with sqlite3.connect(database) as there:
        for row in there.execute("select customer_id, offer, at from written"):
            yield Written(target, *row)


def written_in_hubspot(target: str, log: Path) -> Iterator[Written]:
    """The writes that the account took and that were no removals."""
    for write in _writes(log):
        if write["values"].get("churn_ml_segment"):
            yield Written(target, write["upsert"], write["values"]["churn_ml_offer"], write["at"])


def _part(part: Path) -> list[Row]:
    if part.suffix == ".parquet":
        return list(pq.read_table(part).to_pylist())
    with part.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _writes(log: Path) -> Iterator[dict[str, Any]]:
    """The writes of contacts; there is no log before the first write."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    yield from (write for write in map(json.loads, lines) if "upsert" in write)


def _said(customer: str, row: Row) -> Row:
    score = row["score"]
    number = None if score in (None, "") else float(score)
    return {"customer_id": customer, "score": number, "stage": row["stage"], "offer": row["offer"]}
