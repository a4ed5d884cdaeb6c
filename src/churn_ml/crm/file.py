"""A folder of CSV files, one a plan: for people, and for systems that read files.

Each export writes the difference as `DEST/as_of=YYYY-MM-DD/part-<plan id>.csv`, with a column `op`
(upsert or remove), and names it in `manifest.json` beside it with rows, sha256, model and contract.
A reader applies the parts of the manifests by as_of, then in the manifest's order; a part not named
there does not count yet. Files appear whole: written under a temporary name, synced, renamed. The
same plan sent again writes the same bytes. `DEST/owner.json` keeps a second deployment out (O3).

The files are meant for spreadsheets too, so a text cell that a spreadsheet would run as a formula
gets a leading apostrophe (fault S1); numbers, negative ones too, stay numbers.

Worked example: the first export as of 2017-10-01 leaves `as_of=2017-10-01/part-3f2a….csv` with
1,998 upserts; that as of 2017-11-01 leaves one with 700 upserts and 60 removals.

>>> safe("=HYPERLINK(1)"), safe("-12.50"), safe("-SUM(A1)"), safe(-12.5), safe(130.0)
("'=HYPERLINK(1)", '-12.50', "'-SUM(A1)", '-12.5', '130')
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.payload import FIELDS
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row
from churn_ml.errors import BadConfig, BadInput, Transient

_TOLD = tuple(field.name for field in FIELDS if field.name not in ("customer_id", "as_of"))
HEADER = ("customer_id", "op", "as_of", *_TOLD)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - meant
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class FileDestination:
    """A folder that takes the difference of each plan as one CSV file."""

    name: str
    folder: Path
    owner: str
    delivers: bool = False
    batch_size: int | None = None
    """Always None: a plan is one file."""

    def preflight(self) -> None:
        """Make the folder and claim it; raises BadConfig where another deployment has it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            claim = self.folder / "owner.json"
            _create(claim, _json({"owner": self.owner}))
            holder = json.loads(claim.read_text(encoding="utf-8"))["owner"]
        except OSError as error:
            raise BadConfig(
                f"cannot write to {self.folder}: {error.strerror}",
                where=f"[destinations.{self.name}] target",
                next_step="make the folder writable or name another one",
            ) from error
        if holder != self.owner:
            raise BadConfig(
                f"{self.folder} is fed by another deployment",
                where=f"[destinations.{self.name}] target",
                got=f"owner {holder}",
                expected=f"owner {self.owner}",
                next_step=f"name another folder, or delete {claim} if that deployment is gone",
            )

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Write the batch as the part of its plan and name it in the manifest; acks every row.

        Raises: Transient where the disk is full or the folder is gone.
        """
        folder = self.folder / f"as_of={batch.as_of.isoformat()}"
        content = _csv(batch).encode("utf-8")
        try:
            folder.mkdir(exist_ok=True)
            part = folder / f"part-{batch.plan_id}.csv"
            _replace(part, content)
            manifest = folder / "manifest.json"
            _replace(manifest, _json(_listed(manifest, _entry(part.name, content, batch))))
        except OSError as error:
            raise Transient(
                f"cannot write {folder}: {error.strerror}",
                where=f"destination {self.name}",
                expected=f"room for {len(content)} bytes",
                next_step="make room and run the export again: the plan is kept",
            ) from error
        return [Ack(row.customer_id) for row in batch.rows]

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The rows that a reader has who applied every part in order, one per customer.

        Raises: BadInput where a part is not the one that its manifest names.
        """
        found: dict[str, Mapping[str, Cell]] = {}
        for manifest in sorted(self.folder.glob("as_of=*/manifest.json")):
            for part in json.loads(manifest.read_text(encoding="utf-8"))["parts"]:
                _apply(found, manifest.with_name(part["file"]), part["sha256"])
        yield from found.values()


def open_file(name: str, settings: Settings, config: Config, owner: str) -> FileDestination:
    """The file destination that churn.toml names.

    Parameters: `name` and `settings`, the key and the value in [destinations]; `config`, for the
    place of a relative folder; `owner`, the deployment that may feed the folder.

    >>> from churn_ml.config import Shop
    >>> config = Config(shop=Shop(name="s", currency="EUR"), root=Path("/shop"))
    >>> open_file("csv", Settings(kind="file", target="out"), config, "demo").folder.as_posix()
    '/shop/out'
    """
    folder = config.path(settings.target)
    return FileDestination(name, folder, owner, delivers=settings.delivers)


def safe(cell: Cell) -> str:
    """The cell as a spreadsheet may open it: nothing, a number, or text that is no formula.

    >>> safe(None), safe("@cmd"), safe("a=b"), safe(1e16)
    ('', "'@cmd", 'a=b', '10000000000000000')
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        runs = cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell)
        return f"'{cell}" if runs else cell
    return str(int(cell)) if cell == int(cell) else repr(cell)


def read(cell: str, kind: str) -> Cell:
    """The cell that `safe` wrote, of a field of that type.

    >>> read("'=HYPERLINK(1)", "text"), read("", "number"), read("130", "number")
    ('=HYPERLINK(1)', None, 130.0)
    """
    if kind == "number":
        return float(cell) if cell else None
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _apply(found: dict[str, Mapping[str, Cell]], part: Path, sha256: str) -> None:
    """Upsert and remove what the part says."""
    content = part.read_bytes() if part.exists() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput(
            "a part is not the one that its manifest names",
            where=str(part),
            got="no such file" if not content else "other content",
            next_step="restore it, or export to another folder",
        )
    for row in csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")):
        cells = {field.name: read(row[field.name], field.type) for field in FIELDS}
        customer_id = str(cells["customer_id"])
        found.pop(customer_id, None)
        if row["op"] == "upsert":
            found[customer_id] = cells


def _csv(batch: Batch) -> str:
    """The rows of the batch as RFC 4180 text: header, CR LF, quotes where needed."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(HEADER)
    written = cache(safe)  # many cells are alike
    lines.writerows(_line(row, written) for row in batch.rows)
    return text.getvalue()


def _line(row: Row, written: Callable[[Cell], str]) -> list[str]:
    cells = row.payload.get
    told = [row.op, row.as_of.isoformat(), *(cells(name) for name in _TOLD)]
    return [safe(row.customer_id), *(written(cell) for cell in told)]


def _entry(part: str, content: bytes, batch: Batch) -> dict[str, Any]:
    upserts = [row for row in batch.rows if row.op == "upsert"]
    told = {name: {row.payload.get(name) for row in upserts} for name in ("model", "contract")}
    return {
        "file": part,
        "rows": len(batch.rows),
        "upserts": len(upserts),
        "removals": len(batch.rows) - len(upserts),
        "sha256": hashlib.sha256(content).hexdigest(),
        "as_of": batch.as_of.isoformat(),
        **{name: ", ".join(sorted(map(str, values))) or None for name, values in told.items()},
    }


def _listed(manifest: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the part's entry: in its old place where it had one, else at the end."""
    parts: dict[str, Any] = {}
    if manifest.exists():
        known = json.loads(manifest.read_text(encoding="utf-8"))["parts"]
        parts = {part["file"]: part for part in known}
    parts[str(entry["file"])] = entry
    return {"parts": list(parts.values())}


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole: a reader, or a power cut, finds the old file or the new."""
    _written(path, content).replace(path)
    _sync_folder(path.parent)


def _create(path: Path, content: bytes) -> None:
    """Put `content` at `path` unless a file is there already: the first of two writers wins."""
    temporary = _written(path, content, f".{os.getpid()}")
    with suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
    _sync_folder(path.parent)


def _written(path: Path, content: bytes, suffix: str = "") -> Path:
    temporary = path.with_name(f".{path.name}{suffix}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
