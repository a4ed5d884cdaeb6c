"""Whether targets hold what they acknowledged, from a shell: each planted difference is told."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from churn_ml import cli, flow
from churn_ml.errors import BadInput, ChurnError
from churn_ml.house import House

from ..conftest import FIRST


@pytest.fixture
def house(copy_of: Callable[[Path], House], scored: Path) -> House:
    house = copy_of(scored)
    flow.export(house, FIRST)
    return house


def reconcile(house: House, *words: str) -> Result:
    told = ["export", "reconcile", "--config", str(house.config.root / "churn.toml"), *words]
    return CliRunner().invoke(cli.app, told, catch_exceptions=False)


def plant(house: House) -> list[str]:
    """Edit one row of the table, delete another, add a stranger; the two customers."""
    first, second, *_ = sorted(house.ledger.told("crm_sql"))
    with closing(sqlite3.connect(house.config.root / "crm.db")) as base, base as table:
        table.execute("update churn_segments set segment = 'MINE' where customer_id = ?", [first])
        table.execute("delete from churn_segments where customer_id = ?", [second])
        stranger = "insert into churn_segments (customer_id, as_of, offer) values ('x9', ?, 'NONE')"
        table.execute(stranger, [FIRST.isoformat()])
    return [first, second]


def test_a_healthy_system_has_no_difference(house: House) -> None:
    done = reconcile(house)
    assert done.exit_code == 0
    assert done.stdout.count("0 missing, 0 extra, 0 different") == 2


def test_each_planted_difference_is_told_repaired_and_gone(house: House) -> None:
    edited, deleted = plant(house)
    was = json.loads(house.ledger.told("crm_sql")[edited])["segment"]
    done = reconcile(house)
    assert done.exit_code == 1
    assert "1 missing, 1 extra, 1 different" in done.stdout
    assert f"missing: {deleted}\n" in done.stdout
    assert "extra: x9\n" in done.stdout
    assert f"{edited}: segment: {was} -> MINE\n" in done.stdout
    plain = json.loads(reconcile(house, "--json").stdout)["crm_sql"]
    assert plain["fields"] == {edited: {"segment": [was, "MINE"]}}
    assert "there" not in plain
    reconcile(house, "--repair")
    flow.export(house, FIRST)
    assert reconcile(house).exit_code == 0


def test_a_target_that_cannot_be_read_hides_no_difference_of_another(house: House) -> None:
    plant(house)
    part = next((house.config.root / "exports").rglob("part-*.csv"))
    part.write_bytes(part.read_bytes() + b"\r\n")
    done = reconcile(house)
    assert done.exit_code == 1
    assert "crm_file: cannot be read: a part is not the one" in done.stdout
    assert "1 missing, 1 extra, 1 different" in done.stdout
    assert set(json.loads(reconcile(house, "--json").stdout)) == {"crm_file", "crm_sql"}


def test_a_target_that_does_not_answer_is_a_reason_to_try_again(house: House) -> None:
    (house.config.root / "crm.db").unlink()
    (house.config.root / "crm.db").mkdir()  # no database can be opened there
    done = reconcile(house)
    assert done.exit_code == 75
    assert "crm_sql: cannot be read: the database of destination crm_sql" in done.stdout


@pytest.mark.parametrize("damaged", ["owner.json", "as_of=2017-10-01/manifest.json"])
def test_a_damaged_folder_keeps_nothing_from_the_other_destinations(
    copy_of: Callable[[Path], House], scored: Path, damaged: str
) -> None:
    house = copy_of(scored)
    file = house.config.path(house.config.destinations["crm_file"].target) / damaged
    file.parent.mkdir(parents=True)
    file.write_text("{")
    with pytest.raises(ChurnError) as caught:
        flow.export(house, FIRST)
    assert damaged in str(caught.value)
    told = reconcile(house, "--json")
    assert json.loads(told.stdout)["crm_sql"]["agreeing"] == len(house.ledger.told("crm_sql")) > 0


def test_rows_of_a_plan_under_way_are_told_apart_and_not_to_be_repaired(house: House) -> None:
    ids = sorted(house.ledger.told("crm_sql"))
    last = house.ledger.last_plan("crm_sql")
    assert last is not None
    changed = [(one, "9f", '{"segment": "NEW"}', False) for one in ids[:2]]
    stranger = ("x9", "b1", '{"segment": "NEW"}', False)
    house.ledger.save_plan("crm_sql", "p2", FIRST, [*changed, stranger], base=last[0])
    with closing(sqlite3.connect(house.config.root / "crm.db")) as base, base as table:
        table.execute("update churn_segments set segment = 'NEW' where customer_id = ?", [ids[0]])
        sent = "insert into churn_segments (customer_id, as_of, offer) values ('x9', ?, 'NONE')"
        table.execute(sent, [FIRST.isoformat()])
    done = reconcile(house, "--repair")
    assert done.exit_code == 1
    assert "0 missing, 0 extra, 0 different, 2 of the plan under way" in done.stdout
    assert "next step: export the newest day again, which finishes the plan" in done.stdout
    assert "in_doubt" not in {told for told, _ in house.ledger.state("crm_sql").values()}


def test_who_is_in_doubt_without_a_difference_is_told_so(house: House) -> None:
    first = min(house.ledger.told("crm_sql"))
    house.ledger.doubt("crm_sql", [first], house.clock())
    done = reconcile(house)
    assert "0 different, 1 in doubt" in done.stdout
    assert f"in doubt: {first}: the next export sees to it" in done.stdout
    assert "--repair" not in done.stdout
    house.ledger.ask("crm_sql", "p2", FIRST, 1, 1, house.clock())
    assert "churn-ml export approve crm_sql --plan p2" in reconcile(house).stdout
    house.ledger.withdraw("crm_sql", FIRST)
    flow.export(house, FIRST)
    assert reconcile(house).exit_code == 0


def break_part(folder: Path) -> Path:
    part = next(folder.rglob("part-*.csv"))
    part.write_bytes(part.read_bytes() + b"\r\n")
    return part


def lose_part(folder: Path) -> Path:
    part = next(folder.rglob("part-*.csv"))
    part.unlink()
    return part


def break_manifest(folder: Path) -> Path:
    manifest = next(folder.rglob("manifest.json"))
    manifest.write_text("{")
    return manifest


@pytest.mark.parametrize("damage", [break_part, lose_part, break_manifest])
def test_what_is_damaged_in_a_folder_is_set_aside_by_a_repair_and_sent_anew(
    house: House, damage: Callable[[Path], Path]
) -> None:
    file = damage(house.config.path(house.config.destinations["crm_file"].target))
    everybody = len(house.ledger.told("crm_file"))
    told = reconcile(house)
    assert "reconcile --repair sets it aside" in " ".join(told.stdout.split())
    done = reconcile(house, "--repair")
    assert f"{everybody:,} missing" in done.stdout
    assert f"crm_file: set aside, as it is damaged: {file}\n" in done.stdout
    receipt = flow.export(house, FIRST)
    assert receipt.details["destinations"]["crm_file"]["sent"] == everybody
    assert reconcile(house).exit_code == 0


def test_json_names_the_files_that_a_repair_set_aside(house: House) -> None:
    file = break_part(house.config.path(house.config.destinations["crm_file"].target))
    told = json.loads(reconcile(house, "--json").stdout)
    assert told["crm_file"]["unread"]
    assert told["crm_file"]["set_aside"] == [], "it changes nothing without --repair"
    told = json.loads(reconcile(house, "--json", "--repair").stdout)
    assert told["crm_file"]["set_aside"] == [str(file)]
    assert len(told["crm_file"]["missing"]) == len(house.ledger.told("crm_file"))
    assert told["crm_sql"]["set_aside"] == []


def test_a_place_that_is_emptied_is_told_by_export_and_doctor_and_filled_again(
    house: House,
) -> None:
    shutil.rmtree(house.config.path(house.config.destinations["crm_file"].target))
    with closing(sqlite3.connect(house.config.root / "crm.db")) as base, base as table:
        table.execute("drop table churn_segments")
    with pytest.raises(BadInput, match="crm_file holds nothing any more"):
        flow.export(house, FIRST)
    found = {one["check"]: one for one in flow.doctor(house)}
    for name in ("crm_file", "crm_sql"):
        assert not found[f"destination {name}"]["well"]
        assert "reconcile --repair" in found[f"destination {name}"]["next_step"]
    reconcile(house, "--repair")
    flow.export(house, FIRST)
    assert reconcile(house).exit_code == 0
