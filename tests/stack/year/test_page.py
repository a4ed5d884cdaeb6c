"""The page in the running Airflow, as a person sees it: headless Chromium, logged in by the form.

What unit tests cannot know is tried here: the frame's sandbox, the cookie, the links on task
instances, and that a browser finds nothing to complain of under the page's policy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

    from .conftest import Running

CHROMIUM = shutil.which("chromium")
PATHS = ("/", "/report.json", "/receipts/score/2017-10-01/1", "/static/page.css", "/docs", "/x")

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; tests that ask for it are skipped where there is none, the others are not."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # root has no user namespace to build Chromium's sandbox from
    args = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=args)
        yield opened
        opened.close()


class Visit:
    """A person in Airflow's UI; what the browser complained of, and where it went."""

    def __init__(self, browser: Browser, told: Running, scheme: Any = "light") -> None:
        self.url = told.airflow_url
        self.complaints: list[str] = []
        self.hosts: set[str | None] = set()
        size: Any = {"width": 1400, "height": 950}
        self.page: Page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
        self._log_in(told.users)
        self.page.on("console", lambda said: self._hear(said.type, said.text))
        self.page.on("pageerror", lambda error: self._hear("error", str(error)))
        self.page.on("request", lambda asked: self._note(asked.url))

    def _log_in(self, users: dict[str, str]) -> None:
        """By the form; Airflow itself logs 401 before that, so listening begins after it."""
        self.page.goto(f"{self.url}/")
        self.page.fill("input[name=username]", "demo-approver")
        self.page.fill("input[name=password]", users["demo-approver"])
        self.page.keyboard.press("Enter")
        self.page.get_by_role("link", name="Churn").first.wait_for()

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)

    def _note(self, url: str) -> None:
        if urlsplit(url).scheme not in {"blob", "data"}:
            self.hosts.add(urlsplit(url).hostname)

    def enter(self) -> FrameLocator:
        """Through the navigation to the page's frame."""
        self.page.get_by_role("link", name="Churn").first.click()
        frame = self.page.frame_locator("iframe")
        frame.get_by_role("heading", name="Last runs").wait_for()
        return frame


@pytest.fixture(scope="module")
def visit_in(told: Running, browser: Browser) -> Callable[[str], Visit]:
    """The visit of somebody who likes that colour scheme; who has come once stays."""

    @cache
    def visit(scheme: str) -> Visit:
        return Visit(browser, told, scheme)

    return visit


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_reads_the_page_inside_airflow(
    visit_in: Callable[[str], Visit], tmp_path: Path, scheme: str
) -> None:
    visit = visit_in(scheme)
    frame = visit.enter()
    for heading in (
        "Champion now",
        "Verdicts",
        "Models side by side",
        "Segments as of 2017-11-01",
        "Did the predictions come true?",
        "Exports",
        "Rows set aside",
    ):
        assert frame.get_by_role("heading", name=heading).is_visible(), heading
    assert "customers were scored for leaving within 30 days" in frame.locator("main").inner_text()
    frame.locator(f"html[data-theme={scheme}]").wait_for()
    assert frame.locator("figure.difference svg").first.is_visible()
    styled = "element => getComputedStyle(element).borderRadius"
    assert frame.locator(".tile").first.evaluate(styled) == "12px", "the style sheet did not load"
    picture = tmp_path / f"page-{scheme}.png"
    visit.page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000
    assert (visit.complaints, visit.hosts) == ([], {"127.0.0.1"})


def test_links_lead_from_a_run_to_its_receipt_to_its_task_and_back(
    visit_in: Callable[[str], Visit],
) -> None:
    visit = visit_in("light")
    frame = visit.enter()
    frame.get_by_role("link", name="score", exact=True).first.click()
    frame.get_by_role("heading", name="Score as of 2017-11-01").wait_for()
    frame.locator("a.outer").first.click()
    visit.page.wait_for_url("**/dags/churn_score/runs/**")
    assert visit.page.locator("iframe").count() == 0, "Airflow's UI opened inside the frame"
    visit.page.get_by_role("link", name="Details", exact=True).click()
    visit.page.get_by_role("link", name="Receipt", exact=True).click()
    visit.page.wait_for_url("**/plugin/churn/churn/receipts/score/2017-11-01/*")
    back = visit.page.frame_locator("iframe")
    back.get_by_role("heading", name="Score as of 2017-11-01").wait_for()
    assert visit.hosts == {"127.0.0.1"}


def test_the_task_that_logs_a_training_links_to_its_run_in_mlflow(told: Running) -> None:
    tasks = told.airflow.tasks(told.airflow.runs(dag="churn_train"))
    logged = [task for task in tasks if (task.name, task.state) == ("log", "success")]
    links = [told.airflow.ask("GET", f"{task.path}/links")["extra_links"] for task in logged]
    urls = [found["MLflow run"] for found in links]
    assert urls
    assert all(url.startswith(told.stack.mlflow_url) and "@" not in url for url in urls), urls


def test_nobody_gets_401_from_airflow_itself_and_a_login_gets_in(told: Running) -> None:
    with httpx.Client(base_url=f"{told.airflow_url}/churn", timeout=30) as client:
        assert {path: client.get(path).status_code for path in PATHS} == dict.fromkeys(PATHS, 401)
        login = {"username": "demo-approver", "password": told.users["demo-approver"]}
        token = client.post(f"{told.airflow_url}/auth/token", json=login).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        codes = {path: client.get(path).status_code for path in PATHS}
    assert codes == dict(zip(PATHS, (200, 200, 200, 200, 404, 404), strict=True))
