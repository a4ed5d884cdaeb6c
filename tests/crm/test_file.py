"""The folder of files: one part a plan, whole or not there; CSV is safe in a spreadsheet."""

from __future__ import annotations

import csv
import errno
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


def manifest(folder: Path, as_of: date = OCTOBER) -> list[dict[str, object]]:
    text = (folder / f"as_of={as_of}" / "manifest.json").read_text(encoding="utf-8")
    parts: list[dict[str, object]] = json.loads(text)["parts"]
    return parts


def test_a_plan_becomes_one_part_with_operations_and_a_manifest(tmp_path: Path) -> None:
    batch = Batch("b1", "p1", OCTOBER, (upsert("h1"), removal("h2", OCTOBER)))
    assert opened(tmp_path).send(batch) == [Ack("h1"), Ack("h2")]
    part = tmp_path / "as_of=2017-10-01" / "part-p1.csv"
    first, second = read(part)
    assert tuple(first) == HEADER
    assert (first["op"], first["score"], first["value_at_risk"]) == ("upsert", "0.6", "130")
    assert (second["customer_id"], second["op"], second["as_of"]) == ("h2", "remove", "2017-10-01")
    assert set(second.values()) == {"h2", "remove", "2017-10-01", ""}
    assert manifest(tmp_path) == [
        {
            "file": "part-p1.csv",
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
    part = tmp_path / "as_of=2017-10-01" / "part-p1.parquet"
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
    part = tmp_path / "as_of=2017-10-01" / "part-p1.csv"
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
    assert [part["file"] for part in manifest(tmp_path)] == ["part-p1.csv", "part-p2.csv"]


def test_parts_of_one_as_of_stand_in_the_manifest_in_the_order_written(tmp_path: Path) -> None:
    destination = opened(tmp_path)
    for plan_id in ("p9", "p1", "p5"):
        destination.send(Batch("b", plan_id, OCTOBER, (upsert("h1"),)))
    assert [p["file"] for p in manifest(tmp_path)] == [f"part-{p}.csv" for p in ("p9", "p1", "p5")]


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
    (row,) = read(tmp_path / "as_of=2017-10-01" / "part-p1.csv")
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


def test_a_full_disk_leaves_the_old_file_and_says_how_much_room_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = opened(tmp_path)
    destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"),)))
    before = (tmp_path / "as_of=2017-10-01" / "part-p1.csv").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Transient, match=r"No space left on device.*room for \d+ bytes"):
        destination.send(Batch("b", "p1", OCTOBER, (upsert("h2"),)))
    assert (tmp_path / "as_of=2017-10-01" / "part-p1.csv").read_bytes() == before


def test_every_file_is_synced_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = opened(tmp_path)
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("sync"), fsync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda a, b: (calls.append("rename"), replace(a, b))[1])
    destination.send(Batch("b", "p1", OCTOBER, (upsert("h1"),)))
    # part: file, name, folder; then the manifest likewise
    assert calls == ["sync", "rename", "sync"] * 2
    assert not list(tmp_path.rglob("*.tmp"))


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
