"""The kill switch in the ledger: for one destination, for all, and lifted again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from churn_ml.errors import Stopped
from churn_ml.ledger import EVERY, Ledger, Lifted, Stop

AT = datetime(2017, 10, 2, 9, tzinfo=UTC)


def test_a_stop_of_all_holds_for_each_until_it_is_lifted() -> None:
    ledger = Ledger.open("sqlite://")
    ledger.stop(EVERY, who="ada", why="drill", at=AT)
    for destination in ("crm", "bi"):
        with pytest.raises(Stopped, match=r"all exports are stopped .*ada, 2017-10-02 09:00 UTC"):
            ledger.heed_stops(destination)
    assert not ledger.allow("crm", who="ada", at=AT)
    assert ledger.lifted() == []
    assert ledger.stops() == [Stop(EVERY, AT, "ada", "drill")]
    assert ledger.allow(EVERY, who="bob", at=AT.replace(hour=11))
    ledger.heed_stops("crm")
    assert ledger.lifted() == [
        Lifted(Stop(EVERY, AT, "ada", "drill"), AT.replace(hour=11), "bob"),
    ]


def test_the_stop_that_was_lifted_last_stands_first(ledger: Ledger) -> None:
    for why in ("drill", "odd segments", "a fair"):
        ledger.stop("crm", who="ada", why=why, at=AT)
        ledger.allow("crm", who="bob", at=AT)
    assert [one.stop.why for one in ledger.lifted()] == ["a fair", "odd segments", "drill"]


def test_a_second_stop_leaves_the_first_with_its_name_and_reason() -> None:
    ledger = Ledger.open("sqlite://")
    ledger.stop("crm", who="ada", why="odd segments", at=AT)
    ledger.stop("crm", who="bob", why="drill", at=AT.replace(hour=10))
    assert ledger.stops() == [Stop("crm", AT, "ada", "odd segments")]


def test_a_stop_of_one_destination_is_not_that_of_all(ledger: Ledger) -> None:
    for destination, why in (("crm", "odd segments"), (EVERY, "drill"), ("crm", "drill")):
        ledger.stop(destination, who="ada", why=why, at=AT)
    assert [one.destination for one in ledger.stops()] == [EVERY, "crm"]
    lifted = [ledger.allow(EVERY, who="ada", at=AT) for _ in range(2)]
    assert lifted == [True, False]
    ledger.heed_stops("bi")
    with pytest.raises(Stopped, match="odd segments"):
        ledger.heed_stops("crm")
