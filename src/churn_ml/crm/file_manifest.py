"""What a folder of an export says of itself: who feeds it, and which parts count.

Enters: `owner.json` and the `manifest.json` of each as_of, as they lie there. Leaves: the owner,
the named parts and what they add up to; or an error that names the file, where somebody cut it
short, edited or deleted it.

Worked example: `as_of=2017-10-01/manifest.json` was cut to `{` by a full disk. The folder cannot be
read until that file is restored or set aside, and the error says which one it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from churn_ml.crm.file_rows import FORMATS, Told
from churn_ml.crm.protocol import Cell
from churn_ml.errors import BadConfig, BadInput

RESTORE = (
    "restore it from a backup; or churn-ml export reconcile --repair sets it aside, and an export "
    "of the newest day sends again what is missing then"
)


MANIFEST = "manifest.json"


def manifests(folder: Path) -> list[Path]:
    """The manifest of each as_of in the destination's folder, the oldest first."""
    return sorted(folder.glob(f"as_of=*/{MANIFEST}"))


def holder_of(claim: Path, where: str) -> str:
    """Who feeds the folder, by its owner.json; raises BadConfig where that does not say.

    `where`: the section of churn.toml that names the folder.
    """
    said = _json(claim)
    owner = said.get("owner") if isinstance(said, dict) else None
    if not isinstance(owner, str):
        raise BadConfig(
            f"{claim} does not say who feeds the folder",
            where=where,
            got="no JSON" if said is None else "JSON without an owner",
            expected='{"owner": "..."}',
            next_step="restore it; or delete it if this deployment alone feeds the folder: "
            "the next export claims it anew",
        )
    return owner


def parts_of(manifest: Path) -> list[dict[str, Any]]:
    """The entries of a manifest, in its order; raises BadInput where it cannot be read."""
    said = _json(manifest)
    parts = said.get("parts") if isinstance(said, dict) else None
    if not isinstance(parts, list) or not all(map(_names_a_part, parts)):
        raise BadInput(
            "a manifest cannot be read",
            where=str(manifest),
            got="no JSON" if said is None else "JSON that names no parts",
            expected='{"parts": [{"file": "part-...", "sha256": "...", ...}, ...]}',
            next_step=RESTORE,
        )
    return parts


def part_name(plan_id: str, sha256: str, kind: str) -> str:
    """The name of the part of a plan with that content: nobody writes over another's.

    >>> part_name("5f1c2d3e", "9f3ca1b2" + "0" * 56, "csv")
    'part-5f1c2d3e-9f3ca1b2.csv'
    """
    return f"part-{plan_id}-{sha256[:8]}.{kind}"


def is_of(plan_id: str, file: str) -> bool:
    """Whether a file is a part of the plan: whatever its content and format, also by its old name.

    >>> names = ("part-5f1c-9f3ca1b2.csv", "part-5f1c.parquet", "part-5f1c2-9f3ca1b2.csv")
    >>> [is_of("5f1c", name) for name in names]
    [True, True, False]
    """
    kinds = "|".join(FORMATS)
    return bool(re.fullmatch(rf"part-{re.escape(plan_id)}(-[0-9a-f]{{8}})?\.({kinds})", file))


def standing(parts: Sequence[Mapping[str, Any]], plan_id: str) -> Mapping[str, Any] | None:
    """The entry of the plan's part, or None where the manifest names none."""
    return next((part for part in parts if is_of(plan_id, part["file"])), None)


def listed(
    parts: Sequence[Mapping[str, Any]], entry: Mapping[str, Any], plan_id: str
) -> list[Mapping[str, Any]]:
    """The parts with this entry: in the place of the plan's old one, else at the end."""
    old = standing(parts, plan_id)
    if old is None:
        return [*parts, entry]
    others = [part for part in parts if part is old or not is_of(plan_id, part["file"])]
    return [entry if part is old else part for part in others]


def taken_out(manifest: Path, entry: Mapping[str, Any]) -> set[str]:
    """The customers whom the part that the entry names removes; nobody where it is damaged."""
    try:
        told = _told(manifest.with_name(entry["file"]), entry["sha256"])
    except BadInput:
        return set()
    return {str(cells["customer_id"]) for op, cells in told if op == "remove"}


def apply(found: dict[str, Mapping[str, Cell]], part: Path, sha256: str) -> None:
    """Upsert and remove in `found`, by customer_id, what the part says.

    Raises: BadInput where it is not the part with that sha256, or its rows cannot be read.
    """
    for op, cells in _told(part, sha256):
        found.pop(str(cells["customer_id"]), None)
        if op == "upsert":
            found[str(cells["customer_id"])] = cells


def damaged_of(manifest: Path) -> list[Mapping[str, Any]] | None:
    """The manifest's entries whose parts cannot be applied; None where it cannot be read itself."""
    try:
        parts = parts_of(manifest)
    except BadInput:
        return None
    return [part for part in parts if _is_damaged(manifest, part)]


def _is_damaged(manifest: Path, entry: Mapping[str, Any]) -> bool:
    try:
        _told(manifest.with_name(entry["file"]), entry["sha256"])
    except BadInput:
        return True
    return False


def _told(part: Path, sha256: str) -> list[Told]:
    """What the part says; raises BadInput as `apply` does."""
    content = part.read_bytes() if part.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(part, "other content" if part.is_file() else "no such file")
    try:
        return list(FORMATS[part.suffix[1:]].read(content))
    except (KeyError, TypeError, ValueError) as error:
        kind = type(error).__name__
    # Outside of the except: the reader's own words may quote a customer's row.
    raise _damaged(part, f"rows that cannot be read ({kind})")


def _damaged(part: Path, got: str) -> BadInput:
    return BadInput(
        "a part is not the one that its manifest names",
        where=str(part),
        got=got,
        next_step=RESTORE,
    )


def _names_a_part(entry: object) -> bool:
    """Whether the entry names a file beside the manifest, of a format of ours, and its sha256."""
    if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
        return False
    file = entry.get("file")
    return isinstance(file, str) and file == Path(file).name and Path(file).suffix[1:] in FORMATS


def _json(path: Path) -> object:
    """What the file says as JSON; None where it is none."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:  # what cannot be decoded is one too
        return None
