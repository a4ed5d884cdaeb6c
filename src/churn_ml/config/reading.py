r"""From the text of a churn.toml to the tree, with an error that says what to correct.

Enters: a path, the text, or an environment that names the path. Leaves: a `Config`, or BadConfig
for the first problem found, in the house's five parts. Worked example: the file says
`town = "Ghent"` in [shop], where no such key is known.

>>> from_text('[shop]\nname = "x"\ncurrency = "EUR"\ntown = "Ghent"')
Traceback (most recent call last):
...
churn_ml.errors.BadConfig: unknown key 'town' | where: [shop] | got: town | expected: one of ...
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from churn_ml.config.tree import NOT_WRITTEN, Config
from churn_ml.errors import BadConfig

_PAGE = "docs/configuration.md"
_MAY_BE_SECRET = frozenset(
    {"connection", "ledger", "mlflow", "mlflow_artifacts", "page", "target", "url"}
)
"""Keys whose values no message quotes: addresses, in which passwords stand."""
_ADDRESS = re.compile("://|@")

VARIABLE = "CHURN_ML_CONFIG"
"""Names the churn.toml that Airflow's DAGs and its page work on."""


def load(path: Path) -> Config:
    """The settings in the churn.toml at `path`; raises BadConfig where anything is off."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadConfig(
            f"cannot read {path}: {error.strerror}",
            next_step="pass --config FILE, or write one with: churn-ml init FOLDER",
        ) from error
    return from_text(text, root=path.parent)


def named(where: str, environment: Mapping[str, str] = os.environ) -> Config:
    """The settings in the churn.toml that the environment names: what DAGs and page work on.

    `where`: who asks, for the message. Raises BadConfig where the variable is not set, or the file
    is not what it should be.

    >>> named("the page", {})
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: environment variable CHURN_ML_CONFIG is not set | where: the page...
    """
    path = environment.get(VARIABLE)
    if not path:
        raise BadConfig(
            f"environment variable {VARIABLE} is not set",
            where=where,
            expected="the path of a churn.toml",
            next_step=f"export {VARIABLE}=/path/to/churn.toml for every Airflow service, restart",
        )
    return load(Path(path))


def from_text(text: str, *, root: Path = Path()) -> Config:
    """The settings in TOML `text`; paths in it are relative to `root`."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(
            "churn.toml is not valid TOML",
            got=str(error),
            next_step="correct the line named: text stands in quotes, and so does a name with"
            " blanks or accents before the =; numbers have a point, dates and numbers no quotes",
        ) from error
    for key in sorted(NOT_WRITTEN & set(tree)):
        raise BadConfig(
            f"unknown key {key!r}",
            where="top level",
            got=key,
            next_step="remove the key: paths are relative to the folder of churn.toml, and a"
            " contract is chosen by --contract",
        )
    try:
        return Config(**tree, root=root)
    except ValidationError as error:
        raise _explain(error) from None  # pydantic's own words quote whole sections


def _explain(error: ValidationError) -> BadConfig:
    """The first problem of a pydantic error in the house's five parts."""
    first = error.errors()[0]
    place = ["***" if _ADDRESS.search(part) else part for part in map(str, first["loc"])]
    if place[:1] == ["sources"]:  # [sources.orders] is the only one of [[sources.orders]]
        place = [part for part in place if not part.isdigit()]
    section = f"[{'.'.join(place[:-1])}]" if place[:-1] else "top level"
    if first["type"] == "extra_forbidden":
        return BadConfig(
            f"unknown key {place[-1]!r}",
            where=section,
            got=place[-1],
            expected=f"one of {', '.join(_known_keys(place[:-1]))}",
            next_step="remove the key or correct its name",
        )
    if first["type"] == "missing":
        return BadConfig(
            f"key {place[-1]!r} is missing",
            where=section,
            expected=f"{place[-1]} = ..." if place[:-1] else f"a section [{place[-1]}]",
            next_step=f"add it; {_PAGE} says what it means",
        )
    message = first["msg"].removeprefix("Value error, ")
    return BadConfig(
        f"{'.'.join(place) or 'churn.toml'}: {message}",
        where=section,
        got=_shown(first["input"], place[-1]) if place else None,
        next_step=f"correct the value; {_PAGE} lists every key with its type and default",
    )


def _shown(value: object, key: str) -> str:
    """What a message quotes of a value: nothing that may hold a password, of a section its keys.

    >>> _shown("out", "format"), _shown("sqlite:///a.db", "files"), _shown("t0ken", "connection")
    ("'out'", '***', '***')
    >>> _shown({"kind": "sql", "target": "postgresql://churn:t0ken@db/bi"}, "bi")
    'a section of kind, target'
    """
    if isinstance(value, Mapping):
        keys = ("***" if _ADDRESS.search(name) else name for name in map(str, value))
        return f"a section of {', '.join(keys) or 'no keys'}"
    if isinstance(value, str) and (key in _MAY_BE_SECRET or _ADDRESS.search(value)):
        return "***"
    plain = isinstance(value, str | int | float | date | time)
    return repr(value)[:80] if plain else f"a {type(value).__name__}"


def _known_keys(place: list[str]) -> list[str]:
    """The keys a section knows, found by walking the settings' classes."""
    model: Any = Config
    for part in place:
        if part.isdigit() or not hasattr(model, "model_fields"):
            continue
        if part not in model.model_fields:
            continue
        model = _settings_class(model.model_fields[part].annotation) or model
    return sorted(set(model.model_fields) - NOT_WRITTEN)


def _settings_class(annotation: Any) -> Any:
    """The settings class inside an annotation such as `dict[str, Offer]`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_settings_class(a) for a in getattr(annotation, "__args__", ())]
    return next((f for f in found if f is not None), None)
