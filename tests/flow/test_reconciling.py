"""Whether targets hold what they acknowledged, from a shell: each planted difference is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from churn_ml import cli, flow
from churn_ml.errors import ChurnError
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
