"""What the contract tests are asked on: a target of each kind of tried.py, and a journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_ml.crm import MemoryJournal

from .fakes.rig import Rig
from .tried import TRIED, with_the_example


@pytest.fixture(params=TRIED)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with with_the_example(), TRIED[request.param].rigged(tmp_path) as found:
        assert (found.fake is not None) == TRIED[request.param].remote
        assert (found.unholdable is None) == TRIED[request.param].holds_all
        yield found


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()
