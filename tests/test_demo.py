"""The demo's key holds for the story alone, and its folder is the only one it empties."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from churn_ml import demo
from churn_ml.errors import BadInput
from churn_ml.house import silent


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


def test_going_on_by_hand_begins_with_the_demos_key() -> None:
    told = demo._go_on(Path("var/demo/churn.toml"))
    assert told.startswith("export CHURN_ML_HOLDOUT_KEY=complete-journey-demo-key; churn-ml ")
    assert told.endswith("--config var/demo/churn.toml")
