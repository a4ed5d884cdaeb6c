"""Land what a shop's database has before an as_of: run as a process of its own, to be killed.

Usage: python extract.py CHURN_TOML AS_OF. Prints the highest resident memory in MiB at the end.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from churn_ml.config import load
from churn_ml.sources import open_source
from churn_ml.timeline import parse_as_of

if __name__ == "__main__":
    toml, as_of = sys.argv[1:]
    open_source(load(Path(toml))).land(parse_as_of(as_of), say=lambda _: None)
    # what getrusage tells begins with the memory of the process that forked this one
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    print(int(peak[1]) // 1024)
