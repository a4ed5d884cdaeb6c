"""Reaching MLflow: one try, an answer in seconds, and no secret in what is told."""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path

import pytest

from churn_ml.errors import BadConfig, NotReady, Unreachable
from churn_ml.registry import Registry
from churn_ml.registry.reach import LOGIN, Place, knock, reached

DATABASE = Place.of("sqlite:///mlflow.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://churn:s3cret@127.0.0.1:9/mlflow",
        "postgres://churn:s3cret@127.0.0.1:9/mlflow",
        "http://churn:s3cret@127.0.0.1:9",
        "http://churn:s3cret@127.0.0.1:9/behind/a/proxy/",
    ],
)
def test_a_password_in_the_url_is_not_told(url: str) -> None:
    down = Registry(url, Path("x"), "gone30")
    with pytest.raises(Unreachable) as caught:
        down.aliases()
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__} {down.place}"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://churn:s3c/ret@127.0.0.1:9", "cannot be read"),
        ("http://churn:s3cret@127.0.0.1:port", "cannot be read"),
        ("https://:s3cret@127.0.0.1", "half a login"),
        ("https://s3cret@127.0.0.1", "half a login"),
    ],
)
def test_a_broken_url_is_refused_without_being_quoted(url: str, told: str) -> None:
    with pytest.raises(BadConfig, match=told) as caught:
        Registry(url, Path("x"), "gone30")
    assert "s3c" not in str(caught.value)


def test_the_login_stands_in_the_environment_only_while_a_call_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LOGIN[0], "someone")
    monkeypatch.delenv(LOGIN[1], raising=False)
    with reached(Place.of("http://churn:p%40ss@127.0.0.1:9")):
        assert [os.environ[name] for name in LOGIN] == ["churn", "p@ss"]
    assert os.environ[LOGIN[0]] == "someone"
    assert LOGIN[1] not in os.environ


def test_without_a_login_in_the_url_that_of_the_environment_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LOGIN[1], "mine")
    with reached(Place.of("http://127.0.0.1:9")):
        assert os.environ[LOGIN[1]] == "mine"


def test_two_threads_never_see_each_others_login() -> None:
    seen: list[tuple[str, str]] = []

    def use(name: str) -> None:
        for _ in range(200):
            with reached(Place.of(f"http://{name}:{name}@127.0.0.1:9")):
                seen.append((os.environ[LOGIN[0]], os.environ[LOGIN[1]]))

    threads = [threading.Thread(target=use, args=(name,)) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {("ada", "ada"), ("bob", "bob")}
    assert LOGIN[1] not in os.environ


def test_our_own_errors_pass_as_they_are() -> None:
    with pytest.raises(NotReady), reached(DATABASE):
        raise NotReady("not logged yet")


def test_warnings_of_mlflow_stay_inside() -> None:
    with reached(DATABASE):
        warnings.warn("noload is deprecated", DeprecationWarning, stacklevel=1)


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    knock(Place.of(f"sqlite:///{tmp_path}/new/mlflow.db"))
    assert (tmp_path / "new").is_dir()
