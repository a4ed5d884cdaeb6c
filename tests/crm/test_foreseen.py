"""What an export would change, row by row: former and new values, and why a row does not go."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from churn_ml.crm import Guard, Outbox, Recorder, Row, changes
from churn_ml.crm.payload import NAMES, hashed
from churn_ml.ledger import Ledger

DAY, NEXT = date(2017, 10, 1), date(2017, 11, 1)
AT = datetime(2026, 11, 22, tzinfo=UTC)


def row(customer: str, as_of: date, segment: str, offer: str = "NONE") -> Row:
    cells = dict.fromkeys(NAMES) | {"customer_id": customer, "as_of": as_of.isoformat()}
    cells |= {"segment": segment, "offer": offer}
    return Row(customer, "upsert", as_of, cells, hashed(cells, delivers=True), offer != "NONE")


class World:
    """A target with its ledger; `barred` may not be told about any more."""

    def __init__(self) -> None:
        self.target, self.ledger = Recorder(delivers=True), Ledger.open("sqlite://")
        self.barred: set[str] = set()

    def outbox(self) -> Outbox:
        guard = Guard(lambda _: self.barred, lambda _: {}, True, frozenset({"NONE"}))
        placed = {"h2": "LOST"}.items()
        return Outbox(
            self.target, self.ledger, guard, clock=lambda: AT, placed=lambda ids: dict(placed)
        )

    def told(self, rows: list[Row]) -> dict[str, tuple[str, dict[str, object], str]]:
        """customer -> kind, changed fields and why, of a dry run on `rows`."""
        foreseen = self.outbox().foresee(rows, NEXT)
        held = self.ledger.told("recorder", [one.customer_id for one in foreseen.rows])
        found = changes(foreseen.rows, foreseen.held, held, foreseen.why)
        return {one.customer_id: (one.kind, dict(one.fields), one.why) for one in found}


@pytest.fixture
def world() -> World:
    """As of October h1, h2, h3 and h4 are held."""
    world = World()
    world.outbox().export([row(f"h{n}", DAY, "NEW", "COUPON") for n in range(1, 5)], DAY)
    return world


def test_each_row_tells_its_kind_its_values_and_why(world: World) -> None:
    world.barred = {"h3"}
    rows = [row("h1", NEXT, "LOST"), row("h3", NEXT, "LOST"), row("h9", NEXT, "NEW")]
    assert world.told(rows) == {
        "h1": ("update", {"segment": ("NEW", "LOST"), "offer": ("COUPON", "NONE")}, ""),
        "h2": (
            "remove",
            {"segment": ("NEW", None), "offer": ("COUPON", None)},
            "not scored any more: LOST",
        ),
        "h3": ("remove", {"segment": ("NEW", None), "offer": ("COUPON", None)}, "suppressed"),
        "h4": (
            "remove",
            {"segment": ("NEW", None), "offer": ("COUPON", None)},
            "not scored any more",
        ),
        "h9": ("create", {"segment": (None, "NEW"), "offer": (None, "NONE")}, ""),
    }


def test_a_second_contact_of_another_date_tells_the_date(world: World) -> None:
    rows = [row(f"h{n}", NEXT, "NEW", "COUPON") for n in range(1, 5)]
    told = world.told(rows)
    assert told["h1"] == ("update", {"as_of": ("2017-10-01", "2017-11-01")}, "")


def test_who_was_removed_is_created_anew(world: World) -> None:
    world.outbox().export([row("h1", NEXT, "NEW")], NEXT)
    assert world.ledger.told("recorder").keys() == {"h1"}
    rows = [row("h1", NEXT, "NEW"), row("h2", NEXT, "LOST")]
    assert world.told(rows) == {
        "h2": ("create", {"segment": (None, "LOST"), "offer": (None, "NONE")}, "")
    }


def test_what_is_in_doubt_is_told_again_and_a_stranger_taken_out(world: World) -> None:
    world.ledger.doubt("recorder", ["h1", "x9"], AT)
    rows = [row("h1", DAY, "NEW", "COUPON")]
    foreseen = world.outbox().foresee(rows, DAY)
    held = world.ledger.told("recorder", ["h1", "x9"])
    found = {one.customer_id: one for one in changes(foreseen.rows, foreseen.held, held, {})}
    assert (found["h1"].kind, found["h1"].fields) == ("update", {})
    assert (found["x9"].kind, found["x9"].fields) == ("remove", {})


def test_what_an_earlier_export_left_is_shown_first(world: World) -> None:
    last = world.ledger.last_plan("recorder")
    assert last is not None
    left = [("h1", "ab", '{"segment":"SILENT"}', False)]
    world.ledger.save_plan("recorder", "p9", NEXT, left, base=last[0])
    foreseen = world.outbox().foresee([row("h1", NEXT, "LOST")], NEXT)
    assert foreseen.left is not None
    told = [(one.customer_id, one.payload.get("segment")) for one in foreseen.rows]
    assert told[:2] == [("h1", "SILENT"), ("h1", "LOST")]
    assert foreseen.counted.resumed == 1


def test_the_ledger_is_asked_about_thousands_at_once(world: World) -> None:
    asked = [f"h{n}" for n in range(12_000)]
    assert world.ledger.told("recorder", asked).keys() == {"h1", "h2", "h3", "h4"}
