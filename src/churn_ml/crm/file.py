"""A folder of CSV or Parquet files, one a plan: for people, and for systems that read files.

Each export writes the difference as `DEST/as_of=YYYY-MM-DD/part-<plan id>.csv` (or .parquet), with
a column `op` (upsert or remove), and names it in `manifest.json` beside it with rows, sha256, model
and contract. A reader applies the parts of the manifests by as_of, then in the manifest's order; a
part not named there does not count yet. Files appear whole: written under a temporary name, synced,
renamed. The same plan sent again writes the same bytes. `DEST/owner.json` keeps a second deployment
out (O3).

What stands in a part is file_rows.py's affair, what the files beside it say file_manifest.py's. The
format may change between two exports: a reader tells a part's by its name.

Worked example: the first export as of 2017-10-01 leaves `as_of=2017-10-01/part-3f2a….csv` with
1,998 upserts; that as of 2017-11-01 leaves one with 700 upserts and 60 removals.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.file_manifest import apply, holder_of, is_damaged, listed, parts_of
from churn_ml.crm.file_rows import FORMATS
from churn_ml.crm.means import Means
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection
from churn_ml.errors import BadConfig, BadInput, Transient

_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


@dataclass(frozen=True)
class FileDestination:
    """A folder that takes the difference of each plan as one file, in that `format` of FORMATS."""

    name: str
    folder: Path
    owner: str
    delivers: bool = False
    batch_size: int | None = None
    """Always None: a plan is one file."""
    format: str = "csv"

    def preflight(self) -> None:
        """Make the folder and claim it.

        Raises: BadConfig where another deployment has it, nobody knows who has, or it may not be
        written to; Transient where the disk is full.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            claim = self.folder / "owner.json"
            _create(claim, _json({"owner": self.owner}))
            holder = holder_of(claim, f"[destinations.{self.name}] target")
        except OSError as error:
            raise self._unwritten(self.folder, error, "room for a small file") from error
        self._be_ours(claim, holder)

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Write the batch as the part of its plan and name it in the manifest; acks every row.

        Raises: Transient where the disk is full or the folder is gone; BadConfig where it may not
        be written to any more; BadInput where the manifest is damaged.
        """
        folder = self.folder / f"as_of={batch.as_of.isoformat()}"
        content = FORMATS[self.format].written(batch)
        try:
            folder.mkdir(exist_ok=True)
            part = folder / f"part-{batch.plan_id}.{self.format}"
            _replace(part, content)
            manifest = folder / "manifest.json"
            parts = listed(manifest, _entry(part.name, content, batch))
            _replace(manifest, _json({"parts": parts}))
        except OSError as error:
            raise self._unwritten(folder, error, f"room for {len(content)} bytes") from error
        return [Ack(row.customer_id) for row in batch.rows]

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The rows that a reader has who applied every part in order, one per customer.

        Raises: BadInput where a manifest cannot be read, or a part is not the one that it names;
        BadConfig where another deployment has the folder, or the system lets nobody read it.
        """
        found: dict[str, Mapping[str, Cell]] = {}
        try:
            self._read(found)
        except OSError as error:
            raise BadConfig(
                f"cannot read {error.filename or self.folder}: {error.strerror}",
                where=f"[destinations.{self.name}] target",
                next_step="make the folder readable",
            ) from error
        yield from found.values()

    def gone(self) -> bool:
        """Whether no part was ever named here, or all that were are away."""
        return not any(self.folder.glob("as_of=*/manifest.json"))

    def set_aside(self) -> list[Path]:
        """Let damaged manifests, and parts, count no more; which they are. Deletes nothing.

        A manifest that cannot be read becomes `manifest.json.damaged`; a part that is not the one
        that was named is named no more. Raises as `send` does.
        """
        self._check_owner()
        found: list[Path] = []
        try:
            for manifest in sorted(self.folder.glob("as_of=*/manifest.json")):
                try:
                    parts = parts_of(manifest)
                except BadInput:
                    manifest.replace(manifest.with_name("manifest.json.damaged"))
                    found.append(manifest)
                    continue
                away = [part for part in parts if is_damaged(manifest, part)]
                if away:
                    kept = [part for part in parts if part not in away]
                    _replace(manifest, _json({"parts": kept}))
                    found += [manifest.with_name(part["file"]) for part in away]
        except OSError as error:
            raise self._unwritten(self.folder, error, "room for a small file") from error
        return found

    def _check_owner(self) -> None:
        claim = self.folder / "owner.json"
        if claim.exists():
            self._be_ours(claim, holder_of(claim, f"[destinations.{self.name}] target"))

    def _read(self, found: dict[str, Mapping[str, Cell]]) -> None:
        self._check_owner()
        for manifest in sorted(self.folder.glob("as_of=*/manifest.json")):
            for part in parts_of(manifest):
                apply(found, manifest.with_name(part["file"]), part["sha256"])

    def _be_ours(self, claim: Path, holder: str) -> None:
        if holder != self.owner:
            raise BadConfig(
                f"{self.folder} is fed by another deployment",
                where=f"[destinations.{self.name}] target",
                got=f"owner {holder}",
                expected=f"owner {self.owner}",
                next_step=f"name another folder, or delete {claim} if that deployment is gone",
            )

    def _unwritten(self, place: Path, error: OSError, needs: str) -> BadConfig | Transient:
        """What the system's refusal to write means: a person has to act, or room helps."""
        if error.errno in _FORBIDDEN:
            return BadConfig(
                f"cannot write to {place}: {error.strerror}",
                where=f"[destinations.{self.name}] target",
                next_step="make the folder writable or name another one",
            )
        return Transient(
            f"cannot write {place}: {error.strerror}",
            where=f"destination {self.name}",
            expected=needs,
            next_step="make room and run the export again: the plan is kept",
        )


def open_file(name: str, settings: Settings, config: Config, means: Means) -> FileDestination:
    """The file destination that churn.toml names.

    Parameters: `name` and `settings`, the key and the value in [destinations]; `config`, for the
    place of a relative folder; `means`, whose owner may feed the folder.

    >>> from churn_ml.config import Shop
    >>> config = Config(shop=Shop(name="s", currency="EUR"), root=Path("/shop"))
    >>> settings = Settings(kind="file", target="out")
    >>> open_file("csv", settings, config, Means("demo")).folder.as_posix()
    '/shop/out'
    """
    folder = config.path(settings.target)
    return FileDestination(
        name, folder, means.owner, delivers=settings.delivers, format=settings.format
    )


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
