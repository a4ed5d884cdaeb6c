"""After the year: where no customer and no secret may be.

The last thing that happens is an export to a HubSpot account of the test's own, by an Airflow
connection whose token is a canary: refused first, then with a broken answer and a refused row, for
an error is where a secret gets out.
"""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from churn_ml import views
from churn_ml.errors import Permanent
from churn_ml.stack.postgres import DATABASES, programs

from ...crm.fakes import faults
from ...crm.fakes.hubspot import HubSpot
from .conftest import CANARY, Running
from .texts import contents_below
from .watching import follow_further, newest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

TOKEN = "pat-canary-9c4e17d2"  # the fake's own
HUBSPOT = """
[destinations.crm_hubspot]
kind = "hubspot"
connection = "hubspot_canary"
test_host = true
first_load = "send"
ask_above = 2.0
requests_per_10_seconds = 9999
"""
HOLD_SECRETS = {
    "stack.json": "ports, users and every secret, so that a later start has the same",
    "env.sh": "what a shell beside the stack logs in by",
    "airflow/passwords.json": "the passwords that Airflow's simple auth manager knows its users by",
}
"""The only files that may hold a secret, and why they do."""


@pytest.fixture(scope="module")
def fed(told: Running) -> Iterator[Running]:
    """The year with what is sent to HubSpot at its end; the twin has no such account."""
    key = newest(told)
    with HubSpot() as crm:
        body = {"connection_id": "hubspot_canary", "conn_type": "hubspot", "password": TOKEN}
        told.airflow.ask("POST", "/connections", body | {"host": "127.0.0.1", "port": crm.port})
        with told.toml.open("a", encoding="utf-8") as file:
            file.write(HUBSPOT)
        past = told.airflow.runs(key.isoformat())
        told.airflow.trigger("churn_export", key.isoformat())
        with pytest.raises(Permanent, match="does not take the token") as refused:
            follow_further(told, key, past)
        assert TOKEN not in str(refused.value)
        crm.tokens = {TOKEN}
        crm.script.add(faults.drop_after(path="upsert"), faults.http(500, path="upsert"))
        past = told.airflow.runs(key.isoformat())
        told.airflow.trigger("churn_export", key.isoformat())
        follow_further(told, key, past)
        assert crm.contact(CANARY)
        yield told


def test_no_customer_and_no_secret_is_where_it_does_not_belong_s8_s9(fed: Running) -> None:
    stack = fed.stack
    everything = views.contents(fed.house.ledger)
    assert everything["tables"]["scores"]
    for name in ("airflow", "mlflow", "mlflow_auth"):
        check_absent({CANARY}, f"database {name}", rows_of(stack.database(name)))
    for table in ("xcom", "rendered_task_instance_fields", "hitl_detail", "asset_event"):
        assert any(rows_of(stack.database("airflow"), {table})), table
    told_tables = {"receipts", "publications", "decisions", "models", "lots"}
    check_absent({CANARY}, "ledger", rows_of(stack.ledger_url, told_tables))
    assert any(CANARY in row for row in rows_of(stack.ledger_url, {"delivered"}))
    for part in ("logs", "mlartifacts", "models"):
        check_absent({CANARY}, part, (text for _, text in contents_below(fed.folder / part)))


def test_s8_no_secret_is_in_a_database(fed: Running) -> None:
    """Dumped whole, the ledger too; in Airflow's the connection itself is encrypted."""
    for name in DATABASES:
        check_absent(secrets_of(fed), f"database {name}", [dump(fed.stack.database(name))])
    assert "hubspot_canary" in dump(fed.stack.database("airflow"))


def test_s8_no_secret_is_in_a_file_but_those_that_say_why(fed: Running) -> None:
    """Every file below the folder: lake, exports, models, logs, settings, PostgreSQL's own."""
    holding, looked_at = set(), set()
    for path, text in contents_below(fed.folder):
        name = str(path.relative_to(fed.folder))
        looked_at.add(name.partition("/")[0])
        if any(secret in text for secret in secrets_of(fed)):
            holding.add(name)
    assert looked_at >= {"lake", "exports", "models", "logs", "airflow", "mlflow", "postgres"}
    assert holding == HOLD_SECRETS.keys()
    for name in HOLD_SECRETS:
        path = fed.folder / name
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
        assert TOKEN not in path.read_text(encoding="utf-8")


def secrets_of(told: Running) -> set[str]:
    """Every secret of the stack, and the token that was added."""
    stack = told.stack
    return {TOKEN, *stack.secrets.values(), *stack.users.values(), *stack.mlflow_users.values()}


def dump(url: str) -> str:
    """A PostgreSQL database as its own program writes it."""
    command = [str(programs() / "pg_dump"), f"--dbname={url}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


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


def check_absent(words: set[str], where: str, texts: Iterator[str]) -> None:
    count = 0
    for text in texts:
        count += 1
        found = [word[:4] + "..." for word in words if word in text]
        assert not found, f"{found} in {where}: {text[:300]}"
    assert count, f"nothing was looked at in {where}"
