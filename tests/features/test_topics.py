"""Complaint topics: the shop's own, counted by hand, and the names they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from churn_ml.config import Features
from churn_ml.errors import BadConfig
from churn_ml.features import CATALOGUE, catalogue, names
from churn_ml.features.topics import COMPLAINT_TOPICS, by_topic

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def test_the_worked_example_of_the_module(read: Read, on: On) -> None:
    tickets = on("2017-09-20", kind="complaint", topic="Delivery")
    tickets += on("2017-09-01", kind="complaint", topic="colour")
    tickets += on("2017-08-01", kind="complaint")
    tickets += on("2017-09-02", kind="inquiry", topic="delivery")
    two = replace(COMPLAINT_TOPICS, of=by_topic(("delivery", "price")))
    assert read(two, orders=on(1), tickets=tickets) == {
        "complaints_delivery_180d": 1,
        "complaints_price_180d": 0,
        "complaints_other_180d": 2,
    }


def test_topics_of_the_house_are_counted_in_half_a_year(read: Read, on: On) -> None:
    tickets = on(180, 181, kind="complaint", topic="quality") + on(1, kind="complaint", topic="x")
    assert read(COMPLAINT_TOPICS, orders=on(1), tickets=tickets) == {
        "complaints_delivery_180d": 0,
        "complaints_quality_180d": 1,
        "complaints_price_180d": 0,
        "complaints_service_180d": 0,
        "complaints_payment_180d": 0,
        "complaints_other_180d": 1,
    }


def test_without_topics_every_complaint_is_another(read: Read, on: On) -> None:
    tickets = on(1, kind="complaint", topic="delivery") + on(2, kind="complaint")
    none = replace(COMPLAINT_TOPICS, of=by_topic(()))
    assert read(none, orders=on(1), tickets=tickets) == {"complaints_other_180d": 2}


def test_the_topics_of_churn_toml_reach_the_catalogue() -> None:
    own = catalogue(Features(complaint_topics=("Zoll / Gebühren",)))
    told = [name for name in names(own) if name.startswith("complaints_") and "180d" in name]
    assert told == ["complaints_zoll_gebühren_180d", "complaints_other_180d"]
    assert catalogue(Features()) == CATALOGUE


@pytest.mark.parametrize("topics", [("price", "Price "), ("?",), ("Other",), ("delta",)])
def test_topics_that_make_no_name_of_their_own_are_refused(topics: tuple[str, ...]) -> None:
    with pytest.raises(BadConfig, match="complaint_topics"):
        catalogue(Features(complaint_topics=topics))
