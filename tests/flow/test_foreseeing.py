"""The dry run of an export, in the hall and from a shell: every row, and what stands in its way."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from churn_ml import cli, flow
from churn_ml.cli.typed import here
from churn_ml.errors import BadInput
from churn_ml.flow.foreseeing import Shown
from churn_ml.house import House

from ..conftest import FIRST
from .test_approving import under


@pytest.fixture
def house(copy_of: Callable[[Path], House], scored: Path) -> House:
    return copy_of(scored)


def run(house: House, *words: str) -> Result:
    told = ["export", "--config", str(house.config.root / "churn.toml"), "--as-of", "2017-10-01"]
    return CliRunner().invoke(cli.app, [*told, *words], catch_exceptions=False)


def churn_ml(house: House, *words: str) -> str:
    done = run(house, *words)
    assert done.exit_code == 0
    return done.stdout


def shown(house: House) -> dict[str, Shown]:
    found: dict[str, Shown] = {}
    flow.foresee(house, FIRST, lambda one: found.update({one.destination: one}))
    return found


def moved(house: House) -> None:
    """Let the ledger believe that `crm_sql` was told three customers something else."""
    flow.export(house, FIRST)
    known = house.ledger.told("crm_sql")
    last = house.ledger.last_plan("crm_sql")
    assert last is not None
    other = [
        (one, "ab", json.dumps(json.loads(told) | {"segment": "ELSEWHERE", "offer": "=1+1"}), False)
        for one, told in sorted(known.items())[:3]
    ]
    house.ledger.save_plan("crm_sql", "p9", FIRST, other, base=last[0])
    house.ledger.acknowledge("p9", [one[0] for one in other], at=house.clock())


def test_the_first_rows_are_shown_and_the_rest_is_counted(house: House) -> None:
    told = churn_ml(house, "--dry-run", "--limit", "2")
    assert "a dry run, nothing was sent" in told
    assert told.count("create  ") == 4, "two of each of two destinations"
    first = min(one.customer_id for one in shown(house)["crm_sql"].changes(None))
    assert f" {first}  segment " in told
    count = shown(house)["crm_sql"].kinds["create"]
    assert f"crm_sql: would send {count:,} ({count:,} to create, 0 to update)" in told
    assert f"and {count - 2:,} more: --limit 0, or --rows FILE.csv" in told
    assert house.ledger.last_plan("crm_sql") is None
    assert not (house.config.root / "exports").exists()


def test_a_change_shows_the_former_and_the_new_value(house: House) -> None:
    moved(house)
    one = shown(house)["crm_sql"]
    assert one.kinds == {"create": 0, "update": 3, "remove": 0}
    assert one.share == round(3 / one.of_rows, 4)
    assert all(each.fields["segment"][0] == "ELSEWHERE" for each in one.changes(None))
    told = churn_ml(house, "--dry-run")
    assert "segment: ELSEWHERE -> " in told
    limit = f"{100 * one.ask_above:g} % of what it holds, from 100 rows on"
    assert f"customers it holds would change; a person is asked above {limit}\n" in told


def test_every_row_goes_to_a_new_file_that_a_spreadsheet_may_open(
    house: House, tmp_path: Path
) -> None:
    moved(house)
    file = tmp_path / "plan.csv"
    assert f"3 rows are in {file}" in churn_ml(house, "--dry-run", "--rows", str(file))
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    changed = [row for row in rows if row["field"] == "offer"]
    assert {(row["destination"], row["change"], row["before"]) for row in changed} == {
        ("crm_sql", "update", "'=1+1")
    }
    assert len({row["customer_id"] for row in rows}) == 3
    with pytest.raises(BadInput, match="cannot make the file"):
        run(house, "--dry-run", "--rows", str(file))


def test_json_holds_every_row_beside_the_receipt(house: House) -> None:
    told = json.loads(churn_ml(house, "--dry-run", "--json"))
    assert (told["step"], told["status"]) == ("export", "dry_run")
    plans = told["plans"]
    assert len(plans["crm_file"]["changes"]) == plans["crm_file"]["kinds"]["create"] > 100
    one = plans["crm_file"]["changes"][0]
    assert one["fields"]["segment"][0] is None
    assert one["fields"]["segment"][1]
    few = json.loads(churn_ml(house, "--dry-run", "--json", "--limit", "1"))["plans"]
    assert len(few["crm_file"]["changes"]) == 1


def test_a_stop_is_shown_and_keeps_nobody_from_looking(house: House) -> None:
    flow.stop(house, "crm_sql", who="ada", why="odd segments")
    told = churn_ml(house, "--dry-run", "--limit", "1")
    assert "exports to crm_sql are stopped: ada" in told
    assert here("nothing goes there until: churn-ml export allow crm_sql") in told
    assert told.count("stopped") == 1, "crm_file is not"


def test_what_waits_what_was_refused_and_what_was_approved_is_told(house: House) -> None:
    asking = under(house, first_load="ask")
    plan = shown(asking)["crm_file"].asks
    assert plan is not None
    assert shown(asking)["crm_file"].waiting is None, "a dry run asks nobody"
    flow.export(asking, FIRST)
    waits = shown(asking)["crm_file"].waiting
    assert waits is not None
    assert waits.plan_id == plan.plan_id
    flow.approve(asking, "crm_file", "approve", who="ada")
    one = shown(asking)["crm_file"]
    assert (one.asks, one.waiting, one.answer and one.answer.who) == (None, None, "ada")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("", "it waits already: churn-ml export approve crm_file --plan "),
        ("approve", "was approved by ada: it would be sent"),
        ("refuse", "kept back after a no, by ada; the export of another day asks anew"),
    ],
)
def test_the_screen_says_what_was_answered(house: House, answer: str, says: str) -> None:
    toml = house.config.root / "churn.toml"
    known = toml.read_text(encoding="utf-8")
    toml.write_text(known.replace('first_load = "send"', 'first_load = "ask"'), encoding="utf-8")
    asking = under(house, first_load="ask")
    flow.export(asking, FIRST)
    if answer:
        flow.approve(asking, "crm_file", answer, who="ada")
    assert here(says) in churn_ml(house, "--dry-run", "--limit", "1")


def test_the_options_of_a_dry_run_go_with_it_only(house: House, tmp_path: Path) -> None:
    for words in (("--limit", "3"), ("--rows", str(tmp_path / "x.csv"))):
        done: Any = run(house, *words)
        assert done.exit_code == 2
        assert "--dry-run only" in done.output
    assert house.ledger.last_plan("crm_sql") is None


@pytest.mark.parametrize("kind", ["salesforce", "tryton"])
def test_a_dry_run_needs_no_connection_and_says_that_it_is_missing(
    house: House, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ABROAD", raising=False)
    toml = house.config.root / "churn.toml"
    section = f'[destinations.crm]\nkind = "{kind}"\nconnection = "abroad"\n'
    toml.write_text(f"{toml.read_text(encoding='utf-8')}\n{section}", encoding="utf-8")
    told = churn_ml(house, "--dry-run", "--limit", "1")
    assert "crm: would ask about" in told
    assert "crm_sql: would send" in told
    assert told.count("an export could not send it: there is no connection 'abroad'") == 1
    plans = json.loads(churn_ml(house, "--dry-run", "--json", "--limit", "1"))["plans"]
    assert plans["crm"]["kinds"] == plans["crm_sql"]["kinds"]
    assert plans["crm_sql"]["lacks"] is None


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["screen", "json"])
def test_a_walk_can_show_its_export_and_send_nothing(house: House, how: tuple[str, ...]) -> None:
    config = str(house.config.root / "churn.toml")
    words = ["run", "--config", config, "--as-of", "2017-10-01", "--dry-run", *how]
    done = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert done.exit_code == 0
    if how:
        told = json.loads(done.stdout)
        assert told["plans"].keys() == {"crm_file", "crm_sql"}
        steps = {step["name"]: step["status"] for step in told["steps"]}
        assert (steps["score"], steps["export"]) == ("done", "dry_run")
    else:
        assert "a dry run, nothing was sent" in done.stdout
        assert "crm_sql: would send" in done.stdout
    assert house.ledger.counted() == {}
    assert not (house.config.root / "exports").exists()
