"""The ledger's schema, step by step: one file a revision, applied when the ledger is opened.

No alembic.ini and no env.py: `migrate` finds the revisions beside itself, so it works from the
installed package and says nothing. A new revision is one file in `versions/`; the test
`test_migrations_make_the_schema_the_code_expects` compares the outcome with `ledger/schema.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml.errors import NotReady

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection, Engine

_LOCK = 7_240_915_031
"""The advisory lock that migrating processes queue for on PostgreSQL: any constant does."""


def migrate(engine: Engine, writing: Callable[[], AbstractContextManager[Connection]]) -> None:
    """Bring the database to the newest revision in one transaction; do nothing if it is there.

    `writing` opens a transaction that no other writer can be in at the same time (SQLite); on
    PostgreSQL an advisory lock makes the second process wait and find the work done.

    Raises: NotReady where the database is newer than this version of churn_ml.
    """
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(__file__).parent))
    with engine.connect() as connection:
        if _current(connection, script) == script.get_current_head():
            return
    with writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        if _current(connection, script) != script.get_current_head():
            _upgrade(connection, script)


def _current(connection: Connection, script: ScriptDirectory) -> str | None:
    """The revision of the database; raises NotReady where this version does not know it."""
    from alembic.runtime.migration import MigrationContext

    revision = MigrationContext.configure(connection).get_current_revision()
    known = {step.revision for step in script.walk_revisions()}
    if revision is not None and revision not in known:
        raise NotReady(
            "the ledger was written by a newer churn_ml",
            got=f"revision {revision}",
            expected=f"revision {script.get_current_head()} or older",
            next_step="install that version of churn_ml, or newer",
        )
    return revision


def _upgrade(connection: Connection, script: ScriptDirectory) -> None:
    """Apply the missing revisions inside the transaction that `connection` is in."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    def steps(revision: object, _context: object) -> object:
        return script._upgrade_revs("head", revision)  # type: ignore[arg-type]  # Alembic's own type

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
