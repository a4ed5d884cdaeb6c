"""Consent and suppression at the moment of sending (fault P3, P4)."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from datetime import date

import pytest

from churn_ml.config import Config, Consent, Offer, Shop
from churn_ml.crm.guard import Guard
from churn_ml.crm.payload import removal
from churn_ml.crm.protocol import Row
from churn_ml.errors import StaleAttempt, Unreachable

DAY = date(2017, 10, 1)
OFFERS = (Offer(code="COUPON", label="c"), Offer(code="BANNER", label="b", needs_consent=False))


def row(customer_id: str, offer: str) -> Row:
    return Row(customer_id, "upsert", DAY, {"offer": offer}, "9f")


def guard(default: str, consents: dict[str, bool], suppressed: set[str] | None = None) -> Guard:
    config = Config(
        shop=Shop(name="s", currency="EUR"),
        offers=OFFERS,
        consent=Consent(default=default),  # type: ignore[arg-type] # a str that pydantic checks
    )
    return Guard.of(config, suppressed=lambda _: suppressed or set(), consents=lambda _: consents)


def test_withdrawn_consent_withholds_offers_that_need_it_and_nothing_else() -> None:
    sent = [row("h1", "COUPON"), row("h2", "BANNER"), row("h3", "NONE")]
    nobody = dict.fromkeys(["h1", "h2", "h3"], False)
    assert guard("assumed", nobody).withheld(sent) == {"h1": "no_consent"}


@pytest.mark.parametrize(("default", "found"), [("assumed", {}), ("none", {"h1": "no_consent"})])
def test_without_a_word_of_the_customer_the_default_holds(
    default: str, found: dict[str, str]
) -> None:
    assert guard(default, {}).withheld([row("h1", "COUPON")]) == found


def test_suppression_withholds_every_upsert_whatever_the_consent() -> None:
    sent = [row("h1", "NONE"), row("h2", "COUPON")]
    found = guard("assumed", {"h2": True}, {"h1", "h2", "somebody else"}).withheld(sent)
    assert found == {"h1": "suppressed", "h2": "suppressed"}


def test_a_removal_is_never_withheld() -> None:
    assert guard("none", {}, {"h1"}).withheld([removal("h1", DAY)]) == {}


def test_p4_s9_a_source_that_cannot_be_read_stops_the_export_and_is_not_quoted() -> None:
    def down(_: Sequence[str]) -> set[str]:
        words = "canary-secret"
        raise ConnectionResetError(words)

    with pytest.raises(Unreachable, match="cannot read suppression: nothing is exported") as told:
        Guard(down, lambda _: {}, True, frozenset()).withheld([row("h1", "NONE")])
    assert "canary-secret" not in "".join(traceback.format_exception(told.value))
    assert (told.value.__cause__, told.value.__context__) == (None, None)
    assert str(told.value.where).startswith("test_guard.py:")
    with pytest.raises(Unreachable, match="cannot read consents"):
        Guard(lambda _: set(), down, True, frozenset()).withheld([])  # type: ignore[arg-type] # it raises


def test_an_error_of_ours_keeps_its_kind() -> None:
    def stale(_: Sequence[str]) -> set[str]:
        raise StaleAttempt("too late")

    with pytest.raises(StaleAttempt):
        Guard(stale, lambda _: {}, True, frozenset()).withheld([])


def spoken(word: dict[str, dict[str, bool]], consents: dict[str, bool], default: str) -> Guard:
    config = Config(
        shop=Shop(name="s", currency="EUR"),
        offers=(Offer(code="TEXT", label="t", channel="sms"), *OFFERS),
        consent=Consent(default=default),  # type: ignore[arg-type] # a str that pydantic checks
    )
    return Guard.of(
        config, suppressed=lambda _: (), consents=lambda _: consents, purposes=lambda _: word
    )


def test_p3_an_objection_to_one_channel_withholds_what_would_go_by_it() -> None:
    sent = [row("h1", "TEXT"), row("h2", "COUPON")]
    word = {"h1": {"sms": False}, "h2": {"sms": False}}
    assert spoken(word, {}, "assumed").withheld(sent) == {"h1": "no_consent"}


def test_consent_to_one_channel_is_enough_for_it_unless_all_contact_is_refused() -> None:
    sent = [row("h1", "TEXT"), row("h2", "TEXT"), row("h3", "COUPON")]
    word = {name: {"sms": True} for name in ("h1", "h2", "h3")}
    found = spoken(word, {"h2": False}, "none").withheld(sent)
    assert found == {"h2": "no_consent", "h3": "no_consent"}


def test_p3_who_objects_to_profiling_after_the_score_is_withheld_whole() -> None:
    told = Row("h2", "upsert", DAY, {"offer": "NONE", "segment": "PROFILING_OPT_OUT"}, "9f")
    word = {"h1": {"profiling": False}, "h2": {"profiling": False}, "h3": {"profiling": True}}
    found = spoken(word, {}, "assumed").withheld([row("h1", "NONE"), told, row("h3", "NONE")])
    assert found == {"h1": "profiling_opt_out"}
