"""What happened in one seed: a JSONL file that the harness and its children append to.

An event is invoke, ok, fail or info, with the wall clock in seconds, the number of its operation
and what it was about. A line is one write of an append-only file, so a kill tears none.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Event = dict[str, Any]


@dataclass(frozen=True)
class History:
    """The history in `path`."""

    path: Path

    def note(self, kind: str, number: int, op: str, **about: Any) -> None:
        """Append one event."""
        event = {"at": time.time(), "kind": kind, "number": number, "op": op, **about}
        line = (json.dumps(event, default=str) + "\n").encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)

    def events(self, op: str | None = None, kind: str | None = None) -> list[Event]:
        """The events so far, of one operation or kind where told."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        return [
            event
            for event in found
            if (op is None or event["op"] == op) and (kind is None or event["kind"] == kind)
        ]
