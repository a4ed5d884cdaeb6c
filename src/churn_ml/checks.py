"""churn.toml checked against what the rooms know, before the first step; and told as a whole.

Enters: a `Config`, whose types and ranges `config` has checked. Leaves: nothing, or BadConfig for a
mapping to a column that does not exist, a model family nobody wrote, a tolerance for an unknown
rule, an offer for an unknown segment or cause. Without this room each would be found by the step
that trips over it, training perhaps after an hour. No file of the shop is opened.

Worked example: `candidates = ["xgbost"]` under [training] is refused on 2017-10-01 by the ingest
already, with the known families in the message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from churn_ml.actions import check_offers
from churn_ml.config import NOT_WRITTEN
from churn_ml.errors import BadConfig, BadInput
from churn_ml.features import catalogue
from churn_ml.models.families import family
from churn_ml.sources import resolved
from churn_ml.sources.mapping import check_mapping
from churn_ml.sources.postgres_settings import check_settings
from churn_ml.tables import SOURCE_TABLES
from churn_ml.validate.tolerance import check_rules

if TYPE_CHECKING:
    from churn_ml.config import Config, Training


def check(config: Config) -> None:
    """Raise BadConfig for the first setting that no room could work with.

    >>> from churn_ml.config import from_text
    >>> check(from_text('''
    ... [shop]
    ... name = "Corner shop"
    ... currency = "EUR"
    ... [training]
    ... candidates = ["xgbost"]
    ... '''))
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: there is no model family 'xgbost' | where: [training] candidates ...
    """
    for name, sources in config.sources.items():
        for source in resolved(name, sources):
            check_mapping(name, source)
            if source.kind == "postgres":
                check_settings(name, source)
    _check_candidates(config.training)
    catalogue(config.features)
    for name in SOURCE_TABLES:
        check_rules(config.validation, name)
    check_offers(config.offers)


def _check_candidates(training: Training) -> None:
    """Every candidate is a known family, and named once."""
    for name in training.candidates:
        try:
            family(name)
        except BadInput as error:
            raise BadConfig(
                error.what,
                where="[training] candidates",
                got=name,
                expected=error.expected,
                next_step="correct the name",
            ) from error
    if len(set(training.candidates)) < len(training.candidates):
        raise BadConfig(
            "a candidate is named twice",
            where="[training] candidates",
            got=", ".join(training.candidates),
            next_step="name each family once",
        )


def effective(config: Config) -> str:
    """Every setting that holds, defaults too, as the text of a churn.toml that says the same.

    Keys without a value are comments; a password in a URL is shown as ***.

    >>> from churn_ml.config import from_text
    >>> small = from_text('shop = { name = "Corner shop", currency = "EUR" }')
    >>> effective(small).splitlines()[2:5]
    ['[shop]', 'name = "Corner shop"', 'currency = "EUR"']
    >>> from_text(effective(small)) == small
    True
    """
    return "\n".join(_section("", config.model_dump(mode="json", exclude=set(NOT_WRITTEN)))).strip()


def _section(name: str, settings: Mapping[str, Any], heading: str = "") -> Iterator[str]:
    """The lines of one section: its keys, then its sub-sections."""
    inner = {k: v for k, v in settings.items() if _is_section(v)}
    own = {k: v for k, v in settings.items() if k not in inner}
    if name and (own or not inner):
        yield from ("", heading or f"[{name}]")
    yield from _keys(own)
    for key, value in inner.items():
        full = f"{name}.{_key(key)}" if name else _key(key)
        if isinstance(value, Mapping):
            yield from _section(full, value)
        else:
            for each in value:
                yield from _section(full, each, f"[[{full}]]")


def _is_section(value: Any) -> bool:
    """A table, or a list of tables: what stands under a heading of its own."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, Mapping)


def _keys(settings: Mapping[str, Any]) -> Iterator[str]:
    for key, value in settings.items():
        yield f"# {_key(key)} is not set" if value is None else f"{_key(key)} = {_value(value)}"


def _key(name: str) -> str:
    """A bare key where TOML allows it, else in quotes."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _value(value: bool | float | str | Sequence[Any]) -> str:
    if isinstance(value, str):
        return _text(re.sub(r"(://[^:/@]*:)(?!\$\{)[^@]+@", r"\1***@", value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_value, value))}]" if isinstance(value, Sequence) else repr(value)


def _text(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
