"""The checker of the fault harness finds what it is to find, on small histories and targets."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .acks import lost, reopened
from .checker import different
from .command import misled
from .history import History
from .targets import Damaged, Written, in_folder, in_hubspot, in_table, written_in_folder
from .withheld import sent

HEAD = "customer_id,op,as_of,score,stage,offer"
OCTOBER, NOVEMBER = "2017-10-01", "2017-11-01"
SAID = {"score": 0.35, "stage": "silent", "offer": "NONE"}


@pytest.fixture
def history(tmp_path: Path) -> History:
    found = History(tmp_path / "history.jsonl")
    found.path.touch()
    return found


def part(folder: Path, as_of: str, name: str, *lines: str) -> None:
    """Write a part of these lines and name it in the manifest, after those that are there."""
    place = folder / f"as_of={as_of}"
    place.mkdir(exist_ok=True)
    content = "\n".join([HEAD, *lines]).encode()
    if name.endswith("parquet"):
        cells = [dict(zip(HEAD.split(","), line.split(","), strict=True)) for line in lines]
        pq.write_table(pa.Table.from_pylist(cells), place / name)
        content = (place / name).read_bytes()
    (place / name).write_bytes(content)
    manifest = place / "manifest.json"
    parts = json.loads(manifest.read_text())["parts"] if manifest.exists() else []
    parts.append({"file": name, "sha256": hashlib.sha256(content).hexdigest()})
    manifest.write_text(json.dumps({"parts": parts}))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_is_what_its_parts_say_one_after_another(tmp_path: Path, kind: str) -> None:
    part(tmp_path, OCTOBER, f"part-b.{kind}", "c1,upsert,d,0.1,a,COUPON", "c2,upsert,d,0.2,a,NONE")
    part(tmp_path, OCTOBER, f"part-a.{kind}", "c1,upsert,d,0.35,silent,NONE")
    part(tmp_path, NOVEMBER, f"part-c.{kind}", "c2,remove,d,,,")
    assert in_folder(tmp_path) == [{"customer_id": "c1", **SAID}]
    assert not list(different("file", {"c1": SAID}, in_folder(tmp_path)))


def test_a_part_that_names_a_customer_twice_has_him_twice(tmp_path: Path) -> None:
    part(tmp_path, OCTOBER, "part-a.csv", *["c1,upsert,d,0.35,silent,NONE"] * 2)
    told = list(different("file", {"c1": SAID}, in_folder(tmp_path)))
    assert told == ["file: c1 stands there 2 times"]


def test_a_part_that_is_not_the_one_that_was_named_is_damage(tmp_path: Path) -> None:
    part(tmp_path, OCTOBER, "part-a.csv", "c1,upsert,d,0.35,silent,NONE")
    (tmp_path / f"as_of={OCTOBER}" / "part-a.csv").write_text(HEAD)
    with pytest.raises(Damaged, match=r"part-a\.csv is not the part that its manifest names"):
        in_folder(tmp_path)
    (tmp_path / f"as_of={OCTOBER}" / "manifest.json").write_text("{")
    with pytest.raises(Damaged, match=r"manifest\.json is no manifest"):
        in_folder(tmp_path)


def test_a_table_without_a_key_may_have_a_customer_twice(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "out.db") as target:
        target.execute("create table churn_segments (customer_id, score, stage, offer)")
        row = "insert into churn_segments values ('c1', 0.35, 'silent', 'NONE')"
        target.execute(row)
        target.execute(row)
    told = list(different("table", {"c1": SAID}, in_table(tmp_path / "out.db")))
    assert told == ["table: c1 stands there 2 times"]


def test_two_contacts_of_one_reference_are_two_and_a_cleared_one_is_none(tmp_path: Path) -> None:
    log = tmp_path / "writes.jsonl"
    values = {f"churn_ml_{name}": str(value) for name, value in SAID.items()}
    values |= {"churn_ml_segment": "S"}
    gone = dict.fromkeys(values, "")
    writes = [
        {"property": {"name": "churn_ml_score"}},
        *({"key": key, "upsert": "c1", "values": values} for key in ("email", "customer_ref")),
        *({"key": "email", "upsert": "c2", "values": told} for told in (values, gone)),
    ]
    log.write_text("".join(json.dumps(write) + "\n" for write in writes))
    told = list(different("hub", {"c1": SAID}, in_hubspot(log)))
    assert told == ["hub: c1 stands there 2 times"]


def test_an_ack_of_one_destination_is_no_excuse_for_another(history: History) -> None:
    history.note("info", 1, "plan", destination="table", plan="p1", as_of=NOVEMBER)
    history.note("info", 1, "ack", plan="p1", customers=["c1", "c2"])
    now, before = ("9f", date(2017, 11, 1)), ("9f", date(2017, 10, 1))
    assert not list(lost(history, {"table": {"c1": now, "c2": now}}))
    told = list(lost(history, {"table": {"c2": before}, "file": {"c1": now, "c2": now}}))
    assert told == [
        f"table: c1 was acknowledged as of {NOVEMBER} in plan p1, and is forgotten",
        f"table: c2 was acknowledged as of {NOVEMBER} in plan p1, and is known as of {OCTOBER}",
    ]
    history.note("info", 2, "rejected", plan="p1", customers=["c2"])
    assert not list(lost(history, {"table": {"c1": now, "c2": before}}))


def test_a_row_that_was_acknowledged_does_not_open_again(history: History) -> None:
    history.note("info", 2, "left", begun=0.0, plan="p1", customers=["c1"])
    history.note("info", 1, "ack", plan="p1", customers=["c1"])
    history.note("info", 2, "left", begun=2e10, plan="p2", customers=["c1"])
    assert not list(reopened(history))
    history.note("info", 2, "left", begun=2e10, plan="p1", customers=["c1", "c2"])
    assert list(reopened(history)) == ["acknowledged and open again: ['c1'] of plan p1"]


def noted(history: History, *events: tuple[float, int, str, str, dict[str, object]]) -> None:
    """Lay out events of these times: when, the operation's number, kind, op, what about."""
    with history.path.open("a") as file:
        for at, number, kind, op, more in events:
            told = {"at": at, "number": number, "kind": kind, "op": op, **more}
            file.write(json.dumps(told) + "\n")


@pytest.mark.parametrize(
    ("begun", "looked", "ended", "excused"),
    [
        (9.0, 9.9, "ok", True),  # it looked before, and wrote after
        (9.0, 10.2, "ok", False),
        (9.0, 9.9, "killed", False),  # the dead write nothing
        (10.1, 10.2, "ok", False),
    ],
)
def test_a_write_is_excused_by_a_run_alone_that_was_alive_and_looked_before(
    history: History, begun: float, looked: float, ended: str, excused: bool
) -> None:
    end = ("ok", "export", 12.0) if ended == "ok" else ("info", "killed", 10.05)
    noted(
        history,
        (begun, 1, "invoke", "export", {"about": [OCTOBER]}),
        (looked, 1, "info", "guard", {}),
        (10.0, 2, "ok", "suppress", {"said": {"customers": ["c1"]}}),
        (end[2], 1, end[0], end[1], {"said": {}}),
    )
    writes = [Written("file", "c1", "NONE", 9.95), Written("file", "c2", "NONE", 11.0)]
    assert not list(sent(history, writes))
    late = list(sent(history, [Written("file", "c1", "NONE", 11.0)]))
    assert late == ([] if excused else ["file: c1 was written 1.000 s after suppression"])


def test_who_took_consent_back_is_written_without_an_offer_until_he_gives_it(
    history: History,
) -> None:
    noted(
        history,
        (10.0, 1, "ok", "consent", {"said": {"given": {"c1": False, "c2": True}}}),
        (20.0, 2, "invoke", "consent", {"about": [{"c1": True}]}),
    )
    quiet = [Written("hub", "c1", "NONE", 11.0), Written("hub", "c2", "COUPON", 11.0)]
    quiet.append(Written("hub", "c1", "COUPON", 21.0))
    assert not list(sent(history, quiet))
    told = list(sent(history, [Written("hub", "c1", "COUPON", 12.0)]))
    assert told == ["hub: c1 was written 2.000 s after withdrawal of consent"]


def test_every_part_of_a_folder_counts_as_written_named_or_not(tmp_path: Path) -> None:
    lines = ("c1,upsert,d,0.35,silent,COUPON", "c2,remove,d,,,")
    part(tmp_path, OCTOBER, "part-a.csv", *lines)
    (tmp_path / f"as_of={OCTOBER}" / "manifest.json").unlink()
    (written,) = written_in_folder("file", tmp_path)
    assert written[:3] == ("file", "c1", "COUPON")


def test_an_exit_code_says_whether_another_try_may_help(history: History) -> None:
    ends = (("ok", None, 0), ("fail", "Transient", 75), ("fail", "StaleAttempt", 1))
    for number, (kind, error, code) in enumerate(ends):
        history.note("info", number, "exit", code=code, command="export")
        history.note(kind, number, "export", error=error)
    history.note("info", 7, "exit", code=75, command="export")
    assert not list(misled(history)), "the last was killed before it was over"
    history.note("fail", 7, "export", error="BadInput")
    assert list(misled(history)) == ["churn-ml export ended with BadInput and exit code 75"]
