"""HubSpot through its official client: the pace, the token, the hosts it may ask."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from churn_ml.connections import Endpoint
from churn_ml.crm import Ack, HubSpotDestination
from churn_ml.crm.hubspot.client import Session, client, trouble
from churn_ml.crm.means import MemoryBuckets
from churn_ml.crm.remote import Caller
from churn_ml.errors import BadConfig, Unreachable
from churn_ml.limits import Limit

from ..fakes import faults
from ..fakes.hubspot import TOKEN, HubSpot
from ..fakes.rig import Clock, row
from .world import OCTOBER, batch, opened


def test_r1_the_limit_of_the_day_stops_at_once_and_keeps_the_plan(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    account.script.add(faults.http(429, daily=True, path="upsert"))
    with pytest.raises(Unreachable, match="limit of the day"):
        crm.send(batch(row("h1", OCTOBER)))
    assert account.count("upsert") == 1


def test_r1_a_429_that_names_no_pause_waits_for_the_rolling_limit(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    account.script.add(faults.http(429, path="upsert"))
    crm.send(batch(row("h1", OCTOBER)))
    assert isinstance(crm.clock, Clock)
    assert crm.clock.slept == [10.0]


def test_r2_a_slow_answer_runs_into_the_timeout_and_is_asked_again(account: HubSpot) -> None:
    account.script.add(faults.slow(0.4))
    caller = Caller("crm", Limit(100), MemoryBuckets(), trouble, timeout=(0.2, 0.1))
    caller.sleep = lambda _: None
    endpoint = Endpoint.of(account.connection, "here")
    session = Session(endpoint, "here", caller, test_host=True)
    assert session.ask(session.properties.get_all, "contacts").results
    assert len(account.asked) == 2


def test_r8_an_expired_token_is_named_once(account: HubSpot, crm: HubSpotDestination) -> None:
    account.script.add(faults.expired(path="upsert"))
    canary = batch(row("CANARY-7f3a", OCTOBER))
    with pytest.raises(BadConfig, match="does not take the token") as caught:
        crm.send(canary)
    assert account.count("upsert") == 1
    shown = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in shown
    assert "CANARY" not in shown


def test_r8_an_oauth_app_gets_a_new_token_and_goes_on(account: HubSpot) -> None:
    url = f"hubspot://id:secret@127.0.0.1:{account.port}?refresh_token=fresh"
    crm = opened(account, connection=url)
    crm.preflight()
    account.script.add(faults.expired(path="upsert"))
    assert crm.send(batch(row("h1", OCTOBER))) == [Ack("h1")]
    assert account.count("oauth") == 2


def test_r8_a_refresh_token_that_is_not_taken_is_named(account: HubSpot) -> None:
    url = f"hubspot://id:secret@127.0.0.1:{account.port}?refresh_token=stale"
    with pytest.raises(BadConfig, match="does not take the refresh token"):
        opened(account, connection=url).preflight()


@pytest.mark.parametrize(
    "url", ["hubspot://:token@evil.example", "hubspot://:token@10.0.0.1", "hubspot://:token@[::1]"]
)
def test_s12_a_connection_to_another_host_is_refused(url: str) -> None:
    with pytest.raises(BadConfig, match="may not be sent to this host") as caught:
        client(Endpoint.of(url, "here"), "here")
    assert "token" not in str(caught.value.got)


def test_s12_a_redirect_is_not_followed(account: HubSpot, crm: HubSpotDestination) -> None:
    account.script.add(faults.http(307, path="upsert"))
    asked = len(account.asked)
    with pytest.raises(BadConfig, match="307"):
        crm.send(batch(row("h1", OCTOBER)))
    assert len(account.asked) == asked + 2  # the read, and the one answer that was no answer


def test_a_connection_without_a_token_says_where_it_belongs() -> None:
    with pytest.raises(BadConfig, match="has no token"):
        client(Endpoint.of("hubspot://api.hubapi.com", "here"), "here")


def test_the_fake_keeps_its_state_and_takes_faults_from_a_file(tmp_path: Path) -> None:
    with HubSpot(tmp_path) as fake:
        crm = opened(fake)
        crm.preflight()
        crm.send(batch(row("h1", OCTOBER)))
        with (tmp_path / "faults.jsonl").open("a") as script:
            script.write(faults.http(429, retry_after=3, path="upsert").line())
        crm.send(batch(row("h2", OCTOBER)))
        assert isinstance(crm.clock, Clock)
        assert crm.clock.slept == [3.0]
    with HubSpot(tmp_path) as again:
        held = [cells["customer_id"] for cells in opened(again).holds()]
    assert held == ["h1", "h2"]
