"""A bundle: what scoring needs, and how it is told in files.

Enters: the churn model, the value model, the threshold tau and where they come from. Leaves: a
`Bundle` with its native files, the manifest that holds the sha256 of each, and its id; or, from
manifest and files, the bundle again. Nothing touches a disk here: store.py does.

Worked example: the inactivity rule of example.py, trained as of 2017-10-01.

>>> from churn_ml.models.example import by_hand
>>> sorted(by_hand().contents), by_hand().id.split("-")[0]
(['model/rule.json', 'value/value.json'], 'rule')
>>> Bundle.restored(by_hand().manifest, by_hand().contents).id == by_hand().id
True
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from churn_ml.models.families import family
from churn_ml.models.protocol import Family, Model, to_json
from churn_ml.models.recalibration import restored
from churn_ml.models.value import ValueModel

FORMAT = 1
"""The format of manifest and files; a store of another one is not read."""


@dataclass(frozen=True)
class Origin:
    """Where a bundle comes from: definitions, dates, settings and package versions."""

    spec_hash: str
    """Hash of the definitions of the features it reads."""
    contract: str
    """Stamp of the churn contract that made its labels."""
    trained_as_of: date
    train_cut_offs: tuple[date, ...]
    choose_cut_off: date
    """The cut-off on which tau was tuned and the candidate was chosen."""
    config_hash: str
    seed: int
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Bundle:
    """A model that can be scored with: churn model, value model, threshold and origin."""

    model: Model
    value: ValueModel
    tau: float
    origin: Origin

    @classmethod
    def restored(cls, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Bundle:
        """The bundle that has this `manifest` and these `contents`."""
        return cls(
            restored(family(manifest["family"]), _part(files, "model")),
            ValueModel.from_files(_part(files, "value")),
            manifest["tau"],
            _origin(manifest),
        )

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that churn model or value model read, sorted."""
        return tuple(sorted({*self.model.features, *self.value.features}))

    @cached_property
    def contents(self) -> dict[str, bytes]:
        """Every native file by its path in the folder, without the manifest."""
        parts = {"model": self.model.files(), "value": self.value.files()}
        return {
            f"{part}/{name}": data for part, files in parts.items() for name, data in files.items()
        }

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What stands in manifest.json: JSON types only, dates as YYYY-MM-DD."""
        origin = asdict(self.origin) | {
            "trained_as_of": self.origin.trained_as_of.isoformat(),
            "train_cut_offs": [day.isoformat() for day in self.origin.train_cut_offs],
            "choose_cut_off": self.origin.choose_cut_off.isoformat(),
        }
        return {
            **origin,
            "format": FORMAT,
            "family": self.model.family,
            "features": list(self.model.features),
            "tau": self.tau,
            "files": {path: sha256_of(data) for path, data in sorted(self.contents.items())},
        }

    @cached_property
    def sha256(self) -> str:
        """sha256 of the manifest's bytes, and through it of every file."""
        return sha256_of(to_json(self.manifest))

    @property
    def id(self) -> str:
        """Family and first 12 digits of the sha256, such as xgboost-3f2a9c1d0b7e."""
        return f"{self.model.family}-{self.sha256[:12]}"


def versions(of: Family) -> dict[str, str]:
    """The installed versions of the packages that decide the bytes of a family.

    >>> sorted(versions(family("rule")))
    ['numpy']
    """
    found = {}
    for package in of.packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def _origin(manifest: Mapping[str, Any]) -> Origin:
    return Origin(
        spec_hash=manifest["spec_hash"],
        contract=manifest["contract"],
        trained_as_of=date.fromisoformat(manifest["trained_as_of"]),
        train_cut_offs=tuple(map(date.fromisoformat, manifest["train_cut_offs"])),
        choose_cut_off=date.fromisoformat(manifest["choose_cut_off"]),
        config_hash=manifest["config_hash"],
        seed=manifest["seed"],
        versions=manifest["versions"],
    )


def _part(files: Mapping[str, bytes], part: str) -> dict[str, bytes]:
    """The files below one folder of the bundle, by their name in it."""
    prefix = f"{part}/"
    return {p.removeprefix(prefix): data for p, data in files.items() if p.startswith(prefix)}


def sha256_of(data: bytes) -> str:
    """The sha256 of bytes, in hexadecimal digits.

    >>> sha256_of(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(data).hexdigest()
