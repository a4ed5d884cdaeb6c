"""The worked example of docs/new-destination.md: a file of JSON lines in a folder, one a customer.

The first line of `customers.jsonl` says who feeds the file, and with which date. A batch is laid
over the lines that are there and the file replaced whole: a reader finds the old state or the new
one. Of two processes the second waits for the first, and finds then that it is late.

Worked example: h1 is told to be SILENT as of 2017-10-01.

>>> from tempfile import mkdtemp
>>> target = LinesDestination("lines", Path(mkdtemp()), "Corner shop with ledger 5f1c")
>>> target.preflight()
>>> h1 = Row("h1", "upsert", date(2017, 10, 1), {"segment": "SILENT"}, "9f3c")
>>> target.send(Batch("7d1e", "plan1", date(2017, 10, 1), (h1,)))
[Ack(customer_id='h1')]
>>> list(target.holds())
[{'segment': 'SILENT', 'customer_id': 'h1', 'as_of': '2017-10-01'}]
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.means import Means
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row
from churn_ml.errors import BadConfig, BadInput, StaleAttempt, Transient

Lines: TypeAlias = dict[str, Mapping[str, Cell]]
"""customer_id -> every cell of an export."""


@dataclass(frozen=True)
class LinesDestination:
    """The file `customers.jsonl` of a folder, which `owner` alone may feed."""

    name: str
    folder: Path
    owner: str
    delivers: bool = False
    batch_size: int | None = None

    def preflight(self) -> None:
        """Make folder and file where there are none, and claim them.

        Raises: BadConfig where another deployment has the file; Transient where it is not written.
        """
        with self._alone():
            self._write(*self._read())

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Lay the batch over the file; a line holds whatever a row says, so every row is taken.

        Raises: StaleAttempt where the file was fed with a later date; the others as `preflight`.
        """
        with self._alone():
            newest, lines = self._read()
            if batch.as_of < newest:
                raise StaleAttempt(
                    f"{self._file} was fed with a later as_of",
                    where=self._where,
                    got=f"a batch as of {batch.as_of}",
                    next_step="none: a newer export has replaced this one",
                )
            for row in batch.rows:
                lines.pop(row.customer_id, None)
                if row.op == "upsert":
                    lines[row.customer_id] = _cells(row)
            self._write(batch.as_of, lines)
        return [Ack(row.customer_id) for row in batch.rows]

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The lines, one per customer; none where no file is made yet. Raises as `preflight`."""
        yield from self._read()[1].values()

    @property
    def _file(self) -> Path:
        return self.folder / "customers.jsonl"

    @property
    def _where(self) -> str:
        return f"[destinations.{self.name}] target"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """With the folder to ourselves; what the system refuses is worth another try."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise Transient(
                f"cannot write to {self.folder}: {error.strerror}",
                where=self._where,
                next_step="make room or the folder writable, and run the export again",
            ) from error

    def _read(self) -> tuple[date, Lines]:
        """With which date the file was fed last, and its lines."""
        if not self._file.exists():
            return date.min, {}
        try:
            head, *told = map(json.loads, self._file.read_text("ascii").splitlines())
            owner, newest = head["owner"], date.fromisoformat(head["as_of"])
            lines: Lines = {cells["customer_id"]: cells for cells in told}
        except (ValueError, KeyError, TypeError):
            raise BadInput(
                f"{self._file} cannot be read",
                where=self._where,
                expected="JSON lines, the first with owner and as_of",
                next_step="delete it, then: churn-ml export reconcile --repair",
            ) from None
        if owner != self.owner:
            raise BadConfig(
                f"{self._file} is fed by another deployment",
                where=self._where,
                got=f"owner {owner}",
                expected=f"owner {self.owner}",
                next_step="name another folder, or delete the file if that deployment is gone",
            )
        return newest, lines

    def _write(self, as_of: date, lines: Lines) -> None:
        """Replace the file: who is killed before the last step has changed nothing."""
        head = {"owner": self.owner, "as_of": as_of.isoformat()}
        temporary = self._file.with_suffix(".tmp")
        with temporary.open("w", encoding="ascii") as file:
            file.writelines(f"{json.dumps(each)}\n" for each in (head, *lines.values()))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)


def _cells(row: Row) -> Mapping[str, Cell]:
    return {**row.payload, "customer_id": row.customer_id, "as_of": row.as_of.isoformat()}


def open_lines(name: str, settings: Settings, config: Config, means: Means) -> LinesDestination:
    """The folder of JSON lines that churn.toml names; nothing is touched so far."""
    folder = config.path(settings.target)
    return LinesDestination(name, folder, means.owner, delivers=settings.delivers)
