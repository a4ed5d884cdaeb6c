"""What the page shows: the story, an empty house, hostile text, and what is missing."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from churn_ml.errors import Unreachable
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
from churn_page.app import HEADERS
from churn_page.source import source

from .told import CALLER, DAY, HOSTILE, NEXT, file, further, hostile, story


class Reading(HTMLParser):
    """The tags, attributes and text of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str]:
        return [str(found["href"]) for tag, found in self.tags if tag == "a"]


def read(client: Any, path: str = "/") -> Reading:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return Reading(answer.text)


def test_the_front_page_tells_the_story(ledger: Ledger, visitor: Any) -> None:
    story(ledger)
    page = read(visitor("viewer"))
    told = " ".join(page.text.split())
    for words in (
        "Churn at Corner shop",
        "As of 2017-11-01, 246 customers were scored",
        "1,548 EUR",
        "Inactivity rule since 2017-10-01, the first one",
        "+247 EUR per 1,000 customers against contacting nobody",
        "A promotion waits for an answer.",
        "Export as of 2017-11-01 failed.",
        "disk full | next step: make room",
        "+812 EUR per 1,000 customers",
        "it earns 812.00 EUR more",
        "the leaver first 83.0 % of the time, the champion 74.0 % (AUC). The difference is +0.090",
        "more than chance, p below 0.001",
        "finds 30.0 % of all leavers, 3.0 times as many as a blind choice",
        "1.25 EUR a customer by contacting 12.0 %",
        "Of 300 customers whom the policy chose chance left 30 alone.",
        "Of 12.5 % of the challenger's contacts, and 0.0 % of the champion's, no holdout tells.",
        "The difference would be +120 EUR per 1,000 customers where offers save few and +1,500",
        "xgboost was chosen on 2017-09-01.",
        "High risk, low value, silent",
        "2 of them are held out to compare",
        "29 further customers are outside the contract and not scored: 29 lost. 3 of them belong",
        "26.0 % 34.6 % 19.4 %",
        "1 rejected",
        "quantity is 0 or less",
        "churn_score, task score",
    ):
        assert words in told, words
    assert CALLER in page.links
    assert "/receipts/export/2017-11-01/2" in page.links


def test_the_front_page_tells_the_rates_and_every_contract(ledger: Ledger, visitor: Any) -> None:
    story(ledger)
    further(ledger)
    client = visitor("viewer")
    page = read(client)
    told = " ".join(page.text.split())
    main, renewal = told.split("Under the contract renewal")
    assert "Who stays, as of 2017-11-01" in main
    for words in ("2017-09 everybody 25.0 % 75.0 % — 240", "2017-09 tier gold 12.5 % 75.0 % — 31"):
        assert words in main, words
    for words in (
        "Champion: Inactivity rule, since 2017-10-01",
        "As of 2017-11-01, 77 customers were scored",
        "480 EUR are at risk",
        "High risk, high value, loyal",
        "no champion of renewals yet",
        "2017-09 everybody 25.0 %",
    ):
        assert words in renewal, words
    assert "answer it in the run of churn_promote.renewal" in main
    assert "/receipts/promote@renewal/2017-10-01/1" in {unquote(link) for link in page.links}
    inside = [link for link in page.links if link.startswith("/")]
    assert {client.get(link).status_code for link in inside} == {200}


def test_a_verdicts_picture_shows_bounds_zero_and_margin(ledger: Ledger, visitor: Any) -> None:
    """On a scale from 0 to 1,400 with 5 % to spare: zero at 5 %, the value 812 at 57.2 %."""
    story(ledger)
    tags = read(visitor("viewer")).tags
    whiskers = [t for _, t in tags if t.get("class") == "whisker good"]
    zeros = [t for _, t in tags if t.get("class") == "zero" and t.get("y2") == "52"]
    dots = [t for _, t in tags if t.get("class") == "dot good"]
    assert (whiskers[0]["x1"], whiskers[0]["x2"]) == ("18.5%", "95.0%")
    assert (zeros[0]["x1"], dots[0]["cx"]) == ("5.0%", "57.2%")


def test_the_json_twin_is_the_report_of_views(ledger: Ledger, visitor: Any) -> None:
    from churn_ml import views

    story(ledger)
    receipts = [filed.receipt for filed in reversed(ledger.receipts())]
    expected = json.loads(json.dumps(views.report(receipts)))
    assert visitor("viewer").get("/report.json").json() == expected


def test_a_receipt_has_a_page_and_a_twin(ledger: Ledger, visitor: Any) -> None:
    story(ledger)
    client = visitor("viewer")
    page = read(client, "/receipts/score/2017-11-01/1")
    told = " ".join(page.text.split())
    assert "Score as of 2017-11-01" in told
    assert "attempt 1, 0.6 s, filed 2026-11-21 09:05 UTC, asked by churn_score, task score" in told
    assert "1,548" in told
    twin = client.get("/receipts/score/2017-11-01/1.json").json()
    assert twin == json.loads(ledger.receipt("score/2017-11-01/1").receipt.to_json())


def test_every_link_of_the_front_page_leads_somewhere(ledger: Ledger, visitor: Any) -> None:
    story(ledger)
    client = visitor("viewer")
    inside = [link for link in read(client).links if link.startswith("/")]
    assert len(inside) > 8
    assert {client.get(link).status_code for link in inside} == {200}


def test_an_empty_house_says_what_to_do_next(ledger: Ledger, visitor: Any) -> None:
    told = " ".join(read(visitor("viewer")).text.split())
    assert "None yet Run churn_ingest for a date, such as 2017-10-01" in told
    for words in ("Nothing has run yet", "No verdict yet", "No segments yet", "Not known yet"):
        assert words in told, words


def test_hostile_text_stays_text_s5(ledger: Ledger, visitor: Any) -> None:
    references = hostile(ledger)
    client = visitor("viewer")
    for path in ["/", *(f"/receipts/{reference}" for reference in references)]:
        page = read(client, path)
        assert HOSTILE in page.text, path
        assert [t for t in page.tags if t[0] in {"img", "iframe", "object", "style"}] == []
        assert [found for tag, found in page.tags if tag == "script"] == [
            {"src": "/static/frame.js", "defer": None}
        ]
        assert not [n for _, found in page.tags for n in found if n.startswith("on")]
        assert all(link.startswith("/") for link in page.links), page.links


def test_the_twins_of_hostile_receipts_are_json(ledger: Ledger, visitor: Any) -> None:
    hostile(ledger)
    answer = visitor("viewer").get("/report.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/receipts/score/2017-10-01/1",
        "/receipts/score/soon/1",
        "/receipts/x/y/z",
        "/receipts/score/2017-10-01/99999999999999999999",
        "/receipts/score/2017-10-01/-1",
        "/receipts/score/2017-99-99/1",
        f"/receipts/{'s' * 5000}/2017-10-01/1",
        "/receipts/score/2017-10-01/\N{ARABIC-INDIC DIGIT ONE}",
        "/elsewhere",
    ],
)
def test_what_is_not_there_is_a_readable_404(ledger: Ledger, visitor: Any, path: str) -> None:
    answer = visitor("viewer").get(path)
    assert answer.status_code == 404
    assert "To the front page" in Reading(answer.text).text
    twin = visitor("viewer").get(f"{path}.json")
    assert (twin.status_code, twin.headers["content-type"]) == (404, "application/json")


@pytest.mark.parametrize("path", ["/", "/report.json", "/receipts/score/2017-10-01/1"])
def test_a_defect_is_a_readable_500_that_gives_nothing_away(
    ledger: Ledger, app: Any, visitor: Any, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("s3cret")

    client = visitor("viewer")
    app.dependency_overrides[source] = broken
    answer = client.get(path)
    assert answer.status_code == 500
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "The page itself failed" in answer.text
    assert not any(word in answer.text for word in ("s3cret", "RuntimeError", "Traceback"))
    assert "s3cret" in caplog.text, "the log of the API server has it"


def failed(ledger: Ledger, step: str, day: date, status: str = "failed") -> None:
    file(ledger, Receipt(step, day, status, details={"error": "disk full"}))


def stopped(visitor: Any) -> list[str]:
    """The steps that the front page says have failed."""
    return re.findall(r"<b>(\w+ as of [\d-]+) failed", visitor("viewer").get("/").text)


def test_a_failure_is_told_until_something_makes_it_good(ledger: Ledger, visitor: Any) -> None:
    failed(ledger, "score", DAY)
    failed(ledger, "export", DAY)
    assert stopped(visitor) == ["Score as of 2017-10-01", "Export as of 2017-10-01"]
    file(ledger, Receipt("score", DAY, "done"))
    assert stopped(visitor) == ["Export as of 2017-10-01"]
    file(ledger, Receipt("export", NEXT, "done"))
    assert stopped(visitor) == [], "the newer day sent what was left"


def test_an_older_day_that_fails_takes_nothing_back(ledger: Ledger, visitor: Any) -> None:
    file(ledger, Receipt("score", NEXT, "done"))
    failed(ledger, "score", DAY)
    assert stopped(visitor) == []


def test_showing_what_would_be_sent_makes_nothing_good(ledger: Ledger, visitor: Any) -> None:
    failed(ledger, "export", DAY)
    file(ledger, Receipt("export", DAY, "dry_run"))
    file(ledger, Receipt("export", NEXT, "dry_run"))
    assert stopped(visitor) == ["Export as of 2017-10-01"]


def test_what_comes_too_early_has_not_failed(ledger: Ledger, visitor: Any) -> None:
    failed(ledger, "train", DAY, "too_early")
    assert stopped(visitor) == []
    page = read(visitor("viewer"), "/receipts/train/2017-10-01/1")
    assert "it comes with time" in page.text
    assert "Why it failed" not in page.text
    assert not [tag for tag in page.tags if "bad" in (tag[1].get("class") or "")]


def test_without_settings_the_page_says_so_and_recovers(
    settings: Path, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHURN_ML_CONFIG")
    answer = visitor("viewer").get("/")
    assert answer.status_code == 503
    assert "Environment variable CHURN_ML_CONFIG is not set" in answer.text
    assert "export CHURN_ML_CONFIG=" in answer.text
    monkeypatch.setenv("CHURN_ML_CONFIG", str(settings))
    assert visitor("viewer").get("/").status_code == 200


def test_a_ledger_that_is_away_is_a_503_with_the_next_step(
    settings: Path, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://ada:s3cret@127.0.0.1:1/churn_ml"
    monkeypatch.setenv("AIRFLOW_CONN_CHURN_LEDGER", url)
    page, twin = visitor("viewer").get("/"), visitor("viewer").get("/report.json")
    assert (page.status_code, twin.status_code) == (503, 503)
    assert "Next step:" in page.text
    assert "start the database" in twin.json()["next_step"]
    for said in (page.text, twin.text):
        assert "s3cret" not in said
        assert "Traceback" not in said


def test_a_ledger_that_goes_away_later_is_a_503_too(
    ledger: Ledger, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise Unreachable("the ledger's database does not answer", next_step="start it")

    monkeypatch.setattr(Ledger, "receipts", gone)
    assert visitor("viewer").get("/").status_code == 503
