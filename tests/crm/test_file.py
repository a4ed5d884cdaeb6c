"""The folder of files: one part a plan, whole or not there; CSV is safe in a spreadsheet."""

from __future__ import annotations

import csv
import errno
import fcntl
import hashlib
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_ml.crm import FileDestination, Guard, MemoryJournal, Outbox
from churn_ml.crm.file_rows import HEADER, safe
from churn_ml.crm.file_rows import read as read_cell
from churn_ml.crm.payload import removal
from churn_ml.crm.protocol import Ack, Batch, Cell, Row
from churn_ml.errors import BadConfig, BadInput, Transient

from ..faults.disks import disk, filled

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)


def upsert(customer_id: str, as_of: date = OCTOBER, **cells: Cell) -> Row:
    payload = {"model": "rule-1", "contract": "gone30-1", "score": 0.6, "value_at_risk": 130.0}
    told = payload | {"customer_id": customer_id, "as_of": as_of.isoformat()} | cells
    return Row(customer_id, "upsert", as_of, told, str(sorted(cells.items())))


def opened(folder: Path, owner: str = "me") -> FileDestination:
    destination = FileDestination("csv", folder, owner)
    destination.preflight()
    return destination


def read(part: Path) -> list[dict[str, str]]:
    with part.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def part_of(folder: Path, plan_id: str = "p1", kind: str = "csv") -> Path:
    """The one part of the plan, as of October."""
    (found,) = folder.glob(f"as_of=2017-10-01/part-{plan_id}-????????.{kind}")
    return found


def manifest(folder: Path, as_of: date = OCTOBER) -> list[dict[str, object]]:
    text = (folder / f"as_of={as_of}" / "manifest.json").read_text(encoding="utf-8")
    parts: list[dict[str, object]] = json.loads(text)["parts"]
    return parts


def test_a_plan_becomes_one_part_with_operations_and_a_manifest(tmp_path: Path) -> None:
    batch = Batch("b1", "p1", OCTOBER, (upsert("h1"), removal("h2", OCTOBER)))
    assert opened(tmp_path).send(batch) == [Ack("h1"), Ack("h2")]
    part = part_of(tmp_path)
    first, second = read(part)
    assert tuple(first) == HEADER
    assert (first["op"], first["score"], first["value_at_risk"]) == ("upsert", "0.6", "130")
    assert (second["customer_id"], second["op"], second["as_of"]) == ("h2", "remove", "2017-10-01")
    assert set(second.values()) == {"h2", "remove", "2017-10-01", ""}
    assert manifest(tmp_path) == [
        {
            "file": f"part-p1-{hashlib.sha256(part.read_bytes()).hexdigest()[:8]}.csv",
            "rows": 2,
            "upserts": 1,
            "removals": 1,
            "sha256": hashlib.sha256(part.read_bytes()).hexdigest(),
            "as_of": "2017-10-01",
            "model": "rule-1",
            "contract": "gone30-1",
        }
    ]


def test_a_parquet_part_has_types_and_changes_no_cell(tmp_path: Path) -> None:
    target = FileDestination("lake", tmp_path, "me", format="parquet")
    rows = (upsert("=h1", segment='王小明, "x"\r\n'), removal("h2", OCTOBER))
    batch = Batch("b1", "p1", OCTOBER, rows)
    target.send(batch)
    part = part_of(tmp_path, kind="parquet")
    first, second = pq.read_table(part).to_pylist()
    assert (first["customer_id"], first["op"], first["as_of"]) == ("=h1", "upsert", OCTOBER)
    assert (first["segment"], first["score"]) == ('王小明, "x"\r\n', 0.6)
    assert {second.pop(key) for key in ("customer_id", "op", "as_of")} == {"h2", "remove", OCTOBER}
    assert set(second.values()) == {None}
    (named,) = manifest(tmp_path)
    assert (named["file"], named["rows"]) == (part.name, 2)
    before = part.read_bytes()
    target.send(batch)
    assert part.read_bytes() == before


def test_a_folder_may_go_from_one_format_to_the_other(tmp_path: Path) -> None:
    opened(tmp_path).send(Batch("b1", "p1", OCTOBER, (upsert("h1"), upsert("h2"))))
    lake = FileDestination("lake", tmp_path, "me", format="parquet")
    lake.send(Batch("b2", "p2", OCTOBER, (removal("h1", OCTOBER), upsert("h3"))))
    assert [cells["customer_id"] for cells in lake.holds()] == ["h2", "h3"]


def test_the_file_is_rfc_4180_in_utf_8(tmp_path: Path) -> None:
    names = ["王小明 😀", 'say "hi"', "a,b", "two\r\nlines"]
    batch = Batch("b1", "p1", OCTOBER, tuple(upsert(name) for name in names))
    opened(tmp_path).send(batch)
    part = part_of(tmp_path)
    content = part.read_bytes()
    assert content.startswith(b"customer_id,op,as_of,contract,model,threshold,stage,score,")
    assert content.count(b"\r\n") == 1 + 4 + 1  # header, four rows, one inside a quoted cell
    assert b'"say ""hi""",upsert' in content
    assert [row["customer_id"] for row in read(part)] == names


def test_the_same_plan_again_leaves_the_same_bytes(tmp_path: Path) -> None:
    destination = opened(tmp_path)
    for plan_id in ("p1", "p2"):
        destination.send(Batch("b", plan_id, OCTOBER, (upsert("h1"),)))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"),)))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    named = [part_of(tmp_path, plan_id).name for plan_id in ("p1", "p2")]
    assert [part["file"] for part in manifest(tmp_path)] == named


def test_parts_of_one_as_of_stand_in_the_manifest_in_the_order_written(tmp_path: Path) -> None:
    destination = opened(tmp_path)
    for plan_id in ("p9", "p1", "p5"):
        destination.send(Batch("b", plan_id, OCTOBER, (upsert("h1"),)))
    named = [part_of(tmp_path, plan_id).name for plan_id in ("p9", "p1", "p5")]
    assert [part["file"] for part in manifest(tmp_path)] == named


def test_through_the_outbox_the_parts_add_up_to_the_state_and_again_adds_no_part(
    tmp_path: Path,
) -> None:
    anyone = Guard(lambda _: (), lambda _: {}, True, frozenset())
    clock = datetime(2026, 11, 21, tzinfo=UTC)
    outbox = Outbox(opened(tmp_path), MemoryJournal(), anyone, clock=lambda: clock)
    outbox.export([upsert("a"), upsert("b"), upsert("c")], OCTOBER)
    later = [upsert("a", NOVEMBER), upsert("b", NOVEMBER, stage="lost"), upsert("d", NOVEMBER)]
    outbox.export(later, NOVEMBER)
    outbox.export(later, NOVEMBER)

    state: dict[str, str] = {}
    parts = [
        tmp_path / f"as_of={as_of}" / str(entry["file"])
        for as_of in (OCTOBER, NOVEMBER)
        for entry in manifest(tmp_path, as_of)
    ]
    for row in (row for part in parts for row in read(part)):
        state.pop(row["customer_id"], None)
        if row["op"] == "upsert":
            state[row["customer_id"]] = row["stage"]
    assert len(parts) == 2
    assert state == {"a": "", "b": "lost", "d": ""}


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("＝1", "'＝1"),  # noqa: RUF001 - full-width forms are part of the attack
        ("＋1", "'＋1"),  # noqa: RUF001
        ("－1", "'－1"),  # noqa: RUF001
        ("＠x", "'＠x"),  # noqa: RUF001
        ("h1", "h1"),
        ("a=b", "a=b"),
        ("", ""),
        ("-12.50", "-12.50"),  # a number as text stays a number
        ("+1", "+1"),
        ("-1e5", "'-1e5"),
        (-12.5, "-12.5"),
        (0.0, "0"),
        (12000000000.0, "12000000000"),
        (None, ""),
    ],
)
def test_s1_no_cell_is_a_formula_and_negative_numbers_stay_numbers(
    cell: Cell, written: str
) -> None:
    assert safe(cell) == written


def test_s1_a_customer_called_a_formula_is_defused_in_the_file(tmp_path: Path) -> None:
    opened(tmp_path).send(Batch("b1", "p1", OCTOBER, (upsert("=cmd()", reasons="@x, y"),)))
    (row,) = read(part_of(tmp_path))
    assert (row["customer_id"], row["reasons"]) == ("'=cmd()", "'@x, y")


def test_o3_a_second_deployment_is_refused_and_told_how_to_take_over(tmp_path: Path) -> None:
    opened(tmp_path, "first")
    opened(tmp_path, "first")
    with pytest.raises(BadConfig, match=r"another deployment.*first.*second.*delete .*owner\.json"):
        opened(tmp_path, "second")


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadConfig, match=r"cannot write to .*file/out: Not a directory"):
        opened(tmp_path / "file" / "out")


def test_c11_a_full_disk_leaves_what_stood_and_says_how_much_room_is_needed() -> None:
    with disk("size=1m") as small:
        destination = opened(small / "out")
        destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"),)))
        before = content(small / "out")
        ballast = filled(small)
        for plan_id in ("p1", "p2"):
            with pytest.raises(Transient, match=r"No space left on device.*room for \d+ bytes"):
                destination.send(Batch("b", plan_id, OCTOBER, (upsert("h2"),)))
        assert content(small / "out") == before, "nothing half-written is left either"
        ballast.unlink()
        assert destination.send(Batch("b", "p2", OCTOBER, (upsert("h2"),))) == [Ack("h2")]
        assert [cells["customer_id"] for cells in destination.holds()] == ["h1", "h2"]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def noting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """What is forced to disk from now on, and what is renamed to where, in order."""
    calls: list[tuple[str, Path]] = []
    fsync, rename = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        calls.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def noted_rename(path: Path, target: Path) -> Path:
        calls.append(("rename", target))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    return calls


def test_c13_every_file_is_on_disk_before_it_gets_its_name_and_every_name_before_the_ack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced = noting(monkeypatch)
    destination = opened(tmp_path / "exports" / "crm")
    place = destination.folder / "as_of=2017-10-01"
    owner = destination.folder / f".owner.json.{os.getpid()}.tmp"
    assert forced == [
        ("sync", tmp_path),
        ("sync", tmp_path / "exports"),
        ("sync", owner),
        ("sync", destination.folder),
    ]
    forced.clear()
    destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"),)))
    part = part_of(destination.folder)

    def temporary(path: Path) -> Path:
        return path.with_name(f".{path.name}.{os.getpid()}.tmp")

    assert forced == [
        ("sync", destination.folder),  # where the new folder of the as_of has its name
        ("sync", destination.folder),  # and where it has it if another one had made it
        *(("sync", temporary(part)), ("rename", part), ("sync", place)),
        *(("sync", temporary(place / "manifest.json")), ("rename", place / "manifest.json")),
        ("sync", place),
    ]
    assert not list(tmp_path.rglob("*.tmp"))


def test_c13_what_a_killed_writer_left_half_written_is_swept_by_the_next(tmp_path: Path) -> None:
    destination = opened(tmp_path)
    destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"),)))
    place = tmp_path / "as_of=2017-10-01"
    for name in (".part-p2-0a1b2c3d.csv.4711.tmp", ".manifest.json.4711.tmp", ".part-p2.csv.tmp"):
        (place / name).write_bytes(b"customer")
    (place / "part-p2-0a1b2c3d.csv").write_bytes(b"the content of a try before a suppression")
    destination.send(Batch("b", "p2", OCTOBER, (upsert("h2"),)))
    named = {part["file"] for part in manifest(tmp_path)}
    assert {path.name for path in place.iterdir()} == named | {"manifest.json"}


def test_a_folder_of_before_parts_were_named_by_content_goes_on(tmp_path: Path) -> None:
    destination = opened(tmp_path)
    batch = Batch("b", "p1", OCTOBER, (upsert("h1"), upsert("h2")))
    destination.send(batch)
    destination.send(Batch("b", "p2", OCTOBER, (upsert("h3"),)))
    place = tmp_path / "as_of=2017-10-01"
    new = part_of(tmp_path)
    old = new.rename(place / "part-p1.csv")
    told = (place / "manifest.json").read_text(encoding="utf-8")
    (place / "manifest.json").write_text(told.replace(new.name, old.name), encoding="utf-8")
    before = content(tmp_path)
    destination.send(batch)
    assert content(tmp_path) == before, "the same plan leaves the same bytes under the old name"
    destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"), removal("h2", OCTOBER))))
    assert not old.exists()
    assert [p["file"] for p in manifest(tmp_path)] == [
        part_of(tmp_path).name,
        part_of(tmp_path, "p2").name,
    ]
    assert [cells["customer_id"] for cells in destination.holds()] == ["h1", "h3"]


def test_every_damaged_file_is_told_at_once_and_each_is_what_would_be_set_aside(
    tmp_path: Path,
) -> None:
    destination = opened(tmp_path)
    for plan_id, as_of in (("p1", OCTOBER), ("p2", OCTOBER), ("p3", NOVEMBER)):
        destination.send(Batch("b", plan_id, as_of, (upsert(f"h{plan_id}", as_of),)))
    first, second = part_of(tmp_path), part_of(tmp_path, "p2")
    first.write_bytes(b"edited")
    second.unlink()
    damaged = tmp_path / "as_of=2017-11-01" / "manifest.json"
    damaged.write_bytes(b"{")
    before = content(tmp_path)
    with pytest.raises(BadInput, match="3 files of the folder are not what they were") as caught:
        list(destination.holds())
    assert caught.value.where == f"{first}, {second}, {damaged}"
    assert content(tmp_path) == before
    assert destination.set_aside() == [first, second, damaged]
    assert list(destination.holds()) == []
    assert first.read_bytes() == b"edited", "nothing is deleted"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The kernel's answer is put in its mouth: no file system of this machine is without locks."""

    def refused(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    destination = opened(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(BadConfig, match="has no locks: two exports could write over each other"):
        destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"),)))
    assert not list(tmp_path.glob("as_of=*"))


@pytest.mark.parametrize("said", [b"x\n", b"", b"{}", b"[]", b'{"owner": 3}', b"\xff"])
def test_an_owner_that_cannot_be_read_is_named_and_nothing_is_taken_over(
    tmp_path: Path, said: bytes
) -> None:
    opened(tmp_path)
    (tmp_path / "owner.json").write_bytes(said)
    with pytest.raises(BadConfig, match="does not say who feeds the folder") as caught:
        opened(tmp_path)
    assert "delete it if this deployment alone" in str(caught.value)
    assert (tmp_path / "owner.json").read_bytes() == said


DAMAGED = [
    b"{",
    b"",
    b"{}",
    b"[]",
    b'{"parts": {}}',
    b'{"parts": [{"file": "part-p1.csv"}]}',
    b'{"parts": [{"file": "../part-p1.csv", "sha256": "9f"}]}',
    b'{"parts": [{"file": "part-p1.doc", "sha256": "9f"}]}',
]


@pytest.mark.parametrize("said", DAMAGED)
def test_a_damaged_manifest_is_named_by_who_reads_it_and_by_who_would_write_it(
    tmp_path: Path, said: bytes
) -> None:
    target = opened(tmp_path)
    target.send(Batch("b1", "p1", OCTOBER, (upsert("h1"),)))
    damaged = tmp_path / "as_of=2017-10-01" / "manifest.json"
    damaged.write_bytes(said)
    with pytest.raises(BadInput, match="a manifest cannot be read") as caught:
        list(target.holds())
    assert caught.value.where == str(damaged)
    with pytest.raises(BadInput, match="a manifest cannot be read"):
        target.send(Batch("b2", "p2", OCTOBER, (upsert("h2"),)))
    assert damaged.read_bytes() == said


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_part_that_holds_no_rows_of_ours_is_named_without_its_content(
    tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "as_of=2017-10-01"
    folder.mkdir()
    part = folder / f"part-p1.{kind}"
    part.write_bytes(b"customer_id,op\nh1,secret\n")
    entry = {"file": part.name, "sha256": hashlib.sha256(part.read_bytes()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"parts": [entry]}))
    with pytest.raises(BadInput, match="rows that cannot be read") as caught:
        list(FileDestination("csv", tmp_path, "me", format=kind).holds())
    assert caught.value.where == str(part)
    assert caught.value.__context__ is None


@given(st.text(alphabet="'=+-@\t\r\n0.1a＝", max_size=4))  # noqa: RUF001 - meant
def test_s1_every_text_is_read_from_a_csv_as_it_was(text: str) -> None:
    assert read_cell(safe(text), "text") == text


def test_s1_customers_who_differ_in_an_apostrophe_alone_stay_two(tmp_path: Path) -> None:
    target = opened(tmp_path)
    ids = ["=1+1", "'=1+1", "''=1+1", "'", "'h1"]
    target.send(Batch("b1", "p1", OCTOBER, tuple(map(upsert, ids))))
    assert [cells["customer_id"] for cells in target.holds()] == ids
