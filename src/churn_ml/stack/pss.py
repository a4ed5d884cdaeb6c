"""The memory of a process: its proportional set size, which splits shared pages among their users.

Enters: a pid. Leaves: kilobytes. A sum over processes is what the machine really gives. Worked
example: two processes that share 100 MB and own nothing have 50 MB each.
"""

from __future__ import annotations

from pathlib import Path


def kilobytes(pid: int) -> int:
    """The proportional set size of a process; 0 where it ended or the kernel does not tell.

    >>> kilobytes(0)
    0
    """
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:  # it ended meanwhile, or the kernel keeps it to itself
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
