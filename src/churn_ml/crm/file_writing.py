"""How a batch becomes a part that counts, and how a damaged one counts no more: by one writer.

Enters: the folder of an export, held by who calls (file_lock.py), and a batch. Leaves: the part of
its plan under a name of its content, on disk before the manifest that names it is. What the folder
holds by then decides, not what it held when the batch was made: between the two another run of the
same plan may have finished it, and a newer export may have gone on.

* A plan has one part, in the place where it stood first; the one it replaces is removed.
* Two runs of one plan differ in whom the guard let pass. Who was taken out by one of them stays
  out, and the other's upsert is rejected: the next export asks the guard anew.
* Behind a later as_of nothing is written (fault O4). Of a newer plan of the same as_of the ledger
  tells: what was sent behind it is in doubt, and sent again (C9).

Worked example: an export of 2017-10-01 sleeps with `h1` and `h2` in its hands. `h1` is suppressed,
and another run finishes the plan with a removal of `h1`. The first wakes up: `h1` stays out, the
part stays as it is, and `h2` is acknowledged once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container
from dataclasses import replace
from pathlib import Path
from typing import Any

from churn_ml.crm.file_manifest import (
    MANIFEST,
    damaged_of,
    is_of,
    listed,
    manifests,
    part_name,
    parts_of,
    standing,
    taken_out,
)
from churn_ml.crm.file_rows import FORMATS
from churn_ml.crm.payload import removal
from churn_ml.crm.protocol import Ack, Batch, Rejection, Row
from churn_ml.durable import TEMPORARY, made, put, sync

LATE = "newer_in_target", "the folder has a later as_of"
TAKEN_OUT = "taken_out", "another run of this plan took the customer out"


def write(folder: Path, batch: Batch, kind: str, content: bytes) -> list[Ack | Rejection]:
    """Make the batch count as the part of its plan; one answer a row.

    Parameters: `folder`, the destination's; `content`, the batch in the format `kind`.
    Raises: BadInput where the manifest is damaged, OSError where the system refuses.
    """
    place = folder / f"as_of={batch.as_of.isoformat()}"
    if any(manifest.parent.name > place.name for manifest in manifests(folder)):
        return [Rejection(row.customer_id, *LATE) for row in batch.rows]
    made(place)
    sync(folder)  # who made it may have been killed before
    for left in place.glob(TEMPORARY):  # by one that was killed: nobody else writes here now
        left.unlink()
    manifest = place / MANIFEST
    parts = parts_of(manifest) if manifest.exists() else []
    old = standing(parts, batch.plan_id)
    away: set[str] = set()
    if old and old["sha256"] != _sha256(content):
        away = taken_out(manifest, old) & {r.customer_id for r in batch.rows if r.op == "upsert"}
        batch = replace(batch, rows=tuple(_without(row, away) for row in batch.rows))
        content = FORMATS[kind].written(batch)
    entry = _entry(batch, kind, content)
    if old and old["sha256"] == entry["sha256"]:
        entry["file"] = old["file"]  # perhaps of the time before names told the content
    put(place / entry["file"], content)
    named = listed(parts, entry, batch.plan_id)
    put(manifest, as_json({"parts": named}))
    for path in place.glob("part-*"):
        if is_of(batch.plan_id, path.name) and path.name != entry["file"]:
            path.unlink()
    ids = [row.customer_id for row in batch.rows]
    return [Rejection(one, *TAKEN_OUT) if one in away else Ack(one) for one in ids]


def damaged(folder: Path) -> list[Path]:
    """The manifests, and parts, that `without_damaged` would let count no more; changes nothing."""
    found: list[Path] = []
    for manifest in manifests(folder):
        parts = damaged_of(manifest)
        found += [manifest] if parts is None else [manifest.with_name(p["file"]) for p in parts]
    return found


def without_damaged(folder: Path) -> list[Path]:
    """Let damaged manifests, and parts, count no more; which they are. Deletes nothing."""
    found = damaged(folder)
    for manifest in sorted({path.with_name(MANIFEST) for path in found}):
        if manifest in found:
            manifest.replace(manifest.with_name(f"{MANIFEST}.damaged"))
        else:
            kept = [
                part for part in parts_of(manifest) if manifest.with_name(part["file"]) not in found
            ]
            put(manifest, as_json({"parts": kept}))
    return found


def as_json(value: object) -> bytes:
    """The value as the files beside the parts hold it."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _entry(batch: Batch, kind: str, content: bytes) -> dict[str, Any]:
    """What the manifest says of the part."""
    upserts = [row for row in batch.rows if row.op == "upsert"]
    told = {name: {row.payload.get(name) for row in upserts} for name in ("model", "contract")}
    sha256 = _sha256(content)
    return {
        "file": part_name(batch.plan_id, sha256, kind),
        "rows": len(batch.rows),
        "upserts": len(upserts),
        "removals": len(batch.rows) - len(upserts),
        "sha256": sha256,
        "as_of": batch.as_of.isoformat(),
        **{name: ", ".join(sorted(map(str, values))) or None for name, values in told.items()},
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _without(row: Row, away: Container[str]) -> Row:
    return removal(row.customer_id, row.as_of) if row.customer_id in away else row
