"""Every DAG file, as Airflow reads it: it imports, keeps the rules, and has its shape.

The files are found by glob and read once, in a process of its own with an AIRFLOW_HOME of its own:
describe.py says how. No run, no database, no network. The seconds are processor seconds that a file
takes beside importing airflow.sdk, which the DAG processor has loaded once for all files; on an
idle machine they are the seconds on the wall.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "dags"
FILES = sorted(path.name for path in FOLDER.glob("churn_*.py"))
HEAVY = {"pandas", "numpy", "pyarrow", "duckdb", "ibis", "mlflow", "sklearn", "xgboost"}
LINES = 70
SECONDS = 1.0

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("airflow") is None,
    reason="Airflow is not installed: the core is tested without it",
)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every DAG file under the demo's churn.toml, none, a broken one, one with two contracts."""
    folder = tmp_path_factory.mktemp("airflow")
    broken = folder / "churn.toml"
    broken.write_text('[shop]\nname = "s"\ncurrency = "EUR"\n[schedule]\nhour = 4\n')
    good = FOLDER.parent / "churn.toml"
    further = folder / "further.toml"
    club = '[contracts.club]\nname = "club"\nevent = "renewal"\n'
    further.write_text(f"{good.read_text()}\n{club}")
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / "describe.py", FOLDER, good, "", broken, further],
        env=os.environ | {"AIRFLOW_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest, read: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = read[0][request.param]
    return found


@pytest.fixture
def dag(file: dict[str, Any]) -> dict[str, Any]:
    assert "error" not in file, file["error"]
    (only,) = file["dags"]
    return dict(only)


def test_a_file_imports_fast_without_a_warning_and_without_anything_heavy(
    file: dict[str, Any],
) -> None:
    assert "error" not in file, file["error"]
    assert file["warnings"] == []
    assert not HEAVY & set(file["packages"])
    assert file["seconds"] < SECONDS


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_thin_and_holds_the_dag_of_its_name(
    name: str, read: list[dict[str, Any]]
) -> None:
    assert len((FOLDER / name).read_text().splitlines()) <= LINES
    assert [dag["dag_id"] for dag in read[0][name]["dags"]] == [name.removesuffix(".py")]


def test_what_the_files_share_is_not_read_as_a_dag() -> None:
    shared = {path.name for path in FOLDER.glob("*.py")} - set(FILES)
    assert shared == set((FOLDER / ".airflowignore").read_text().split("\n")[1:]) - {""}


def test_without_a_churn_toml_the_ui_shows_what_to_do(read: list[dict[str, Any]]) -> None:
    for told in read[1].values():
        assert "CHURN_ML_CONFIG is not set" in told["error"]
        assert "where: Airflow's DAG processor and workers" in told["error"]
        assert "next step: " in told["error"]


def test_a_broken_churn_toml_is_shown_with_its_place(read: list[dict[str, Any]]) -> None:
    for told in read[2].values():
        assert "unknown key 'hour' | where: [schedule]" in told["error"]


def test_the_policy_is_told_in_plain_words(dag: dict[str, Any]) -> None:
    assert dag["description"] == dag["doc_md"].split("\n")[0].removeprefix("### ")
    for part in ("**When**", "**Reads**", "**Writes**", "**When it fails**", "**A past day**"):
        assert part in dag["doc_md"]


def test_the_policy_says_how_to_make_the_pool(dag: dict[str, Any]) -> None:
    assert "**Tasks stay scheduled, none starts**" in dag["doc_md"]
    assert "`airflow pools set churn_ml 2 steps`" in dag["doc_md"]


def test_the_policy_says_what_is_never_cleared(read: list[dict[str, Any]]) -> None:
    (promote,) = read[0]["churn_promote.py"]["dags"]
    told = " ".join(promote["doc_md"].split())
    assert "After a new training of that day never clear `ask` or `judge`" in told
    assert "trigger the DAG again" in told


def test_the_clock_is_fixed_and_one_run_goes_at_a_time(dag: dict[str, Any]) -> None:
    assert dag["start_date"] == "2017-01-01T00:00:00+00:00", "churn.toml's [schedule] start_on"
    assert dag["end_date"] == "2017-12-31T00:00:00+00:00", "churn.toml's [schedule] end_on"
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)


def test_every_run_has_a_key(dag: dict[str, Any]) -> None:
    if dag["timetable"] == "CronPartitionTimetable":
        assert dag["key_format"] == "%Y-%m-%d"
    else:
        assert dag["timetable"] == "PartitionedAssetTimetable"


def test_tags_say_whose_it_is(dag: dict[str, Any]) -> None:
    assert "churn_ml" in dag["tags"]
    assert len(dag["tags"]) > 1


def test_every_field_of_the_form_explains_itself(dag: dict[str, Any]) -> None:
    for param in dag["params"].values():
        assert param["description"]
        assert param["schema"]["title"]
        assert param["schema"]["type"] == "boolean"
        assert param["value"] is False, "runs that nobody triggered take the default"


def test_every_task_has_owner_pool_timeout_and_a_sentence(dag: dict[str, Any]) -> None:
    for name, task in dag["tasks"].items():
        assert (task["owner"], task["pool"]) == ("churn_ml", "churn_ml")
        assert task["timeout_seconds"] == 120 * 60
        assert task["doc"] or name == "ask"


def test_the_class_of_an_error_decides_whether_it_is_tried_again(dag: dict[str, Any]) -> None:
    for task in dag["tasks"].values():
        assert [(r["exception"], r["action"], r.get("retry_delay")) for r in task["rules"]] == [
            ("churn_ml.errors.Permanent", "fail", None),
            ("churn_ml.errors.Transient", "retry", None),
            ("builtins.Exception", "retry", 30.0),
        ]


def test_o8_the_waits_between_tries_grow_and_outlast_ten_minutes(dag: dict[str, Any]) -> None:
    """As Airflow's scheduler reckons them: from the DAG as it is stored, not as it was written."""
    for task in dag["tasks"].values():
        waits = task["retry_waits_seconds"]
        assert len(waits) == 5
        assert waits == sorted(waits)
        assert waits[0] < 60
        assert sum(waits) > 10 * 60
        assert max(waits) <= 10 * 60


def test_c10_no_task_needs_a_triggerer(dag: dict[str, Any]) -> None:
    assert not any(task["triggers"] for task in dag["tasks"].values())
    waits = {task["waits_by"] for task in dag["tasks"].values() if task["waits_seconds"]}
    assert waits <= {"TaskAwaitingInput"}, "the scheduler keeps who waits, not a trigger"
    assert bool(waits) == (dag["dag_id"] in {"churn_export", "churn_promote"})


def test_a_task_hands_on_one_value_and_not_one_a_key(dag: dict[str, Any]) -> None:
    assert not any(task["splits"] for task in dag["tasks"].values())


SHAPES: dict[str, tuple[list[str], list[str], dict[str, tuple[list[str], list[str]]]]] = {
    "churn_ingest": ([], ["repin"], {"ingest": ([], ["canonical"])}),
    "churn_score": (["canonical", "champion"], ["repin"], {"score": ([], ["actions"])}),
    "churn_export": (
        ["actions"],
        ["dry_run"],
        {
            "export": ([], []),
            "route": (["export"], []),
            "ask": (["route"], []),
            "send": (["ask", "export"], []),
        },
    ),
    "churn_learn": (["canonical"], ["repin"], {"learn": ([], [])}),
    "churn_train": (
        ["canonical"],
        ["repin"],
        {
            "prepare": ([], []),
            "fit": (["prepare"], []),
            "conclude": (["fit"], ["challenger"]),
            "log": (["conclude"], []),
        },
    ),
    "churn_promote": (
        ["challenger"],
        [],
        {
            "judge": ([], []),
            "route": (["judge"], []),
            "ask": (["route"], []),
            "record": (["ask", "judge", "route"], []),
            "announce": (["record"], ["champion"]),
        },
    ),
}
"""DAG -> the assets it follows, the fields of its form, its tasks: those before, the outlets."""


def test_a_dag_has_its_tasks_edges_assets_and_form(dag: dict[str, Any]) -> None:
    tasks = {name: (task["after"], task["outlets"]) for name, task in dag["tasks"].items()}
    assert (dag["after"], sorted(dag["params"]), tasks) == SHAPES[dag["dag_id"]]


def test_a_further_contract_has_dags_and_assets_of_its_own(read: list[dict[str, Any]]) -> None:
    found = {dag["dag_id"]: dag for told in read[3].values() for dag in told["dags"]}
    steps = {"churn_train", "churn_promote", "churn_score", "churn_export", "churn_learn"}
    assert set(found) == {"churn_ingest", *steps, *(f"{name}.club" for name in steps)}
    assert found["churn_score.club"]["after"] == ["canonical", "champion.club"]
    assert found["churn_export.club"]["after"] == ["actions.club"]
    assert found["churn_score.club"]["tasks"]["score"]["outlets"] == ["actions.club"]


def test_scoring_follows_either_the_data_or_the_first_champion(read: list[dict[str, Any]]) -> None:
    (score,) = read[0]["churn_score.py"]["dags"]
    assert score["any_of"]


def test_each_candidate_is_a_task_of_its_own_named_by_its_family(
    read: list[dict[str, Any]],
) -> None:
    (train,) = read[0]["churn_train.py"]["dags"]
    mapped = {name: task["mapped"] for name, task in train["tasks"].items()}
    assert mapped == {"prepare": False, "fit": True, "conclude": False, "log": False}
    assert train["tasks"]["fit"]["map_name"] == "{{ task.op_kwargs['name'] }}"


def test_no_answer_is_a_no_and_is_recorded(read: list[dict[str, Any]]) -> None:
    (promote,) = read[0]["churn_promote.py"]["dags"]
    ask, record = promote["tasks"]["ask"], promote["tasks"]["record"]
    assert ask["answers"] == [["Promote", "Reject"], ["Reject"]]
    assert ask["waits_seconds"] == 72 * 3600
    assert record["trigger_rule"] == "none_failed_min_one_success"


def test_no_answer_about_an_export_is_a_no(read: list[dict[str, Any]]) -> None:
    (export,) = read[0]["churn_export.py"]["dags"]
    ask = export["tasks"]["ask"]
    assert ask["answers"] == [["Send", "Keep back"], ["Keep back"]]
    assert ask["waits_seconds"] == 72 * 3600
