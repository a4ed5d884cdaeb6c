"""After the year: where no customer and no secret may be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn_ml import views

from .conftest import CANARY, Running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_no_customer_and_no_secret_is_where_it_does_not_belong_s8_s9(told: Running) -> None:
    stack = told.stack
    everything = views.contents(told.house.ledger)
    assert everything["tables"]["scores"]
    secrets = {*stack.secrets.values(), *stack.users.values()}
    for name in ("airflow", "mlflow", "mlflow_auth"):
        check_absent({CANARY, *secrets}, f"database {name}", rows_of(stack.database(name)))
    for table in ("xcom", "rendered_task_instance_fields", "hitl_detail", "asset_event"):
        assert any(rows_of(stack.database("airflow"), {table})), table
    told_tables = {"receipts", "publications", "decisions", "models", "lots"}
    check_absent({CANARY, *secrets}, "ledger", rows_of(stack.ledger_url, told_tables))
    assert any(CANARY in row for row in rows_of(stack.ledger_url, {"delivered"}))
    for part in ("logs", "mlartifacts", "models"):
        check_absent({CANARY, *secrets}, part, texts_below(told.folder / part))


def rows_of(url: str, only: set[str] | None = None) -> Iterator[str]:
    """Every row of a PostgreSQL database, as text."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    try:
        with engine.connect() as connection:
            for table in sa.inspect(connection).get_table_names():
                if only is None or table in only:
                    yield from connection.execute(
                        sa.text(f'select t::text from "{table}" t')
                    ).scalars()
    finally:
        engine.dispose()


def texts_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("utf-8", errors="replace")


def check_absent(words: set[str], where: str, texts: Iterator[str]) -> None:
    count = 0
    for text in texts:
        count += 1
        found = [word[:4] + "..." for word in words if word in text]
        assert not found, f"{found} in {where}: {text[:300]}"
    assert count, f"nothing was looked at in {where}"
