"""A copy of the ledger is the same owner of a target (O3): what a restored one does, or a clone.

A ledger that is put back has forgotten what was sent since, and takes a target for what it was. One
look at the target, `export reconcile --repair`, tells it; docs/platform.md asks for it.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn_ml.crm import Guard, Outbox, Reconciled, Row, SqlDestination, reconciled
from churn_ml.errors import StaleAttempt
from churn_ml.ledger import Ledger

from ..crm.fakes.rig import row

OCTOBER, NOVEMBER, DECEMBER = date(2017, 10, 1), date(2017, 11, 1), date(2017, 12, 1)
AT = datetime(2026, 11, 21, tzinfo=UTC)


def desired(as_of: date, **segments: str) -> list[Row]:
    return [row(customer, as_of, segment=told) for customer, told in segments.items()]


class Deployment:
    """A ledger in `place` that feeds the shop's one target."""

    def __init__(self, place: Path, target: Path) -> None:
        self.ledger = Ledger.open(f"sqlite:///{place}")
        self.target = SqlDestination("crm", f"sqlite:///{target}", "segments", self.ledger.id)
        anyone = Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))
        self.outbox = Outbox(self.target, self.ledger, anyone, clock=lambda: AT)

    def export(self, as_of: date, **segments: str) -> None:
        self.outbox.export(desired(as_of, **segments), as_of)

    def reconcile(self) -> Reconciled:
        """What `churn-ml export reconcile --repair` does."""
        found = reconciled(self.target.holds(), self.ledger.state("crm"), delivers=False)
        self.ledger.doubt("crm", found.doubtful, AT)
        return found

    def held(self) -> dict[str, str]:
        return {str(cells["customer_id"]): str(cells["segment"]) for cells in self.target.holds()}


@pytest.fixture
def copied(tmp_path: Path) -> tuple[Deployment, Path]:
    """A deployment after October, and a copy of its ledger."""
    here = Deployment(tmp_path / "ledger.db", tmp_path / "crm.db")
    here.export(OCTOBER, a="1", b="1", c="1")
    here.ledger.close()
    return here, Path(shutil.copy(tmp_path / "ledger.db", tmp_path / "copy.db"))


def test_o3_a_ledger_put_back_is_told_by_reconciling_what_was_sent_after_it(
    copied: tuple[Deployment, Path], tmp_path: Path
) -> None:
    lost, copy = copied
    lost.export(NOVEMBER, a="2", b="1", d="1")
    back = Deployment(copy, tmp_path / "crm.db")
    back.export(DECEMBER, a="1", b="1")
    # to the ledger a has not changed since October, and nobody knows of d
    assert back.held() == {"a": "2", "b": "1", "d": "1"}
    found = back.reconcile()
    assert (found.different, found.extra, found.missing) == (("a",), ("d",), ())
    back.export(DECEMBER, a="1", b="1")
    assert back.held() == {"a": "1", "b": "1"}
    assert back.reconcile().whole


def test_o3_a_clone_cannot_go_behind_what_is_there_and_what_it_writes_is_found(
    copied: tuple[Deployment, Path], tmp_path: Path
) -> None:
    here, copy = copied
    late, clone = (
        Deployment(Path(shutil.copy(copy, tmp_path / name)), tmp_path / "crm.db")
        for name in ("late.db", "clone.db")
    )
    assert clone.ledger.id == here.ledger.id, "the same owner: a clone needs targets of its own"
    here.export(DECEMBER, a="2", b="1", c="1")
    with pytest.raises(StaleAttempt, match="fed with a later as_of"):
        late.export(NOVEMBER, a="3")
    assert here.held() == {"a": "2", "b": "1", "c": "1"}
    clone.export(DECEMBER, a="9", b="1", c="1")
    assert here.reconcile().different == ("a",)
    here.export(DECEMBER, a="2", b="1", c="1")
    assert here.held()["a"] == "2"
