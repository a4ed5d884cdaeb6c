"""What the front page says of exports that wait for a yes, or are stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from churn_ml.ledger import NOBODY, Ledger
from churn_ml.ledger.stops import EVERY
from churn_ml.receipts import Receipt

from .test_page import Reading, read
from .told import AT, HOSTILE, NEXT, file


def told(page: Reading) -> str:
    return " ".join(page.text.split())


def told_of(visitor: Any) -> str:
    """The front page as a viewer reads it."""
    return told(read(visitor("viewer")))


@pytest.fixture
def further(settings: Path) -> None:
    """A destination of a further contract."""
    club = (
        '[contracts.club]\nname = "club"\nevent = "renewal"\n[destinations.club]\nkind = "file"\n'
    )
    with settings.open("a", encoding="utf-8") as toml:
        toml.write(f'{club}target = "club"\ncontract = "club"\n')


def test_r13_a_plan_that_waits_is_told_until_it_is_answered(ledger: Ledger, visitor: Any) -> None:
    ledger.ask("crm", "5f1c", NEXT, 700, 2000, AT)
    page = told(read(visitor("viewer")))
    assert "An export waits for an answer. To crm, as of 2017-11-01: 700 changes where it" in page
    assert "holds 2,000 customers (35.0 %), asked 2026-11-21 09:05 UTC" in page
    assert "in the run of churn_export, under Required actions" in page
    assert "churn-ml export approve crm --plan 5f1c" in page
    ledger.answer("crm", "5f1c", "refuse", NOBODY, AT)
    assert "waits for an answer" not in told(read(visitor("viewer")))


def test_r13_a_manager_reads_who_is_affected_and_what_a_no_means(
    ledger: Ledger, visitor: Any
) -> None:
    kinds = {"upserts": 640, "creates": 40, "removals": 60, "of_rows": 2000, "share": 0.35}
    affected = {"segment": {"LOST": 600, "others": 40}, "cause": {"FX": 7}}
    asks = kinds | {"plan_id": "5f1c", "refused": False, "limit": 0.3, "affected": affected}
    counts = {"sent": 0, "unchanged": 0, "removed": 0}
    for one in (asks, asks | {"plan_id": "other", "creates": 639}):
        details = {"destinations": {"crm": counts | {"asks": one}}}
        file(ledger, Receipt("export", NEXT, "asks", details=details))
    ledger.ask("crm", "5f1c", NEXT, 700, 2000, AT)
    page = told_of(visitor)
    assert "40 new, 600 changed, 60 removed; it asks above 30.0 % (receipt)" in page
    assert "Most told segments: LOST 600, others 40. Most told causes: FX 7." in page
    assert "A no, or no answer in time, sends nothing: the destination stays as it is" in page
    assert "churn-ml export --as-of 2017-11-01 --dry-run" in page
    receipt = told(read(visitor("viewer"), "/receipts/export/2017-11-01/1"))
    assert "SegmentLost600 Others40" in receipt


def test_a_plan_of_an_older_version_is_told_without_what_it_did_not_tell(
    ledger: Ledger, visitor: Any
) -> None:
    asks = {"plan_id": "5f1c", "upserts": 640, "removals": 60, "of_rows": 2000, "share": 0.35}
    details = {"destinations": {"crm": {"sent": 0, "asks": asks | {"refused": False}}}}
    file(ledger, Receipt("export", NEXT, "asks", details=details))
    ledger.ask("crm", "5f1c", NEXT, 700, 2000, AT)
    page = told_of(visitor)
    assert "700 changes where it" in page
    assert "Most told" not in page


def test_the_first_load_has_no_share_and_a_further_contract_its_own_dag(
    further: None, ledger: Ledger, visitor: Any
) -> None:
    ledger.ask("club", "5f1c", NEXT, 700, 0, AT)
    page = told(read(visitor("viewer")))
    assert "700 changes where it holds 0 customers, asked" in page
    assert "in the run of churn_export.club" in page
    assert "churn-ml export --as-of 2017-11-01 --contract club --dry-run" in page


def test_a_stop_is_told_with_who_made_it_and_why(ledger: Ledger, visitor: Any) -> None:
    ledger.stop("crm", who="ada", why="odd segments", at=AT)
    page = told(read(visitor("viewer")))
    assert "Exports to crm are stopped. ada, 2026-11-21 09:05 UTC: odd segments." in page
    assert "churn-ml export allow crm, then export again" in page
    ledger.stop(EVERY, who="bob", why="a fair", at=AT)
    assert "All exports are stopped. bob" in told(read(visitor("viewer")))
    for one in ("crm", EVERY):
        ledger.allow(one, who="ada", at=AT)
    assert "stopped" not in told(read(visitor("viewer")))


def test_what_an_export_held_back_stands_beside_what_it_sent(ledger: Ledger, visitor: Any) -> None:
    asks = {"plan_id": "5f1c", "upserts": 640, "removals": 60, "of_rows": 2000, "share": 0.35}
    counts = {"sent": 0, "unchanged": 0, "removed": 0, "asks": asks | {"refused": False}}
    file(ledger, Receipt("export", NEXT, "asks", details={"destinations": {"crm": counts}}))
    client = visitor("viewer")
    assert "700 held back" in told(read(client))
    assert "a person has to say yes first" in told(read(client, "/receipts/export/2017-11-01/1"))


def test_hostile_names_and_reasons_stay_text_s5(ledger: Ledger, visitor: Any) -> None:
    ledger.ask(HOSTILE[:60], HOSTILE[:60], NEXT, 700, 2000, AT)
    ledger.stop(HOSTILE[:60], who=HOSTILE, why=HOSTILE, at=AT)
    page = read(visitor("viewer"))
    assert HOSTILE in page.text
    assert [tag for tag, _ in page.tags if tag in {"img", "iframe", "style"}] == []
    assert [found for tag, found in page.tags if tag == "script"] == [
        {"src": "/static/frame.js", "defer": None}
    ]


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403)])
def test_who_may_not_read_learns_of_no_stop_s6(
    ledger: Ledger, visitor: Any, role: str | None, status: int
) -> None:
    ledger.stop("crm", who="ada", why="odd segments", at=AT)
    answer = visitor(role).get("/")
    assert answer.status_code == status
    assert "odd segments" not in answer.text
