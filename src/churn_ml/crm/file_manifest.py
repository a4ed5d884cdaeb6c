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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn_ml.crm.file_rows import FORMATS
from churn_ml.crm.protocol import Cell
from churn_ml.errors import BadConfig, BadInput

_RESTORE = (
    "restore it from a backup; or churn-ml export reconcile --repair sets it aside, and an export "
    "of the newest day sends again what is missing then"
)


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
            next_step=_RESTORE,
        )
    return parts


def listed(manifest: Path, entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The manifest's entries with this one: in its old place where it had one, else at the end."""
    known = parts_of(manifest) if manifest.exists() else []
    return list(({part["file"]: part for part in known} | {entry["file"]: entry}).values())


def apply(found: dict[str, Mapping[str, Cell]], part: Path, sha256: str) -> None:
    """Upsert and remove in `found`, by customer_id, what the part says.

    Raises: BadInput where it is not the part with that sha256, or its rows cannot be read.
    """
    content = part.read_bytes() if part.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(part, "other content" if part.is_file() else "no such file")
    try:
        told = list(FORMATS[part.suffix[1:]].read(content))
    except (KeyError, TypeError, ValueError) as error:
        kind = type(error).__name__
    else:
        for op, cells in told:
            found.pop(str(cells["customer_id"]), None)
            if op == "upsert":
                found[str(cells["customer_id"])] = cells
        return
    # Outside of the except: the reader's own words may quote a customer's row.
    raise _damaged(part, f"rows that cannot be read ({kind})")


def is_damaged(manifest: Path, entry: Mapping[str, Any]) -> bool:
    """Whether the part that the manifest's entry names cannot be applied."""
    try:
        apply({}, manifest.with_name(entry["file"]), entry["sha256"])
    except BadInput:
        return True
    return False


def _damaged(part: Path, got: str) -> BadInput:
    return BadInput(
        "a part is not the one that its manifest names",
        where=str(part),
        got=got,
        next_step=_RESTORE,
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
