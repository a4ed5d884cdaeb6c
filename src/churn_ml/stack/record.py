"""What a stack's folder records of it: stack.json and env.sh, both for their owner alone.

Enters: a folder. Leaves: the `Stack`, with its addresses, logins and the processes last started.
Worked example: after `churn-ml stack start --folder var/stack` the logins are in
`var/stack/stack.json`, and `. var/stack/env.sh` lets a shell beside it reach ledger and MLflow.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from churn_ml.errors import BadInput
from churn_ml.stack.processes import Born

RECORD, SHELL, LOCK = "stack.json", "env.sh", "stack.lock"
START, STOP = "start", "stop"
"""What a folder is held for."""
HOST = "127.0.0.1"
SERVICES = ("postgres", "mlflow", "api-server", "scheduler", "dag-processor")
SIGNING_BYTES = 64
"""SHA-512 wants a key of its own length."""


@dataclass(frozen=True)
class Stack:
    """A stack as recorded in its folder; its secrets are in no repr."""

    folder: Path
    config: Path
    dags: Path
    plugins: Path
    airflow_port: int
    mlflow_port: int
    key_env: str
    users: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    services: Mapping[str, Born] = field(default_factory=dict)
    version: str = ""
    """The version of Airflow whose schema the database has; empty before the first."""
    mlflow_version: str = ""
    """The same of MLflow; empty too where an older churn_ml started the stack."""
    was_healthy: bool = False
    """Whether Airflow's schema stands, so that DAGs may have run; before, no database holds work.

    Set before the scheduler lives: data that a DAG wrote are never taken for a failed start's.
    """

    @property
    def airflow_url(self) -> str:
        """Where the UI and the API of Airflow answer."""
        return f"http://{HOST}:{self.airflow_port}"

    @property
    def mlflow_url(self) -> str:
        """Where MLflow answers; without a login."""
        return f"http://{HOST}:{self.mlflow_port}"

    @property
    def mlflow_login_url(self) -> str:
        """MLflow with the login of churn_ml: a secret."""
        return f"http://churn_ml:{self.secrets['mlflow']}@{HOST}:{self.mlflow_port}"

    @property
    def mlflow_users(self) -> dict[str, str]:
        """The passwords of MLflow's two users: a secret."""
        return {"admin": self.secrets["mlflow_admin"], "churn_ml": self.secrets["mlflow"]}

    @property
    def ledger_url(self) -> str:
        """The database URL of the ledger."""
        return self.database("churn_ml")

    def database(self, name: str, scheme: str = "postgresql") -> str:
        """The URL of one of the databases: a socket in a folder that lets in its owner alone."""
        return f"{scheme}://postgres@/{name}?host={quote(str(self.folder / 'postgres'), safe='')}"

    def log(self, service: str) -> Path:
        """The log file of a service."""
        return self.folder / "logs" / f"{service}.log"

    def groups(self) -> dict[str, int]:
        """The process group of each live service: its first process's pid.

        A running task has a group of its own: `processes.members` knows it.
        """
        return {name: born.pid for name, born in self.services.items() if born.alive()}

    def write(self) -> Stack:
        """Record this stack in its folder, at once and whole; returns itself."""
        told = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()}
        write_private(self.folder / RECORD, json.dumps(told, indent=1))
        write_private(self.folder / SHELL, shell_lines(self))
        return self

    def with_service(self, name: str, born: Born) -> Stack:
        """This stack with a service started anew, recorded."""
        return replace(self, services={**self.services, name: born}).write()


def read(folder: Path) -> Stack | None:
    """The stack recorded in `folder`; None where none is.

    Raises BadInput where stack.json is damaged, or of another version of churn_ml.
    """
    try:
        told = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return _stack(folder, told)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            "the record of the stack cannot be read",
            where=str(folder / RECORD),
            got=type(error).__name__,  # its words may quote a secret
            expected="what this version of churn_ml wrote",
            next_step="restore it from a backup, or go on with the version that wrote it",
        ) from None


def _stack(folder: Path, told: dict[str, Any]) -> Stack:
    """The stack of what was recorded; the folder may have been moved."""
    places = {name: Path(told[name]) for name in ("config", "dags", "plugins")}
    services = {name: Born(**born) for name, born in told["services"].items()}
    return Stack(**{**told, **places, "folder": folder, "services": services})


def new_secrets() -> dict[str, str]:
    """Fresh secrets for everything that signs, encrypts or lets in."""
    fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    signing = ("airflow_jwt", "airflow_api", "mlflow_session")
    logins = {name: new_password() for name in ("mlflow_admin", "mlflow")}
    signed = {name: secrets.token_hex(SIGNING_BYTES) for name in signing}
    return {"airflow_fernet": fernet} | logins | signed


def new_password() -> str:
    """A password that no one guesses and that a URL takes as it is.

    >>> len(new_password())
    24
    """
    return secrets.token_urlsafe(18)


def shell_lines(stack: Stack) -> str:
    """What a shell beside the stack sources to work on the same ledger and MLflow."""
    names = {
        "CHURN_ML_LEDGER": stack.ledger_url,
        "CHURN_ML_MLFLOW": stack.mlflow_login_url,
        stack.key_env: stack.secrets["holdout"],
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in names.items())


@dataclass(frozen=True)
class Holder:
    """Who holds a folder, and what for: START or STOP."""

    purpose: str
    process: Born


@contextmanager
def locked(folder: Path, purpose: str) -> Iterator[bool]:
    """Hold the folder against another start or stop; yields False where another holds it.

    While it is held the lock file names `purpose` and the holder, `stop 4711 1760000000.25`; the
    kernel lets go of it when that process ends.
    """
    with (folder / LOCK).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        file.truncate(0)
        file.write(f"{purpose} {os.getpid()} {psutil.Process().create_time()}")
        file.flush()
        try:
            yield True
        finally:
            file.truncate(0)  # we may live on: the next to hold it must not be taken for us


def holder(folder: Path) -> Holder | None:
    """Who holds the folder; None where nobody does, or has not yet said so."""
    try:
        purpose, pid, created = (folder / LOCK).read_text(encoding="ascii").split()
        found = Holder(purpose, Born(int(pid), float(created)))
    except (FileNotFoundError, ValueError):
        return None
    return found if found.process.alive() else None


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that its owner alone can read."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
