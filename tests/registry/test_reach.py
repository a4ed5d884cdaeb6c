"""Reaching MLflow: one try, an answer in seconds, and no secret in what is told."""

from __future__ import annotations

import os
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from churn_ml.errors import BadConfig, BrokenPromise, NotReady, Unreachable
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


@pytest.mark.parametrize("url", ["nothing://me:s3cret@db/x", "mysql+nodriver://me:s3cret@db/x"])
def test_a_database_that_cannot_be_meant_is_bad_config(url: str) -> None:
    with pytest.raises(BadConfig, match="cannot be opened by its URL") as caught:
        Registry(url, Path("x"), "gone30").aliases()
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"


class Answered(Exception):
    """An error as MLflow's client raises it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server said {status}\nand more")
        self.status = status

    def get_http_status_code(self) -> int:
        return self.status


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        (400, BrokenPromise),
        (404, BrokenPromise),
        (401, BadConfig),
        (403, BadConfig),
        (408, Unreachable),
        (409, Unreachable),
        (429, Unreachable),
        (500, Unreachable),
        (503, Unreachable),
    ],
)
def test_what_would_be_refused_again_is_not_tried_again(status: int, ours: Any) -> None:
    with pytest.raises(ours) as caught, reached(DATABASE):
        raise Answered(status)
    assert type(caught.value) is ours
    assert "and more" not in str(caught.value)


def test_a_tag_that_two_tasks_wrote_at_once_is_written_again() -> None:
    raced = Answered(400)
    raced.args = ("BAD_REQUEST: (psycopg2.errors.UniqueViolation) duplicate key",)
    with pytest.raises(Unreachable), reached(DATABASE):
        raise raced


def test_a_request_that_mlflow_refuses_is_told_as_a_defect(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts", "gone30")
    with reached(registry.place):
        run = registry._client.create_run(registry._experiment).info.run_id
    with pytest.raises(BrokenPromise, match=r"takes what it was asked for wrong.*HTTP 400"):
        with reached(registry.place):
            registry._client.log_param(run, "what?", "17")


@pytest.mark.parametrize("error", [KeyError("run"), TypeError("None"), ZeroDivisionError()])
def test_a_defect_of_our_own_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, reached(DATABASE):
        raise error
    assert caught.value is error


@contextmanager
def answering(status: int, location: str | None = None) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers every request alike; yields its host and the logins it was sent."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_login_does_not_follow_a_redirect_to_another_host() -> None:
    with (
        answering(200) as (other, told_there),
        answering(302, f"http://{other}/health") as (host, told_here),
    ):
        knock(Place.of(f"http://churn:s3cret@{host}"))
    assert [bool(login) for login in told_here] == [True]
    assert told_there == [None]


def test_warnings_of_mlflow_stay_inside() -> None:
    with reached(DATABASE):
        warnings.warn("noload is deprecated", DeprecationWarning, stacklevel=1)


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    knock(Place.of(f"sqlite:///{tmp_path}/new/mlflow.db"))
    assert (tmp_path / "new").is_dir()


def test_s8_a_password_with_signs_of_a_url_is_quoted_nowhere() -> None:
    url = "postgresql://ada:begin@middle:canary@h/mlflow"
    with pytest.raises(BadConfig, match="cannot be opened by its URL") as told:
        knock(Place.of(url))
    assert "canary" not in "".join(traceback.format_exception(told.value))
