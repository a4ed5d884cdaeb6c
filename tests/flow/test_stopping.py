"""Exports stopped, allowed again and undone, through the hall and from a shell."""

from __future__ import annotations

import getpass
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from churn_ml import cli, flow
from churn_ml.cli.typed import here
from churn_ml.errors import BadInput, NotReady, Stopped, Unreachable
from churn_ml.flow.doctor import doctor
from churn_ml.house import House

from ..conftest import FIRST
from .test_approving import under


@pytest.fixture
def house(copy_of: Callable[[Path], House], scored: Path) -> House:
    return copy_of(scored)


def churn_ml(house: House, *words: str) -> str:
    config = str(house.config.root / "churn.toml")
    done = CliRunner().invoke(
        cli.app, ["export", *words, "--config", config], catch_exceptions=False
    )
    assert done.exit_code == 0
    return done.stdout


def test_every_export_stops_until_it_is_allowed_again(house: House) -> None:
    told = churn_ml(house, "stop", "--why", "odd segments", "--who", "ada")
    assert told.startswith("all exports are stopped: ada, ")
    with pytest.raises(Stopped, match=r"ada.*odd segments.*churn-ml export allow"):
        flow.export(house, FIRST)
    assert not (house.config.root / "exports").exists()
    finding = next(one for one in doctor(house) if one["check"] == "exports")
    assert (finding["well"], finding["next_step"]) == (False, "churn-ml export allow")
    with pytest.raises(BadInput, match="not stopped"):
        flow.allow(house, "crm_sql", who="ada")
    with pytest.raises(BadInput, match="needs a name"):
        flow.allow(house, None, who=" ")
    for who, why in (("ada", " "), ("", "drill")):
        with pytest.raises(BadInput, match="a name and a reason"):
            flow.stop(house, "crm_sql", who=who, why=why)
    with pytest.raises(BadInput, match=r"no destination 'CRM'.*crm_file, crm_sql"):
        flow.stop(house, "CRM", who="ada", why="drill")
    assert churn_ml(house, "allow") == "no export is stopped\n"
    flow.stop(house, "crm_file", who="ada", why="drill")
    with pytest.raises(Stopped, match="exports to crm_file are stopped"):
        flow.export(house, FIRST)
    assert len(house.ledger.state("crm_sql")) > 100, "the others go on"
    flow.allow(house, "crm_file", who="ada")
    assert flow.export(house, FIRST).status == "done"


def test_a_second_stop_and_a_lifted_one_are_told_beside_what_is_stopped(house: House) -> None:
    def export(*words: str) -> Result:
        told = ["export", *words, "--config", str(house.config.root / "churn.toml")]
        return CliRunner().invoke(cli.app, told, catch_exceptions=False)

    first = export("stop", "crm_sql", "--why", "odd segments", "--who", "ada")
    assert first.stderr == ""
    again = export("stop", "crm_sql", "--why", "drill", "--who", "bob")
    assert again.stderr == "crm_sql was stopped already: the first stop stays\n"
    assert "ada" in again.stdout
    assert "bob" not in again.stdout
    export("stop", "crm_file", "--why", "drill", "--who", "bob")
    told = export("allow", "crm_sql", "--who", "eve").stdout
    assert told.startswith("the stop of crm_sql is lifted; what is stopped still:\n")
    assert "exports to crm_file are stopped: bob" in told
    first_line, before, lifted = export("stops").stdout.splitlines()
    assert first_line.startswith("exports to crm_file are stopped: bob")
    assert here("churn-ml export allow crm_file") in first_line
    assert before == "stopped before:"
    assert lifted.startswith("  crm_sql: stopped by ada, ")
    assert ": odd segments; lifted by eve, " in lifted
    assert export("allow", "crm_file").stdout == "no export is stopped\n"
    assert export("stops").stdout.startswith("no export is stopped\nstopped before:\n  crm_file: ")
    plain = json.loads(export("stops", "--json").stdout)
    assert plain["stops"] == []
    assert [(one["who"], one["lifted_by"]) for one in plain["lifted"]] == [
        ("bob", getpass.getuser()),
        ("ada", "eve"),
    ]


def test_an_undone_export_leaves_the_target_empty_and_stopped(house: House) -> None:
    with pytest.raises(NotReady, match="no export to undo"):
        flow.undo(house, "crm_sql", who="ada")
    assert house.ledger.stops() == []
    sent = flow.export(house, FIRST).details["destinations"]["crm_sql"]["sent"]
    told = churn_ml(house, "undo", "crm_sql", "--who", "ada", "--dry-run")
    counts = f"0 would be told anew, {sent:,} would be removed"
    settled = house.ledger.story(min(house.ledger.told("crm_sql")))
    at = next(one.settled_at for one in settled if one.destination == "crm_sql")
    assert at is not None
    sent_at = f"sent {at:%Y-%m-%d %H:%M} UTC by export/2017-10-01/1, {sent} rows"
    about = f"crm_sql: the export as of 2017-10-01, {sent_at}, would be undone: {counts}\n"
    assert told.startswith(about)
    assert "(first told by the undone export: 2017-10-01)" in " ".join(told.split())
    assert f"and {sent - 5:,} more: --limit 0, or --rows FILE.csv" in told
    dry = json.loads(churn_ml(house, "undo", "crm_sql", "--dry-run", "--json"))
    assert len(dry["plans"]["crm_sql"]["changes"]) == sent
    known = dry["export"]
    assert (known["rows"], known["run"], known["repair"]) == (sent, "export/2017-10-01/1", False)
    assert house.ledger.stops() == []
    done = json.loads(churn_ml(house, "undo", "crm_sql", "--who", "ada", "--json"))
    assert (done["sent"], done["removed"]) == (0, sent)
    assert done["exported_as_of"] == "2017-10-01"
    with pytest.raises(Stopped, match="exports to crm_sql are stopped"):
        flow.export(house, FIRST)
    assert {one.agreeing for one in flow.reconcile(house).values() if one.whole} == {0, sent}
    churn_ml(house, "allow", "crm_sql")
    assert flow.export(house, FIRST).details["destinations"]["crm_sql"]["sent"] == sent


def test_an_undo_says_that_the_export_it_undoes_was_a_repair(house: House) -> None:
    flow.export(house, FIRST)
    doubted = sorted(house.ledger.told("crm_sql"))[:3]
    house.ledger.doubt("crm_sql", doubted, house.clock())
    flow.export(house, FIRST)
    dry = churn_ml(house, "undo", "crm_sql", "--dry-run")
    first_line = dry.splitlines()[0]
    assert " by export/2017-10-01/2, 3 rows, which only repaired what was in doubt" in first_line
    why = "as it was told before (as before the undone export: 2017-10-01)"
    assert why in " ".join(dry.split())
    done = json.loads(churn_ml(house, "undo", "crm_sql", "--who", "ada", "--json"))
    assert (done["export"]["rows"], done["export"]["repair"]) == (3, True)
    assert done["sent"] == 3, "the export before it is not reached"


def test_an_undo_takes_back_what_waits_on_top_of_what_it_undid(house: House) -> None:
    flow.export(house, FIRST)
    asking = under(house, ask_above=0.5)
    asking.ledger.doubt("crm_file", list(asking.ledger.state("crm_file")), asking.clock())
    assert flow.export(asking, FIRST).status == "asks"
    (waits,) = asking.ledger.waiting()
    finding = next(one for one in doctor(asking) if one["check"] == "exports")
    plan = f"none is stopped; plan {waits.plan_id} as of 2017-10-01 for crm_file waits for a yes"
    assert (finding["well"], finding["told"]) == (True, plan)
    assert finding["next_step"] == "churn-ml export waiting"
    flow.undo(asking, "crm_file", who="ada")
    assert asking.ledger.waiting() == []


def test_a_stop_of_one_destination_hides_no_plan_that_waits_for_another(house: House) -> None:
    asking = under(house, first_load="ask")
    flow.stop(asking, "crm_sql", who="ada", why="drill")
    with pytest.raises(Stopped) as raised:
        flow.export(asking, FIRST)
    (one,) = asking.ledger.waiting()
    told = str(raised.value.next_step)
    assert "churn-ml export allow crm_sql" in told
    assert (
        f"crm_file waits for a yes: churn-ml export approve crm_file --plan {one.plan_id}" in told
    )


def test_a_destination_that_fails_hides_no_plan_that_waits_for_another(house: House) -> None:
    (house.config.root / "crm.db").mkdir()  # no database can be opened there
    asking = under(house, first_load="ask")
    with pytest.raises(Unreachable, match="crm_sql does not answer") as raised:
        flow.export(asking, FIRST)
    (one,) = asking.ledger.waiting()
    first, waits = str(raised.value.next_step).split("; ")
    assert first.startswith("run the export again")
    assert (
        waits == f"crm_file waits for a yes: churn-ml export approve crm_file --plan {one.plan_id}"
    )
    with pytest.raises(Unreachable):
        flow.send(asking, FIRST, plans={"crm_file": one.plan_id}, answer="approve", who="ada")
    assert len(asking.ledger.state("crm_file")) > 100  # the yes was heard all the same
    assert asking.ledger.waiting() == []


def test_a_destination_that_does_not_answer_keeps_no_other_from_its_export(house: House) -> None:
    (house.config.root / "crm.db").mkdir()  # no database can be opened there
    known = house.config.destinations
    first = {name: known[name] for name in ("crm_sql", "crm_file")}
    house = replace(house, config=house.config.model_copy(update={"destinations": first}))
    flow.stop(house, "crm_file", who="ada", why="drill")
    with pytest.raises(Unreachable, match="crm_sql does not answer"):
        flow.export(house, FIRST)
    flow.allow(house, "crm_file", who="ada")
    with pytest.raises(Unreachable, match="crm_sql does not answer"):
        flow.export(house, FIRST)
    assert len(house.ledger.state("crm_file")) > 100
    (house.config.root / "crm.db").rmdir()
    assert flow.export(house, FIRST).status == "done"
    assert house.ledger.state("crm_sql").keys() == house.ledger.state("crm_file").keys()


def without(house: House, name: str) -> House:
    """The house whose churn.toml has that destination no more."""
    kept = {n: told for n, told in house.config.destinations.items() if n != name}
    return replace(house, config=house.config.model_copy(update={"destinations": kept}))


def test_a_destination_that_churn_toml_has_no_more_is_named_until_it_is_emptied(
    house: House,
) -> None:
    flow.export(house, FIRST)
    count = len(house.ledger.told("crm_file"))
    left = without(house, "crm_file")
    finding = next(one for one in doctor(left) if one["check"] == "destination crm_file")
    assert not finding["well"]
    assert finding["told"].startswith(f"holds {count:,} customers, and churn.toml has it no more")
    assert "put [destinations.crm_file] back" in finding["next_step"]
    shutil.rmtree(house.config.root / "exports")
    flow.reconcile(house, repair=True)
    assert "destination crm_file" not in [one["check"] for one in doctor(left)]


def test_suppress_says_where_a_customer_stands_whom_no_export_reaches(house: House) -> None:
    flow.export(house, FIRST)
    one, other = sorted(house.ledger.told("crm_file"))[:2]
    toml = house.config.root / "churn.toml"

    def suppress(*customers: str) -> str:
        words = ["suppress", *customers, "--config", str(toml)]
        return CliRunner().invoke(cli.app, words, catch_exceptions=False).stdout

    assert suppress(one).count("\n") == 1, "every place is reached"
    toml.write_text(toml.read_text().replace("[destinations.crm_file]", "[destinations.renamed]"))
    told = suppress(other, "nobody").splitlines()
    assert told[1].startswith(f"{other} still stands in crm_file, which churn.toml has no more")
    assert len(told) == 2, "of who stands nowhere nothing is said"
