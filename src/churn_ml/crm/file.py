"""A folder of CSV or Parquet files, one a plan: for people, and for systems that read files.

Each export writes the difference as `DEST/as_of=YYYY-MM-DD/part-<plan id>-<sha256>.csv` (or
.parquet), with a column `op` (upsert or remove), and names it in `manifest.json` beside it with
rows, sha256, model and contract. A reader applies the parts of the manifests by as_of, then in the
manifest's order; a part not named there does not count. Files appear whole: written under a
temporary name, synced, renamed. The same plan sent again writes the same bytes. `DEST/owner.json`
keeps a second deployment out (O3), a lock a second writer (O2).

How a part comes to be named is file_writing.py's affair, what stands in it file_rows.py's, what the
files beside it say file_manifest.py's. The format may change between two exports: a reader tells a
part's by its name.

Worked example: the first export as of 2017-10-01 leaves `as_of=2017-10-01/part-3f2a…-9b1f….csv`
with 1,998 upserts; that as of 2017-11-01 leaves one with 700 upserts and 60 removals.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.file_lock import PATIENCE_SECONDS, alone
from churn_ml.crm.file_manifest import RESTORE, apply, holder_of, manifests, parts_of
from churn_ml.crm.file_rows import FORMATS
from churn_ml.crm.file_writing import as_json, damaged, without_damaged, write
from churn_ml.crm.means import Means
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection
from churn_ml.durable import create, made
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
    patience_seconds: float = PATIENCE_SECONDS
    """How long a writer waits for another one."""

    def preflight(self) -> None:
        """Make the folder and claim it.

        Raises: BadConfig where another deployment has it, nobody knows who has, or it may not be
        written to; Transient where the disk is full.
        """
        try:
            made(self.folder)
            claim = self.folder / "owner.json"
            create(claim, as_json({"owner": self.owner}))
            holder = holder_of(claim, f"[destinations.{self.name}] target")
        except OSError as error:
            raise self._unwritten(self.folder, error, "room for a small file") from error
        self._be_ours(claim, holder)

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Write the batch as the part of its plan and name it in the manifest.

        Every row is acknowledged but these: all of them where the folder has a later as_of, and
        an upsert of whom another run of the same plan took out, which stays out.
        Raises: Transient where the disk is full, the folder is gone, or another process writes
        there for long; BadConfig where it may not be written to any more; BadInput where the
        manifest is damaged.
        """
        content = FORMATS[self.format].written(batch)
        try:
            with self._alone():
                return write(self.folder, batch, self.format, content)
        except OSError as error:
            place = self.folder / f"as_of={batch.as_of.isoformat()}"
            raise self._unwritten(place, error, f"room for {len(content)} bytes") from error

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The rows that a reader has who applied every part in order, one per customer.

        Raises: BadInput where a manifest cannot be read, or a part is not the one that it names;
        BadConfig where another deployment has the folder, or the system lets nobody read it.
        """
        found: dict[str, Mapping[str, Cell]] = {}
        try:
            self._read(found)
        except BadInput as error:
            raise self._all_damaged(error) from None
        except OSError as error:
            raise BadConfig(
                f"cannot read {error.filename or self.folder}: {error.strerror}",
                where=f"[destinations.{self.name}] target",
                next_step="make the folder readable",
            ) from error
        yield from found.values()

    def gone(self) -> bool:
        """Whether no part was ever named here, or all that were are away."""
        return not manifests(self.folder)

    def set_aside(self) -> list[Path]:
        """Let damaged manifests, and parts, count no more; which they are. Deletes nothing.

        A manifest that cannot be read becomes `manifest.json.damaged`; a part that is not the one
        that was named is named no more. Raises as `send` does.
        """
        self._check_owner()
        if not self.folder.exists():
            return []
        try:
            with self._alone():
                return without_damaged(self.folder)
        except OSError as error:
            raise self._unwritten(self.folder, error, "room for a small file") from error

    def _all_damaged(self, first: BadInput) -> BadInput:
        """The error of what is damaged in the folder: all of it where it is more than one file."""
        found = damaged(self.folder)
        if not found[1:]:
            return first
        return BadInput(
            f"{len(found)} files of the folder are not what they were",
            where=", ".join(map(str, found)),
            next_step=RESTORE,
        )

    def _alone(self) -> AbstractContextManager[None]:
        return alone(self.folder, self.patience_seconds, self.name)

    def _check_owner(self) -> None:
        claim = self.folder / "owner.json"
        if claim.exists():
            self._be_ours(claim, holder_of(claim, f"[destinations.{self.name}] target"))

    def _read(self, found: dict[str, Mapping[str, Cell]]) -> None:
        self._check_owner()
        for manifest in manifests(self.folder):
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
