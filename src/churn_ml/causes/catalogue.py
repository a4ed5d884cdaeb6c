"""The catalogue of causes, read from `causes.toml` and checked.

Enters: the file. Leaves: a `Cause` each. A new cause is one section there. Worked example: the
section LOGISTICS_SLOW says that `late_share_180d` speaks for it from .1 on, and fully from .5 on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from churn_ml.errors import BrokenPromise

Type: TypeAlias = Literal["natural", "competitive", "service"]
Group: TypeAlias = Literal["service", "product", "price", "relationship", "external"]
Stretch: TypeAlias = tuple[float, float]
"""Where a feature begins to speak and where it has said all; the first may be the larger."""

LISTS = {
    "T0a": "four examples",
    "T0b": "three aspects: perceived risk, perceived value, external environment",
    "T1": "four areas of three",
    "T2a": "five main causes",
    "T2b": "four problems of retention",
    "T3a": "three types: natural, competitive, service",
    "T3b": "ten causes",
    "T4a": "five groups: service, product, price, relationship, external",
    "T4b": "psychological factors",
}
"""The domain's taxonomies of causes. Three roll up: T3a is `type`, T4a `group`, T0b the parents."""


@dataclass(frozen=True)
class Cause:
    """Why a customer may leave.

    `evidence` and `unless`: feature -> the stretch over which it speaks for and against it. `of`:
    the causes that it is the parent of. `lists`: the taxonomies of LISTS that name it. `actions`:
    codes of the offers that answer it.
    """

    code: str
    source: str
    type: Type
    group: Group
    evidence: Mapping[str, Stretch] = field(default_factory=dict)
    unless: Mapping[str, Stretch] = field(default_factory=dict)
    of: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """The features that it reads.

        >>> by_code("NEED_CHANGED").features[-1]
        'complaints_90d'
        """
        return (*self.evidence, *self.unless)


def _cause(told: Mapping[str, Any]) -> Cause:
    def stretches(name: str) -> dict[str, Stretch]:
        return {feature: (start, end) for feature, (start, end) in told.get(name, {}).items()}

    read = {"evidence": stretches("evidence"), "unless": stretches("unless")}
    lists = {name: tuple(told.get(name, ())) for name in ("of", "lists", "actions")}
    return Cause(**{**told, **read, **lists})


def read(text: str) -> tuple[Cause, ...]:
    """The causes of a file's text, members before their parents.

    Raises BrokenPromise where two have one code, or a parent is of one that stands after it or is
    not there.

    >>> section = 'source = "D01"\\ntype = "service"\\ngroup = "price"\\n'
    >>> [cause.code for cause in read('[[causes]]\\ncode = "A"\\n' + section)]
    ['A']
    >>> read('[[causes]]\\ncode = "A"\\nof = ["B"]\\n' + section)
    Traceback (most recent call last):
    ...
    churn_ml.errors.BrokenPromise: cause A is the parent of what is not there | where: ... B ...
    """
    found: dict[str, Cause] = {}
    todo = [_cause(told) for told in tomllib.loads(text)["causes"]]
    codes = [cause.code for cause in todo]
    if len(set(codes)) != len(codes):
        raise BrokenPromise("two causes have one code", where="causes.toml", got=", ".join(codes))
    strange = {one for cause in todo for one in cause.lists} - LISTS.keys()
    if strange:
        raise BrokenPromise(
            "a cause stands in an unknown list",
            where="causes.toml",
            got=", ".join(sorted(strange)),
            expected=", ".join(LISTS),
        )
    while todo:
        ready = [cause for cause in todo if set(cause.of) <= found.keys()]
        if not ready:
            first = todo[0]
            raise BrokenPromise(
                f"cause {first.code} is the parent of what is not there",
                where="causes.toml",
                got=", ".join(sorted(set(first.of) - found.keys())),
                expected="codes of other causes, and no ring of them",
            )
        found |= {cause.code: cause for cause in ready}
        todo = [cause for cause in todo if cause.code not in found]
    return tuple(found.values())


CAUSES: tuple[Cause, ...] = read((files("churn_ml.causes") / "causes.toml").read_text("utf-8"))
_BY_CODE = {cause.code: cause for cause in CAUSES}


def by_code(code: str) -> Cause | None:
    """The cause of a code; None where there is none.

    >>> by_code("LOGISTICS_SLOW").group, by_code("THE_WEATHER")
    ('service', None)
    """
    return _BY_CODE.get(code)
