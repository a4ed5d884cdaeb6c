"""What a person has to type to call this very program again, from where they stand.

Enters: the environment of this process. Leaves: a word or path for the lines that say what to do
next. Worked example: `make demo` runs `.venv/bin/churn-ml`, which is not on PATH, so the demo says
`.venv/bin/churn-ml stack status`; in a shell where the venv is activated, `churn-ml stack status`.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

NAME = "churn-ml"


def called() -> str:
    """The program's name where PATH finds this one, else its path, else the module.

    >>> called().endswith(("churn-ml", "-m churn_ml.cli"))
    True
    """
    mine = Path(sysconfig.get_path("scripts")) / NAME
    if not mine.exists():
        return f"{_from_here(Path(sys.executable))} -m churn_ml.cli"
    found = shutil.which(NAME)
    if found and Path(found).resolve() == mine.resolve():
        return NAME
    return _from_here(mine)


def _from_here(path: Path) -> str:
    """A path below the working folder as a relative one."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
