"""The kinds of destination that the contract test tries: a new kind is one row of KINDS.

The kind `lines` of docs/new-destination.md is tried too, as if the page had been followed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn_ml.config import from_text, kinds
from churn_ml.crm import Means, open_destination
from churn_ml.crm.protocol import Cell
from churn_ml.crm.sql_table import exported

from . import lines
from .fakes.hubspot import rigged as hubspot
from .fakes.rig import Rig, Rigged
from .fakes.salesforce import rigged as salesforce


@contextmanager
def plain(kind: str, target: str, unholdable: Mapping[str, Cell] | None = None) -> Iterator[Rig]:
    """A target of that kind; `kind` may be followed by further settings."""
    kind, _, more = kind.partition(" ")
    shop = '[shop]\nname = "Corner shop"\ncurrency = "EUR"\n'
    config = from_text(f'{shop}[destinations.crm]\nkind = "{kind}"\ntarget = "{target}"\n{more}')
    yield Rig(lambda owner: open_destination("crm", config, means=Means(owner)), unholdable)


def table(folder: Path) -> AbstractContextManager[Rig]:
    """A table in SQLite that takes no long segment."""
    url = f"sqlite:///{folder}/crm.db"
    made = exported("churn_segments")
    made.append_constraint(sa.CheckConstraint("length(segment) < 100"))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    made.create(engine)
    return plain("sql", url, {"segment": "x" * 100})


@dataclass(frozen=True)
class Tried:
    """How a kind is tried: what makes a `Rig` of it in an empty folder, and what to expect of it.

    `holds_all`: there is no row that it cannot hold. `remote`: it has a server, and a fake of it.
    """

    rigged: Rigged
    holds_all: bool = False
    remote: bool = False


KINDS: dict[str, Tried] = {
    "file": Tried(lambda folder: plain("file", str(folder / "out")), holds_all=True),
    "parquet": Tried(
        lambda folder: plain('file format = "parquet"', str(folder / "out")), holds_all=True
    ),
    "sql": Tried(table),
    "hubspot": Tried(hubspot, remote=True),
    "salesforce": Tried(salesforce, remote=True),
}
FORMATS = {"parquet"}
"""A further format of a kind, tried as if it were one."""
ELSEWHERE = {"tryton"}
"""Shown to keep the same promises by tests of their own, against a real server of its vendor."""

PAGE = (Path(__file__).parents[2] / "docs/new-destination.md").read_text(encoding="utf-8")
PLACES = dict(
    re.findall(r"^\| `((?:src|tests)/[^`]+)`(?:, `KINDS`)? \| (.*) \|$", PAGE, re.MULTILINE)
)
"""What the page of a new destination says, for its kind `lines`: file -> what comes there."""
ROW: kinds.Kind = eval(PLACES["src/churn_ml/config/kinds.py"].strip("`"), vars(kinds))
EXAMPLE: dict[str, Tried] = eval(f"{{{PLACES['tests/crm/tried.py'].strip('`')}}}")


@contextmanager
def with_the_example() -> Iterator[None]:
    """The house with the adapter and the row that the page adds to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "KINDS", (*kinds.KINDS, ROW))
        patch.setitem(sys.modules, "churn_ml.crm.lines", lines)
        yield


TRIED = KINDS | EXAMPLE
