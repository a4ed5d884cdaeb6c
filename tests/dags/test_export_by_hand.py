"""What a person can do to churn_export by hand: hostile fields (O5), tasks marked as done (O9)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from churn_ml.config import load
from churn_ml.errors import BadInput, NotReady
from churn_ml.house import open_house

from .running import running

Work = Callable[[str, str], Callable[..., Any]]
HOSTILE = (
    '"; DROP TABLE plans; --',
    "1' OR '1'='1",
    "../../etc/passwd",
    "2017-10-01/../../..",
    "{{ 7 * 7 }}",
    "{{ conn.churn_ledger.password }}",
    "{% for x in range(9) %}x{% endfor %}",
    "$(touch /tmp/injected)",
    "`id`",
    "; id",
    "<script>alert(1)</script>",
    "2017-10-01\n2017-10-02",
    "\x00",
    "2017-10-0\N{ARABIC-INDIC DIGIT ONE}",
    "True",
    {"dry_run": {"$ne": 1}},
    ["2017-10-01"],
)


def exporting() -> Any:
    return importlib.import_module("churn_export").churn_export("")


@pytest.mark.parametrize("value", HOSTILE, ids=str)
def test_o5_the_form_takes_yes_or_no_and_nothing_else(door: ModuleType, value: Any) -> None:
    """As a worker takes what a run was triggered with, whoever sent it past the form."""
    from airflow.sdk.definitions.param import process_params
    from airflow.sdk.exceptions import ParamValidationError

    dag = exporting()
    task, conf = dag.get_task("export"), {"dry_run": value}
    with pytest.raises(ParamValidationError):
        process_params(dag, task, conf, suppress_exception=False)
    assert process_params(dag, task, None, suppress_exception=False) == {"dry_run": False}


@pytest.mark.parametrize("key", [one for one in HOSTILE if isinstance(one, str)], ids=str)
def test_o5_a_hostile_key_opens_no_house_and_its_error_runs_nothing(
    door: ModuleType, work: Work, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a house was opened")

    monkeypatch.setattr("churn_ml.house.open_house", opened)
    with running(key, dry_run=False), pytest.raises(BadInput) as raised:
        work("churn_export", "export")()
    assert raised.value.got == repr(key)


def test_o5_what_the_question_shows_is_text_and_no_template(door: ModuleType) -> None:
    """The body is drawn by Airflow's own template engine, once: what it holds is not run."""
    dag = exporting()
    said = {"subject": "{{ 7 * 7 }}", "body": "{{ conn.churn_ledger.password }} {% raw %}"}
    ask = dag.get_task("ask")
    ti = SimpleNamespace(xcom_pull=lambda task: {"export": said}[task])
    ask.render_template_fields({"ti": ti}, dag.get_template_env())
    assert (ask.subject, ask.body) == (said["subject"], said["body"])


def test_o9_a_scoring_marked_as_done_without_its_data_sends_nothing(
    at_shop: Path, work: Work
) -> None:
    """The marker is the publication in the ledger, not the colour of a task."""
    with running("2017-10-01", dry_run=False), pytest.raises(NotReady) as raised:
        work("churn_export", "export")()
    assert "scores is not published" in str(raised.value)
    assert "churn-ml score --as-of 2017-10-01" in str(raised.value.next_step)
    assert not (at_shop / "exports").exists()
    assert not (at_shop / "crm.db").exists()


def test_o9_an_export_marked_as_done_asks_nobody(door: ModuleType, work: Work) -> None:
    assert not work("churn_export", "route")(None)


def test_o9_a_question_marked_as_done_is_a_no_by_nobody(at_cautious: Path, work: Work) -> None:
    with running("2017-10-01", dry_run=False):
        told = work("churn_export", "export")()
        assert work("churn_export", "send")(None, told)["status"] == "kept_back"
    assert open_house(load(at_cautious / "churn.toml")).ledger.last_plan("crm_file") is None
