"""Calling a CRM: pace, retries, breaker, token, the day's budget. Nothing sleeps."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from churn_ml.crm.address import allowed
from churn_ml.crm.means import MemoryBuckets
from churn_ml.crm.remote import Caller, Trouble, of_status
from churn_ml.errors import BadConfig, Unreachable
from churn_ml.limits import Limit

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


class Status(Exception):
    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(f"({status}) canary-h1")
        self.status, self.headers = status, {k.replace("_", "-"): v for k, v in headers.items()}


@dataclass
class Server:
    """A server that answers by script, and the clock of whoever waits for it."""

    script: list[Exception] = field(default_factory=list)
    now: float = NOON
    asked: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> str:
        self.asked.append(self.now)
        if self.script:
            raise self.script.pop(0)
        return "well"

    def caller(self, limit: Limit | None = None, **further: object) -> Caller:
        return Caller(
            "crm",
            limit or Limit(1000),
            MemoryBuckets(),
            self.trouble,
            clock=lambda: self.now,
            sleep=self.sleep,
            draw=lambda: 1.0,
            **further,  # type: ignore[arg-type]
        )

    def trouble(self, error: Exception) -> Trouble | None:
        if isinstance(error, Status):
            return of_status(error.status, error.headers, self.now)
        return Trouble("again", type(error).__name__) if isinstance(error, OSError) else None


def test_r1_a_retry_after_is_honoured() -> None:
    server = Server([Status(429, Retry_After="7")])
    assert server.caller().call(server) == "well"
    assert server.asked == [NOON, NOON + 7]


def test_r1_a_retry_after_may_be_a_date() -> None:
    server = Server([Status(429, Retry_After="Sun, 22 Nov 2026 12:00:09 GMT")])
    server.caller().call(server)
    assert server.asked == [NOON, NOON + 9]


def test_r1_a_pause_beyond_the_deadline_ends_the_run_and_says_when_to_go_on() -> None:
    server = Server([Status(429, Retry_After="3600")])
    with pytest.raises(Unreachable, match="after 2026-11-22 13:00:00 UTC"):
        server.caller().call(server)
    assert server.now == NOON


def test_r1_a_spent_daily_budget_asks_nothing_more_and_says_when_to_go_on() -> None:
    server = Server()
    caller = server.caller(Limit(1000, per_day=2))
    assert [caller.call(server) for _ in range(2)] == ["well", "well"]
    with pytest.raises(Unreachable, match=r"requests are spent.*after 2026-11-23 00:00:00 UTC"):
        caller.call(server)
    assert len(server.asked) == 2


def test_r1_the_vendors_limit_of_the_day_stops_at_once() -> None:
    server = Server([Status(429)])
    caller = server.caller()
    caller.trouble = lambda error: Trouble("spent", "429")
    with pytest.raises(Unreachable, match="limit of the day"):
        caller.call(server)
    assert len(server.asked) == 1


def test_r1_retries_take_tokens_too() -> None:
    server = Server([ConnectionResetError()] * 3)
    server.caller(Limit(2, seconds=10.0)).call(server)
    assert all(later - first >= 10 for first, later in pairwise(server.asked))


def test_r2_r3_failures_are_tried_again_and_later_each_time() -> None:
    server = Server([Status(503), ConnectionResetError(), TimeoutError(), Status(500)])
    assert server.caller().call(server) == "well"
    waits = [later - first for first, later in pairwise(server.asked)]
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_r2_too_many_failures_in_a_row_open_the_breaker_until_it_has_rested() -> None:
    server = Server([Status(503)] * 9)
    caller = server.caller(failures_in_a_row=4)
    with pytest.raises(Unreachable, match="4 failures in a row"):
        caller.call(server)
    with pytest.raises(Unreachable, match="too often"):
        caller.call(server)
    assert len(server.asked) == 4
    server.now += 61
    with pytest.raises(Unreachable, match="failures in a row"):
        caller.call(server)
    assert len(server.asked) == 5  # one trial, not four
    server.now, server.script = server.now + 61, []
    assert caller.call(server) == "well"


def test_r2_a_call_ends_at_its_deadline() -> None:
    server = Server([Status(503)] * 50)
    with pytest.raises(Unreachable, match="503"):
        server.caller(deadline_seconds=20.0, failures_in_a_row=50).call(server)
    assert server.now - NOON <= 20


def test_r8_a_refused_token_is_renewed_once_a_call_and_never_in_a_loop() -> None:
    server, renewed = Server([Status(401)]), []
    caller = server.caller(renew=lambda: renewed.append(1))
    assert caller.call(server) == "well"
    server.script = [Status(401)] * 5
    with pytest.raises(BadConfig, match="does not take the token"):
        caller.call(server)
    assert (len(renewed), len(server.asked)) == (2, 4)


def test_r8_without_a_way_to_renew_it_a_refused_token_is_named_at_once() -> None:
    server = Server([Status(401)])
    with pytest.raises(BadConfig, match="valid token"):
        server.caller().call(server)


def test_s9_no_word_of_the_server_is_in_the_error_or_its_traceback() -> None:
    server = Server([Status(503)] * 9)
    with pytest.raises(Unreachable) as caught:
        server.caller().call(server)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_an_answer_that_is_no_trouble_goes_to_the_caller_as_it_is() -> None:
    server = Server([Status(400)])
    with pytest.raises(Status, match="400"):
        server.caller().call(server)
    assert len(server.asked) == 1


def found(*addresses: str) -> Callable[[str], list[str]]:
    return lambda host: list(addresses)


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://api.hubapi.com", ["104.16.1.1"]),
        ("ftp://api.hubapi.com", ["104.16.1.1"]),
        ("//api.hubapi.com", ["104.16.1.1"]),
        ("https://169.254.169.254/latest", ["169.254.169.254"]),
        ("https://[::1]/", ["::1"]),
        ("https://[::ffff:10.0.0.1]/", ["::ffff:10.0.0.1"]),
        ("https://[2002:7f00:1::]/", ["2002:7f00:1::"]),
        ("https://0x7f.1/", ["127.0.0.1"]),
        ("https://2130706433/", ["127.0.0.1"]),
        ("https://localhost./", ["127.0.0.1"]),
        ("https://crm.internal/", ["10.1.2.3"]),
        ("https://two.example/", ["104.16.1.1", "192.168.0.1"]),
        ("https://fe80.example/", ["fe80::1%eth0"]),
        ("https://nobody.example/", []),
        ("https://", []),
    ],
)
def test_s12_only_https_to_a_public_address_is_allowed(url: str, addresses: list[str]) -> None:
    with pytest.raises(BadConfig, match=r"https alone|private network"):
        allowed(url, "[destinations.crm]", resolve=found(*addresses))
    with pytest.raises(BadConfig):
        allowed(url, "[destinations.crm]", hosts=("hubapi.com",), resolve=found(*addresses))


@pytest.mark.parametrize(
    "url",
    [
        "https://hubapi.com.evil.example",
        "https://evilhubapi.com",
        "https://hubapi.com@evil.example",
        "https://evil.example/hubapi.com",
    ],
)
def test_s12_another_host_than_the_vendors_is_refused(url: str) -> None:
    with pytest.raises(BadConfig, match="may not be sent to this host"):
        allowed(url, "[destinations.crm]", hosts=("hubapi.com",), resolve=found("104.16.1.1"))


def test_s12_the_vendors_host_is_allowed_and_a_test_host_by_setting_alone() -> None:
    allowed("https://api.hubapi.com", "x", hosts=("hubapi.com",), resolve=found("104.16.1.1"))
    allowed("http://127.0.0.1:8080", "x", hosts=("hubapi.com",), test_host=True)
    with pytest.raises(BadConfig, match="https alone"):
        allowed("http://10.0.0.1:8080", "x", test_host=True)
    with pytest.raises(BadConfig, match="https alone"):
        allowed("http://127.0.0.1:8080", "x")


@pytest.mark.parametrize("address", ["10.1.2.3", "172.31.0.1", "192.168.1.2", "fd00::1"])
def test_s12_a_crm_of_the_shops_own_may_be_in_its_network_by_setting(address: str) -> None:
    allowed("https://erp.lan", "x", private_network=True, resolve=found(address))
    with pytest.raises(BadConfig, match="https alone"):
        allowed("http://erp.lan", "x", private_network=True, resolve=found(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0"])
def test_s12_this_machine_and_a_clouds_secrets_are_in_nobodys_network(address: str) -> None:
    with pytest.raises(BadConfig, match="private network"):
        allowed("https://erp.lan", "x", private_network=True, resolve=found(address))


def test_a_refused_address_says_what_it_should_be() -> None:
    with pytest.raises(BadConfig) as plain:
        allowed("http://api.hubapi.com", "x", hosts=("hubapi.com",))
    assert (plain.value.got, plain.value.expected) == ("http", "https")
    with pytest.raises(BadConfig) as vendors:
        allowed("https://api.hubapi.com", "x", hosts=("hubapi.com",), resolve=found("10.1.2.3"))
    assert vendors.value.expected == "a public host"
    with pytest.raises(BadConfig, match="private_network = true"):
        allowed("https://erp.lan", "x", resolve=found("10.1.2.3"))


def test_a_host_that_does_not_resolve_is_unreachable() -> None:
    def nowhere(host: str) -> list[str]:
        raise OSError

    with pytest.raises(Unreachable, match="is not known"):
        allowed("https://api.hubapi.com", "x", resolve=nowhere)
