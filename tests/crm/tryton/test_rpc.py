"""Calls to a Tryton server that are lost, or that it does not take."""

from __future__ import annotations

import pytest

from churn_ml.crm.protocol import Ack
from churn_ml.crm.tryton import TrytonDestination
from churn_ml.errors import BadConfig, Unreachable

from .place import Place, batch, hashes
from .server import RETRY_AFTER_S


@pytest.mark.parametrize("how", ["before", "after", "slow", "429", "503"])
@pytest.mark.parametrize(
    "method", ["party.party.create", "party.party.write", "ir.attachment.create"]
)
def test_r1_r2_r3_r4_a_call_that_is_lost_late_or_not_taken_is_made_again_without_harm(
    place: Place, method: str, how: str
) -> None:
    place.send(place.upsert("h1", segment="LOST"))
    rows = [place.upsert("h1"), place.upsert("h2"), place.upsert("h3")]
    with place.server.losing(method, how) as proxy:
        assert proxy.destination(place.root).send(batch(*rows)) == [
            Ack(row.customer_id) for row in rows
        ]
    assert (proxy.lost, len(proxy.slept)) == (1, 1)
    assert how != "429" or proxy.slept == [RETRY_AFTER_S]
    assert place.held() == hashes(*rows)
    assert (len(place.notes()), len(place.parties("h1", "h2", "h3"))) == (3, 3)


@pytest.mark.parametrize("how", ["slow", "503"])
def test_r2_a_server_that_stays_slow_or_busy_is_unreachable_and_the_next_run_heals(
    place: Place, how: str
) -> None:
    rows = [place.upsert("h1"), place.upsert("h2")]
    with place.server.losing("ir.attachment.create", how, times=3) as proxy:
        with pytest.raises(Unreachable, match="3 failures in a row"):
            proxy.destination(place.root).send(batch(*rows))
        assert proxy.destination(place.root).send(batch(*rows)) == [
            Ack(row.customer_id) for row in rows
        ]
    assert place.held() == hashes(*rows)
    assert len(place.notes()) == 2


def test_s12_a_redirect_is_not_followed_and_names_the_address(place: Place) -> None:
    with (
        place.server.losing("party.category.search_read", "307") as proxy,
        pytest.raises(BadConfig, match="no redirect is followed"),
    ):
        proxy.destination(place.root).send(batch(place.upsert("h1")))
    assert proxy.lost == 1


def test_r8_a_session_that_is_closed_is_opened_once_again(place: Place) -> None:
    place.send(place.upsert("h1"))
    first = place.crm.crm.session
    place.crm.crm.session = first[:-8] + "AAAAAAA="
    assert place.send(place.upsert("h2")) == [Ack(place.code("h2"))]
    assert place.crm.crm.session != first


def test_r8_s8_a_wrong_password_is_bad_config_at_once_and_is_not_shown(place: Place) -> None:
    client = place.server.client(password="wrong-one")
    with pytest.raises(BadConfig, match="does not let the export in") as refused:
        TrytonDestination("crm", client, "me", root=place.root).preflight()
    assert "wrong-one" not in str(refused.value) + repr(client) + repr(refused.value.__cause__)


def test_r9_a_user_without_the_rights_is_refused_before_row_1(place: Place) -> None:
    call = place.crm.crm.call
    call("res.user.create", [{"name": "w", "login": place.root, "password": "w-of-the-tests"}])
    client = place.server.client(user=place.root, password="w-of-the-tests")
    with pytest.raises(BadConfig, match=r"may not .*party\.category"):
        TrytonDestination("crm", client, "me", root=f"{place.root}9").preflight()


def test_r2_a_server_that_is_away_is_unreachable(place: Place) -> None:
    client = place.server.client(port=1, failures_in_a_row=2, sleep=lambda _: None)
    with pytest.raises(Unreachable, match="the plan is kept"):
        TrytonDestination("crm", client, "me", root=place.root).send(batch(place.upsert("h1")))
