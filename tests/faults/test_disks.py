"""Disks without room and folders without the right to write: a clear error, and what stood stands.

C11 and C14 with real limits of the kernel, small disks and another user.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from churn_ml.crm import FileDestination
from churn_ml.errors import Transient
from churn_ml.ledger import Ledger
from churn_ml.warehouse import Warehouse

from .disks import disk, filled

DAY = date(2017, 10, 1)
NOBODY = 65534
LIMITED = """
import resource, signal, sys
from pathlib import Path
from datetime import date
from churn_ml.crm import Batch, FileDestination, Row
from churn_ml.errors import ChurnError
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
target = FileDestination("out", folder, "me")
told = [Row(f"h{n:04}", "upsert", date(2017, 10, 1), {"segment": "S" * 50}, "9f")
        for n in range(rows)]
try:
    target.preflight()
    target.send(Batch("first", "first", date(2017, 10, 1), tuple(told[:1])))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    target.send(Batch("all", "all", date(2017, 10, 1), tuple(told)))
except ChurnError as error:
    print(type(error).__name__, error)
"""


def test_c11_a_file_that_may_not_grow_is_a_clear_error_and_the_old_one_stands(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), "1000"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Transient cannot write "), done.stderr
    assert str(tmp_path) in done.stdout
    assert "room for " in done.stdout
    manifest = tmp_path / f"as_of={DAY.isoformat()}" / "manifest.json"
    (part,) = json.loads(manifest.read_text())["parts"]
    assert part["file"].startswith("part-first-")


def test_c11_a_full_disk_below_the_lake_is_said_and_what_was_published_stands() -> None:
    few, many = (
        pa.table({"customer_id": [f"h{n}" for n in range(count)], "recency": numbers(count)})
        for count in (10, 200_000)
    )
    with disk("size=1m") as small:
        lake = Warehouse(str(small / "lake"))
        first = lake.replace(lake.handle("features"), DAY, few)
        handle = lake.handle("features")
        with pytest.raises(Transient, match=r"disk of the lake is full.*features.*bytes and"):
            lake.replace(handle, DAY, many)
        ballast = filled(small)
        with pytest.raises(Transient, match="disk of the lake is full"):
            lake.handle("scores")
        assert lake.read_partition("features", DAY, first.version).num_rows == 10
        ballast.unlink()
        assert lake.replace(lake.handle("features"), DAY, few).rows == 10


def test_c11_a_full_disk_below_the_ledger_is_said_and_nothing_of_the_plan_is_kept() -> None:
    rows = [(f"h{n:05}", "9f", "{}", False) for n in range(20_000)]
    with disk("size=1m") as small:
        ledger = Ledger.open(f"sqlite:///{small}/ledger.db")
        ballast = filled(small)
        with pytest.raises(Transient, match=r"disk of the ledger is full.*make room"):
            ledger.save_plan("crm", "p1", DAY, rows, base=None)
        assert ledger.last_plan("crm") is None
        ballast.unlink()
        ledger.save_plan("crm", "p1", DAY, rows[:100], base=None)
        ledger.close()


def test_c11_a_full_disk_below_a_new_target_is_room_to_make_and_no_wrong_setting() -> None:
    with disk("size=1m") as small:
        filled(small)
        target = FileDestination("out", small / "out", "me")
        with pytest.raises(Transient, match=r"cannot write .*out: No space left.*make room"):
            target.preflight()


def test_c14_a_disk_without_files_left_is_said_as_that() -> None:
    rows = pa.table({"customer_id": ["h1"], "recency": [1.0]})
    with disk("size=4m", "nr_inodes=30") as small:
        lake = Warehouse(str(small / "lake"))
        first = lake.replace(lake.handle("features"), DAY, rows)
        handle = lake.handle("features")
        files = [small / f"file{number}" for number in range(os.statvfs(small).f_favail)]
        for file in files:
            file.touch()
        with pytest.raises(Transient, match=r"disk of the lake is full.* 0 files free"):
            lake.replace(handle, DAY, rows)
        with pytest.raises(Transient, match="0 files free"):
            lake.read_partition("features", DAY, first.version)  # a reader may have to spill
        for file in files:
            file.unlink()
        assert lake.read_partition("features", DAY, first.version).num_rows == 1
        assert lake.replace(lake.handle("features"), DAY, rows).rows == 1


def numbers(count: int) -> list[float]:
    """Numbers that no file format makes small."""
    draw = random.Random(1)
    return [draw.random() for _ in range(count)]


AS_NOBODY = """
import os, sys
from datetime import date
from churn_ml.cli import main
import pyarrow as pa, deltalake
import churn_ml.flow.export, churn_ml.crm
from churn_ml.errors import ChurnError
from churn_ml.ledger import Ledger
from churn_ml.warehouse import Warehouse
what, folder = sys.argv[1:]
day, rows = date(2017, 10, 1), pa.table({"customer_id": ["h1"], "recency": [2.0]})
os.setuid(NOBODY)
try:
    if what == "lake":
        lake = Warehouse(folder + "/lake")
        lake.replace(lake.handle("features"), day, rows)
    elif what == "ledger":
        Ledger.open("sqlite:///" + folder + "/ledger.db").take_token("score", day)
except ChurnError as error:
    sys.exit(f"{type(error).__name__} {error}")
os.chdir("/")
sys.argv = ["churn-ml", "export", "--as-of", "2017-10-01", "--config", folder + "/churn.toml"]
main()
"""
SHOP = 'shop = {name = "Corner shop", currency = "EUR"}\n'


@pytest.fixture
def others() -> Iterator[Path]:
    """A folder of this user's that nobody else may write to: a shop with a lake and a ledger."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody without the right")
    with tempfile.TemporaryDirectory(prefix="churn-ml-rights-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "churn.toml").write_text(SHOP, encoding="utf-8")
        lake = Warehouse(str(folder / "lake"))
        rows = pa.table({"customer_id": ["h1"], "recency": [1.0]})
        lake.replace(lake.handle("features"), DAY, rows)
        Ledger.open(f"sqlite:///{folder}/ledger.db").close()
        yield folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("lake", "BadConfig the lake may not be written to: Permission denied"),
        ("ledger", "BadConfig the ledger's file cannot be opened or written"),
        ("export", "the ledger's file cannot be opened or written"),
    ],
)
def test_c14_who_has_no_right_to_write_is_told_so_with_an_exit_code_and_nothing_changes(
    what: str, said: str, others: Path
) -> None:
    before = content(others)
    program = AS_NOBODY.replace("NOBODY", str(NOBODY))
    command = [sys.executable, "-c", program, what, str(others)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "next step" in done.stderr
    assert "Traceback" not in done.stderr
    assert content(others) == before


def test_c14_a_folder_of_an_export_without_the_right_to_write_is_a_clear_error(
    others: Path,
) -> None:
    target = others / "out"
    target.mkdir()
    first, later = "target = ", '    target.send(Batch("first'
    done = as_nobody(LIMITED.replace(first, f"import os; os.setuid({NOBODY}); {first}", 1), target)
    assert done.stdout.startswith("BadConfig cannot write to"), done.stderr
    assert "make the folder writable" in done.stdout
    assert list(target.iterdir()) == []
    done = as_nobody(
        LIMITED.replace(later, f"    import os; os.setuid({NOBODY})\n{later}", 1), target
    )
    assert done.stdout.startswith("BadConfig cannot write to"), "the right was lost in between"
    assert [path.name for path in target.iterdir()] == ["owner.json"]


def as_nobody(program: str, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, str(target), "1"]
    return subprocess.run(command, capture_output=True, text=True, check=True)
