"""The fence in Tryton's categories: of two who feed them one goes on, and not with older cells."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from churn_ml.crm.protocol import Ack, Rejection
from churn_ml.crm.tryton import TrytonDestination
from churn_ml.crm.tryton.rpc import Tryton
from churn_ml.errors import BadConfig, NotReady, StaleAttempt

from .place import NOVEMBER, Place, batch, hashes


def test_o3_a_second_deployment_is_refused(place: Place) -> None:
    second = place.server.destination(place.root, owner="you / with a slash")
    with pytest.raises(BadConfig, match="owner me"):
        second.preflight()
    with pytest.raises(StaleAttempt):
        second.send(batch(place.upsert("h1")))
    assert place.held() == {}
    own = place.server.destination(f"{place.root}2", owner="you / with a slash")
    own.preflight()
    own.preflight()


def test_o4_a_batch_of_an_older_as_of_is_a_stale_attempt(place: Place) -> None:
    place.send(place.upsert("h1", NOVEMBER))
    with pytest.raises(StaleAttempt, match="later as_of"):
        place.send(place.upsert("h1"), place.upsert("h2"))
    assert place.held() == hashes(place.upsert("h1", NOVEMBER))


@pytest.mark.parametrize(
    "method",
    [
        "party.party.search_read",
        "party.party.create",
        "party.party.write",
        "ir.attachment.search_read",
        "ir.attachment.write",
        "ir.attachment.create",
    ],
)
def test_o4_who_sleeps_between_two_calls_finds_nothing_of_his_done(
    place: Place, method: str
) -> None:
    newest = place.upsert("h2", NOVEMBER, segment="LOST", score=0.9)
    newer = [newest, place.remove("h1"), place.remove("h3")]
    place.send(place.upsert("h2"))

    def meanwhile() -> None:
        assert place.send(*newer) == [Ack(row.customer_id) for row in newer]

    late = sleeping(place, method, meanwhile)
    with pytest.raises(StaleAttempt):
        late.send(batch(place.upsert("h1"), place.upsert("h2", segment="NEW"), place.upsert("h3")))
    assert place.held() == hashes(newest)
    assert len(place.notes()) == 1


def sleeping(place: Place, method: str, meanwhile: Callable[[], None]) -> TrytonDestination:
    """A second process of the same deployment, to which `meanwhile` happens before a call."""

    class Sleeper(Tryton):
        asleep = False

        def call(self, name: str, *parameters: object, read: Any = None) -> Any:
            if name == method and not self.asleep:
                self.asleep = True
                meanwhile()
            return super().call(name, *parameters, read=read)

    client = place.server.client(kind=Sleeper)
    return TrytonDestination("crm", client, "me", root=place.root)


def test_o2_two_that_send_the_same_at_once_make_no_party_and_no_attachment_twice(
    place: Place,
) -> None:
    rows = [place.upsert(f"h{number}") for number in range(30)]
    answers: list[list[Ack | Rejection]] = []

    def send() -> None:
        answers.append(place.server.destination(place.root).send(batch(*rows)))

    both = [Thread(target=send) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert answers == [[Ack(row.customer_id) for row in rows]] * 2
    assert place.held() == hashes(*rows)
    assert len(place.notes()) == 30


def test_a_category_of_that_name_that_is_not_ours_is_left_alone(place: Place) -> None:
    theirs = f"{place.root}_theirs"
    place.crm.crm.call("party.category.create", [{"name": theirs}])
    with pytest.raises(BadConfig, match="was not made by an export"):
        place.server.destination(theirs).preflight()
    with pytest.raises(NotReady, match="there is no category"):
        list(place.server.destination(f"{place.root}_none").holds())
