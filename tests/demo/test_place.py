"""The demo's key holds for the story alone, and its folder is the only one it empties."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from churn_ml import demo
from churn_ml.config import from_text, load
from churn_ml.demo.place import BESIDE, MARK, held, set_up
from churn_ml.errors import BadInput
from churn_ml.house import silent
from churn_ml.sources import complete_journey


def test_the_demo_draws_its_holdout_with_the_published_key_and_gives_yours_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(demo.KEY_VARIABLE, "the key of my own shop")
    with demo.published_key():
        assert os.environ[demo.KEY_VARIABLE] == demo.DEMO_KEY
    assert os.environ[demo.KEY_VARIABLE] == "the key of my own shop"


def test_the_key_does_not_outlive_a_story_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(demo.KEY_VARIABLE)
    with pytest.raises(ZeroDivisionError), demo.published_key():
        _ = 1 / 0
    assert demo.KEY_VARIABLE not in os.environ


def test_a_folder_that_is_not_the_demos_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="not a demo folder"):
        demo.tell(tmp_path, households=1, keep=False, say=silent)
    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_of_the_demo_is_emptied_unless_it_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with held(folder, keep=False):
        (folder / "old").touch()
        (folder / "older").mkdir()
    with held(folder, keep=True):
        assert (folder / "old").exists()
    with held(folder, keep=False):
        assert [path.name for path in folder.iterdir()] == [MARK]


@pytest.mark.parametrize("keep", [True, False])
def test_a_second_demo_does_not_empty_the_folder_under_the_first(
    tmp_path: Path, keep: bool
) -> None:
    folder = tmp_path / "demo"
    with held(folder, keep=False):
        (folder / "drops").touch()
        with pytest.raises(BadInput, match="another demo works"), held(folder, keep=keep):
            pytest.fail("both work in it")
        assert (folder / "drops").exists()


def test_a_folder_that_is_not_the_demos_is_not_marked_as_one_by_keep(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(BadInput, match="not a demo folder"), held(tmp_path, keep=True):
        pytest.fail("it is held")
    assert not (tmp_path / MARK).exists()


@pytest.mark.parametrize("stack", [True, False])
def test_a_demo_told_one_way_is_not_gone_on_with_the_other(tmp_path: Path, stack: bool) -> None:
    set_up(tmp_path, households=1, stack=stack, say=silent)
    set_up(tmp_path, households=1, stack=stack, say=silent)
    with pytest.raises(BadInput, match="its ledger is another"):
        set_up(tmp_path, households=1, stack=not stack, say=silent)


def test_beside_a_stack_the_shell_says_where_ledger_and_mlflow_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(set_up(tmp_path, households=1, stack=True, say=silent))
    monkeypatch.setenv("CHURN_ML_LEDGER", "postgresql://here/churn_ml")
    assert config.url(config.paths.ledger) == "postgresql://here/churn_ml"
    assert config.paths.mlflow == "${CHURN_ML_MLFLOW}"


def test_both_ways_run_under_the_same_settings_but_for_their_servers() -> None:
    direct = from_text(complete_journey.churn_toml())
    beside = from_text(f"{complete_journey.churn_toml()}\n{BESIDE}")
    assert direct.model_dump(exclude={"paths"}) == beside.model_dump(exclude={"paths"})
