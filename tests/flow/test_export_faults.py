"""Faults around an export as a whole: other deployments, other settings, what may be told where."""

from __future__ import annotations

import json
import logging
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from churn_ml import crm, flow
from churn_ml.attempt import attempt
from churn_ml.crm.payload import saved
from churn_ml.errors import BadConfig, ChurnError, Unreachable
from churn_ml.flow.export import READS
from churn_ml.house import House

from ..conftest import FIRST

CANARY = "CANARY-7f3a91"
"""A customer whose id must not leave lake, delivery tables and destinations."""
SECRET = "s3cret-5f1c"
WITH_CUSTOMERS = {"plan_rows", "delivered", "settled", "contacts"}


def under(house: House, **destinations: dict[str, Any]) -> House:
    """The house where destinations have other settings."""
    known = dict(house.config.destinations)
    for name, changed in destinations.items():
        known[name] = known[name].model_copy(update=changed)
    return replace(house, config=house.config.model_copy(update={"destinations": known}))


@pytest.fixture
def shop(copy_of: Callable[[Path], House], scored: Path) -> House:
    """A scored shop; nothing is exported."""
    return copy_of(scored)


def test_o3_a_deployment_with_another_ledger_feeds_no_target_of_this_one(shop: House) -> None:
    flow.export(shop, FIRST)
    before = sorted((shop.config.root / "exports").rglob("*"))
    ledger = str(shop.ledger.url).removeprefix("sqlite:///")
    with sqlite3.connect(ledger) as database:  # as a ledger that was born elsewhere
        database.execute("update identity set id = 'ffffffffffffffffffffffffffffffff'")
        database.execute("delete from plans")
        database.execute("delete from delivered")
    for name in ("crm_file", "crm_sql"):
        one = {name: shop.config.destinations[name]}
        alone = replace(shop, config=shop.config.model_copy(update={"destinations": one}))
        with pytest.raises(BadConfig, match="another deployment"):
            flow.export(alone, FIRST)
        assert alone.ledger.state(name) == {}
    assert sorted((shop.config.root / "exports").rglob("*")) == before


def test_o10_what_was_planned_under_other_settings_is_finished_and_then_put_right(
    shop: House,
) -> None:
    frames = {name: _frame(shop, name) for name in READS}
    planned = crm.rows(**frames, as_of=FIRST, tau=0.0, score_step=0.5)
    shop.ledger.save_plan("crm_file", "p1", FIRST, [saved(row) for row in planned], base=None)
    told = flow.export(shop, FIRST).details["destinations"]["crm_file"]
    assert told["resumed"] == len(planned)
    assert told["unchanged"] < len(planned), "other steps of scores are another content"
    assert shop.ledger.state("crm_file") == shop.ledger.state("crm_sql")


@pytest.fixture
def planted(shop: House) -> House:
    """The shop where one scored customer has an id that cannot be overlooked."""
    known = shop.publication("score", FIRST)
    assert known is not None
    with attempt(shop, "score", FIRST, READS, repin=True) as trial:
        first = trial.frame("scores", FIRST)["customer_id"].iloc[0]
        for name in READS:
            rows = trial.frame(name, FIRST)
            rows["customer_id"] = rows["customer_id"].replace({first: CANARY})
            trial.write(name, rows)
        trial.pins |= {k: v for k, v in known.pins.items() if k != "settings"}
    return shop


@pytest.fixture
def heard(
    planted: House, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Callable[[House], str]:
    """Export with everything that is said on the way, in errors too, and all that is kept."""
    caplog.set_level(logging.DEBUG)

    def export(house: House) -> str:
        said: list[str] = []
        speaking = replace(house, say=said.append)
        try:
            said.append(flow.export(speaking, FIRST).to_json())
        except ChurnError as error:
            said += ["".join(traceback.format_exception(error)), repr(error)]
        said += [repr(speaking.config), *_kept(house)]
        out = capfd.readouterr()
        return "\n".join([*said, caplog.text, out.out, out.err])

    return export


def test_s9_a_customer_is_told_to_the_destination_and_to_nobody_else(
    planted: House, heard: Callable[[House], str]
) -> None:
    asking = under(planted, crm_file={"first_load": "ask"})
    told = heard(asking)
    assert '"status":"asks"' in told.replace(" ", "")
    assert CANARY not in told
    assert CANARY in planted.ledger.state("crm_sql")
    assert CANARY not in heard(planted)
    files = list((planted.config.root / "exports").rglob("*.csv"))
    assert any(CANARY in path.read_text(encoding="utf-8") for path in files)
    assert not any(CANARY in path.name for path in (planted.config.root / "exports").rglob("*"))


def test_s9_a_database_that_quotes_the_row_it_refuses_is_not_quoted(
    planted: House, heard: Callable[[House], str]
) -> None:
    flow.export(under(planted, crm_sql={"first_load": "ask"}), FIRST)  # makes the table
    with sqlite3.connect(planted.config.root / "crm.db") as database:
        database.execute(
            "create trigger picky before insert on churn_segments"
            f" when new.customer_id = '{CANARY}'"
            " begin select raise(abort, 'refused: CANARY-7f3a91'); end"
        )
    told = heard(planted)
    assert CANARY not in told
    (rejected,) = planted.ledger.rejections("crm_sql")
    assert rejected[0] == CANARY
    assert CANARY not in " ".join(rejected[1:])


def test_s8_the_password_of_a_database_that_is_away_is_told_nowhere(
    planted: House, heard: Callable[[House], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg2", reason="PostgreSQL's driver is not installed")
    monkeypatch.setenv("CRM_URL", f"postgresql+psycopg2://ada:{SECRET}@127.0.0.1:1/crm")
    told = heard(under(planted, crm_sql={"target": "${CRM_URL}"}))
    assert "does not answer" in told
    assert SECRET not in told
    assert CANARY not in told


def test_s9_a_guard_that_cannot_read_its_list_names_nobody(
    planted: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any, customer_ids: Any) -> Any:
        raise KeyError(next(c for c in customer_ids if c == CANARY))

    monkeypatch.setattr(House, "suppressed", broken)
    with pytest.raises(Unreachable) as raised:
        flow.export(planted, FIRST)
    assert CANARY not in "".join(traceback.format_exception(raised.value))
    assert not any(CANARY in part for part in _kept(planted))


def _frame(house: House, name: str) -> Any:
    version = house.published(name)[FIRST.isoformat()]
    return house.warehouse.read_partition(name, FIRST, version).to_pandas()


def _kept(house: House) -> Iterator[str]:
    """Every row of the ledger outside of the tables that may hold customers."""
    engine = create_engine(house.ledger.url)
    with engine.connect() as connection:
        for table in set(inspect(engine).get_table_names()) - WITH_CUSTOMERS:
            for row in connection.execute(text(f'select * from "{table}"')):
                yield json.dumps([str(cell) for cell in row])
    engine.dispose()
