"""Reaching MLflow: one try, an answer in seconds, and no secret in what is told."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from churn_ml.errors import NotReady, Unreachable
from churn_ml.reach import knock, reached
from churn_ml.registry import Registry


def test_a_password_in_the_url_is_not_told() -> None:
    down = Registry("postgresql://churn:s3cret@127.0.0.1:9/mlflow", Path("x"), "gone30")
    with pytest.raises(Unreachable) as caught:
        down.aliases()
    assert "s3cret" not in str(caught.value)


def test_our_own_errors_pass_as_they_are() -> None:
    with pytest.raises(NotReady), reached("sqlite:///mlflow.db"):
        raise NotReady("not logged yet")


def test_warnings_of_mlflow_stay_inside() -> None:
    with reached("sqlite:///mlflow.db"):
        warnings.warn("noload is deprecated", DeprecationWarning, stacklevel=1)


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    knock(f"sqlite:///{tmp_path}/new/mlflow.db")
    assert (tmp_path / "new").is_dir()
