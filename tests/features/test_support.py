"""Support, by hand: what is counted, what waits for the solution, and the edges of windows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from churn_ml.features.support import ANSWERS, COMPLAINTS, COMPLEXITY, INQUIRY, UNANSWERED

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]
SOLVED = [{"customer_id": "y", "occurred_at": "2017-09-01", "resolved_at": datetime(2017, 9, 2)}]
"""Somebody else's ticket, which shows that the shop records solutions."""


def test_the_worked_example_of_the_module(read: Read, on: On) -> None:
    tickets = on(1, 30, 31, kind="inquiry") + on(2, kind="presales") + on(3, kind="complaint")
    # 1 and 30 days ago are inquiries of the window; 90 days ago is an order of it, 91 is not.
    assert read(INQUIRY, orders=on(1, 40, 90, 91), tickets=tickets) == {
        "inquiries_30d": 2,
        "inquiry_per_order_30d": 0.5,
    }


def test_who_neither_writes_nor_buys_has_no_inquiry_per_order(read: Read, on: On) -> None:
    assert read(INQUIRY, orders=on(100), tickets=[]) == {
        "inquiries_30d": 0,
        "inquiry_per_order_30d": 0,
    }


def test_a_ticket_is_complex_by_its_contacts_or_when_it_was_opened_again(
    read: Read, on: On
) -> None:
    tickets = on(1, contacts=3, reopened=False) + on(2, contacts=2, reopened=False)
    tickets += on(3, contacts=1, reopened=True) + on(90, contacts=7) + on(5, reopened=False)
    tickets += on(91, contacts=9)  # before the window
    tickets += on(1, 2, 3)  # open: nobody knows yet
    # 3 contacts, opened again, 7 contacts of five resolved ones
    assert read(COMPLEXITY, orders=on(1), tickets=tickets) == {
        "complex_ticket_share_90d": 0.6,
        "complex_ticket_share_90d_has_base": 1,
    }
    assert read(COMPLEXITY, orders=on(1), tickets=on(1)) == {
        "complex_ticket_share_90d": None,
        "complex_ticket_share_90d_has_base": 0,
    }


def test_complaints_against_the_window_before(read: Read, on: On) -> None:
    tickets = on(1, 45, 90, 91, 180, 181, kind="complaint") + on(2, kind="feedback")
    # 3 now (1, 45, 90), 2 before (91, 180); orders of the window: 1 and 90.
    assert read(COMPLAINTS, orders=on(1, 90, 180), tickets=tickets) == {
        "complaints_90d": 3,
        "complaints_per_order_90d": 1,
        "complaints_delta_90d": 1,
        "complaints_delta_90d_has_base": 1,
    }


def test_who_came_in_the_window_before_has_no_change_of_complaints(read: Read, on: On) -> None:
    found = read(COMPLAINTS, orders=on(1, 179), tickets=on(1, kind="complaint"))
    assert found["complaints_90d"] == 1
    assert found["complaints_delta_90d"] is None
    assert found["complaints_delta_90d_has_base"] == 0


@pytest.mark.parametrize(("shops_first", "change"), [(179, None), (180, 2)])
def test_tickets_recorded_only_in_the_window_before_are_no_base(
    read: Read, on: On, shops_first: int, change: float | None
) -> None:
    tickets = on(1, 2, kind="complaint") + on(shops_first, kind="inquiry", customer_id="y")
    found = read(COMPLAINTS, orders=on(800), tickets=tickets)
    assert found["complaints_delta_90d"] == change
    assert found["complaints_delta_90d_has_base"] == (change is not None)


def _ticket(ago: int, first: float | None, solved: float | None) -> dict[str, Any]:
    """A ticket opened at 10:00, answered and solved so many hours later."""
    opened = datetime(2017, 10, 1, 10) - timedelta(days=ago)

    def after(hours: float | None) -> datetime | None:
        return None if hours is None else opened + timedelta(hours=hours)

    return {
        "occurred_at": opened,
        "first_response_at": after(first),
        "resolved_at": after(solved),
    }


def test_hours_to_answer_and_to_solve_are_medians_of_what_is_over(read: Read, on: On) -> None:
    tickets = [
        _ticket(180, 1, 10),
        _ticket(20, 2.5, 50),
        _ticket(10, 30, None),  # answered, not solved
        _ticket(1, None, None),  # waits
        _ticket(181, 100, 100),  # before the window
    ]
    # first answers 1, 2.5 and 30 hours; solutions 10 and 50 hours
    assert read(ANSWERS, orders=on(1), tickets=tickets) == {
        "first_response_h_180d": 2.5,
        "resolve_h_180d": 30,
    }
    assert read(ANSWERS, orders=on(1), tickets=[_ticket(1, None, None)]) == {
        "first_response_h_180d": None,
        "resolve_h_180d": None,
    }


def test_hours_to_answer_are_counted_in_whole_seconds(read: Read) -> None:
    ticket = {
        "occurred_at": datetime(2017, 9, 20, 10, microsecond=900_000),
        "first_response_at": datetime(2017, 9, 20, 12, microsecond=100_000),
        "resolved_at": datetime(2017, 9, 20, 13, microsecond=100_000),
    }
    assert read(ANSWERS, orders=[{"occurred_at": "2017-09-01"}], tickets=[ticket]) == {
        "first_response_h_180d": 2,
        "resolve_h_180d": 3,
    }


@pytest.mark.parametrize(("ago", "count"), [(7, 0), (8, 1), (800, 1)])
def test_feedback_is_unanswered_once_it_is_older_than_a_week(
    read: Read, on: On, ago: int, count: int
) -> None:
    tickets = on(ago, kind="feedback") + SOLVED
    found = read(UNANSWERED, orders=on(1), tickets=tickets)
    assert found == {"unanswered_feedback_7d": count}


def test_where_the_shop_solved_no_ticket_nobody_knows_which_are_open(read: Read, on: On) -> None:
    found = read(UNANSWERED, orders=on(1), tickets=on(20, 800, kind="complaint"))
    assert found == {"unanswered_feedback_7d": None}
    assert read(UNANSWERED, orders=on(1), tickets=SOLVED) == {"unanswered_feedback_7d": 0}


def test_open_complaints_and_feedback_are_counted_and_nothing_else(read: Read, on: On) -> None:
    tickets = on(20, 30, kind="complaint") + on(20, kind="feedback") + on(20, kind="inquiry")
    tickets += on(40, kind="complaint", resolved_at=datetime(2017, 9, 30))
    assert read(UNANSWERED, orders=on(1), tickets=tickets) == {"unanswered_feedback_7d": 3}
