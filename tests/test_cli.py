"""The command line on a shop of one's own: from a folder of files to an export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn_ml import cli

runner = CliRunner()


def churn_ml(*words: str) -> str:
    done = runner.invoke(cli.app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def own_shop(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders and order lines only, without a churn.toml."""
    folder = tmp_path_factory.mktemp("own") / "shop"
    for table in ("orders", "order_lines"):
        shutil.copytree(laid_out / "drops" / table, folder / table)
    return folder


def test_init_writes_a_churn_toml_that_the_check_accepts(own_shop: Path) -> None:
    told = churn_ml("init", str(own_shop))
    assert "config check" in told
    assert "is good" in churn_ml("config", "check", "--config", str(own_shop / "churn.toml"))


def test_a_shop_with_orders_and_lines_alone_runs_from_files_to_export(own_shop: Path) -> None:
    toml = own_shop / "churn.toml"
    if not toml.exists():
        churn_ml("init", str(own_shop))
    # nine months of history are too short for the 90 days that init proposes
    text = toml.read_text().replace("lookback_days = 180", "lookback_days = 90")
    toml.write_text(text.replace("horizon_days = 90", "horizon_days = 30"))
    # what the refusal of a first try tells to do
    with toml.open("a") as file:
        file.write('\n[validation.rules]\n"order_lines.quantity.positive" = 0.06\n')
    told = json.loads(churn_ml("run", "--config", str(toml), "--as-of", "2017-10-01", "--json"))
    done = {step["name"]: step["status"] for step in told["steps"]}
    assert (done["train"], done["promote"], done["score"]) == ("done", "promoted", "done")
    assert [export["sent"] > 200 for export in told["exports"]] == [True]
    assert "promoted" in churn_ml("report", "--config", str(toml))


def test_every_step_says_in_help_what_it_reads_and_writes() -> None:
    for step in ("ingest", "train", "promote", "score", "export", "learn", "run", "init"):
        told = churn_ml(step, "--help")
        assert "Reads:" in told, step
        assert "Writes:" in told, step


def test_a_step_prints_its_receipt_as_json(own_shop: Path, tmp_path: Path) -> None:
    state = shutil.ignore_patterns("ledger.db*", "lake")
    folder = Path(shutil.copytree(own_shop, tmp_path / "shop", ignore=state))
    if not (folder / "churn.toml").exists():
        churn_ml("init", str(folder))
    config = str(folder / "churn.toml")
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
