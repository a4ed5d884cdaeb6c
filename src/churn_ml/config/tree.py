"""The whole tree: every section of churn.toml, checked against each other.

Enters: the sections. Leaves: a `Config`, which also resolves what only makes sense in a folder and
an environment (paths, database URLs), and tells which of its sections decide what a step publishes.
Worked example: a shop in `/shop` keeps its lake in `/shop/lake`; a new destination changes
nothing of what a training publishes.

>>> config = Config(shop=Shop(name="Corner shop", currency="EUR"), root=Path("/shop"))
>>> config.path(config.paths.lake).as_posix()
'/shop/lake'
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from churn_ml.config.contract import Contract
from churn_ml.config.destinations import Destination, DestinationName
from churn_ml.config.modelling import Features, Gate, Training
from churn_ml.config.money import Catalogue, Economics, Experiment, Holdout, Offer, Policy, Segments
from churn_ml.config.running import Paths, Schedule
from churn_ml.config.section import Section, content_hash
from churn_ml.config.shop import Consent, Shop
from churn_ml.config.sources import SourceTable, Validation
from churn_ml.errors import BadConfig
from churn_ml.tables import SOURCE_TABLES

READS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("shop", "sources", "validation"),
    "train": (
        "contract",
        "economics",
        "offers",
        "policy",
        "features",
        "training",
        "gate",
        "consent",
    ),
    "score": (
        "contract",
        "economics",
        "offers",
        "policy",
        "features",
        "holdout",
        "experiments",
        "segments",
        "consent",
    ),
    "learn": ("contract",),
    "rates": ("contract",),
}
"""The sections of churn.toml that decide what a step publishes."""

SHARED = frozenset({"ingest", "quarantine", *SOURCE_TABLES})
"""The step and the tables that all contracts of a shop share."""

NOT_WRITTEN = frozenset({"root", "line", "main"})
"""Fields of `Config` that its reader sets."""


def _as_tuple(told: Any) -> Any:
    """One section [sources.TABLE] as the only one of [[sources.TABLE]]."""
    return (told,) if isinstance(told, Mapping | SourceTable) else told


Sources = Annotated[tuple[SourceTable, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class Config(Section):
    """Everything that churn.toml can say."""

    shop: Shop
    paths: Paths = Paths()
    contract: Contract = Contract()
    contracts: dict[str, Contract] = Field(default_factory=dict)
    """Further contracts, by the name their steps and tables carry; see `under`."""
    sources: dict[str, Sources] = Field(default_factory=dict)
    validation: Validation = Validation()
    consent: Consent = Consent()
    economics: Economics = Economics()
    catalogue: Catalogue = Catalogue()
    offers: tuple[Offer, ...] = ()
    """The shop's own, then those that [catalogue] switches on."""
    policy: Policy = Policy()
    holdout: Holdout = Holdout()
    experiments: dict[str, Experiment] = Field(default_factory=dict)
    segments: Segments = Segments()
    features: Features = Features()
    training: Training = Training()
    gate: Gate = Gate()
    schedule: Schedule = Schedule()
    destinations: dict[DestinationName, Destination] = Field(default_factory=dict)
    root: Path = Path()
    """The folder of churn.toml; set by `load`, never written in the file."""
    line: str = ""
    """Which of `contracts` is worked under, empty for the main one; never written in the file."""
    main: Contract | None = None
    """The main contract while another is worked under; never written in the file."""

    @model_validator(mode="after")
    def _with_the_catalogue(self) -> Config:
        own = {offer.code for offer in self.offers}
        further = [Offer.model_validate({"code": c}) for c in self.catalogue.codes if c not in own]
        object.__setattr__(self, "offers", (*self.offers, *further))
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        unknown = sorted(set(self.sources) - set(SOURCE_TABLES))
        if unknown:
            raise ValueError(f"unknown table in [sources]: {', '.join(unknown)}")
        edge = self.segments.high_risk_score
        if edge != "profit" and self.segments.medium_risk_score > edge:
            raise ValueError("medium_risk_score lies above high_risk_score in [segments]")
        if self.segments.high_value_share > self.segments.medium_value_share:
            raise ValueError("high_value_share lies above medium_value_share in [segments]")
        if self.schedule.end_on and self.schedule.end_on < self.schedule.start_on:
            raise ValueError("end_on lies before start_on in [schedule]")
        odd = [name for name in self.contracts if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name)]
        if odd:
            raise ValueError(
                f"{odd[0]!r} in [contracts] is no name: small letters, digits and _, at most 32"
            )
        names = [self.contract.name, *(one.name for one in self.contracts.values())]
        if not self.line and len(set(names)) != len(names):
            raise ValueError("two contracts have the same name in [contract] and [contracts]")
        for place, destination in self.destinations.items():
            if destination.contract is not None and destination.contract not in self.contracts:
                raise ValueError(f"[destinations.{place}] contract is none of [contracts]")
        return self

    @model_validator(mode="after")
    def _destinations_are_told_apart(self) -> Config:
        filled: dict[tuple[str, ...], str] = {}
        for name, destination in self.destinations.items():
            other = filled.setdefault(destination.place(self.root), name)
            if other != name:
                raise ValueError(
                    f"[destinations.{other}] and [destinations.{name}] fill the same place:"
                    " a stop or an undo of one would be lifted by the other; name another target,"
                    " table, connection or object, or remove one"
                )
        return self

    @model_validator(mode="after")
    def _offers_are_told_apart(self) -> Config:
        codes = [offer.code for offer in self.offers]
        if len(set(codes)) != len(codes) or "NONE" in codes:
            raise ValueError("offer codes must be unique and not NONE in [[offers]]")
        names = {self.contract.name, *(one.name for one in self.contracts.values())}
        unknown = sorted({name for offer in self.offers for name in offer.contracts} - names)
        if unknown and not self.line:
            raise ValueError(
                f"contracts in [[offers]] names {', '.join(unknown)}, "
                f"expected {', '.join(sorted(names))}"
            )
        return self

    @model_validator(mode="after")
    def _experiments_are_told_apart(self) -> Config:
        drawn = [code for one in self.experiments.values() for code in one.offers]
        unknown = sorted(set(drawn) - {offer.code for offer in self.offers})
        if unknown:
            raise ValueError(f"offers in [experiments] names {', '.join(unknown)}, no offer's code")
        if len(set(drawn)) != len(drawn):
            raise ValueError("an offer is part of two of [experiments]: each draw needs its own")
        return self

    def under(self, line: str) -> Config:
        """The same settings under another of the shop's contracts; empty is the main one.

        Raises: BadConfig where churn.toml has no such contract.

        >>> renewals = Contract(name="renewals", event="renewal")
        >>> shop = Config(shop=Shop(name="s", currency="EUR"), contracts={"renewal": renewals})
        >>> shop.under("renewal").contract.name, shop.under("").contract.name
        ('renewals', 'gone90')
        >>> shop.under("renewal").under("") == shop
        True
        """
        if line == self.line:
            return self
        main = self.main or self.contract
        if not line:
            return self.model_copy(update={"contract": main, "line": "", "main": None})
        if line not in self.contracts:
            raise BadConfig(
                f"there is no contract {line!r}",
                where="[contracts]",
                got=line,
                expected=", ".join(self.contracts) or "a section [contracts.NAME]",
                next_step="correct the name, or leave it out for the main contract",
            )
        further = self.contracts[line]
        return self.model_copy(update={"contract": further, "line": line, "main": main})

    @property
    def own_offers(self) -> tuple[Offer, ...]:
        """The offers that are meant for this contract, in the order of churn.toml.

        >>> back = Offer(code="COME_BACK", label="20 % off", contracts=("gone90",))
        >>> shop = Config(shop=Shop(name="s", currency="EUR"), offers=(back,))
        >>> [offer.code for offer in shop.own_offers]
        ['COME_BACK']
        """
        name = self.contract.name
        return tuple(one for one in self.offers if not one.contracts or name in one.contracts)

    def called(self, name: str) -> str:
        """What a step or a table is called under this contract: `scores`, or `scores@renewal`.

        What the shop's contracts share keeps its name: the ingest, and the tables it writes.

        >>> gold = {"gold": Contract(name="gold30", of={"tier": ("gold",)})}
        >>> shop = Config(shop=Shop(name="s", currency="EUR"), contracts=gold).under("gold")
        >>> shop.called("scores"), shop.called("train"), shop.called("orders")
        ('scores@gold', 'train@gold', 'orders')
        """
        shared = name in SHARED or not self.line
        return name if shared else f"{name}@{self.line}"

    def told(self, step: str) -> str:
        """Identity of what churn.toml tells a step; other sections do not touch it.

        What is left at its default is no part of it, written or not: a key that a later version
        adds changes no identity of before.

        Parameters: `step`, a name of READS, under a contract or not; one that is not there reads
        nothing.

        >>> one, renamed = (Config(shop=Shop(name=name, currency="EUR")) for name in ("s", "t"))
        >>> one.told("train") == renamed.told("train"), one.told("ingest") == renamed.told("ingest")
        (True, False)
        >>> one.told("ingest") == content_hash({"shop": {"name": "s", "currency": "EUR"}})
        True
        """
        sections = READS.get(step.partition("@")[0], ())
        told = self.model_dump(mode="json", include=set(sections), exclude_defaults=True)
        return content_hash(told)

    def path(self, relative: str) -> Path:
        """`relative` below the folder of churn.toml; absolute paths stay as they are."""
        return self.root / relative

    def url(self, url: str) -> str:
        """A database URL ready to open: `${NAME}` filled in, a relative SQLite path made absolute.

        Raises: BadConfig where the environment has no NAME. A password is percent-encoded there.

        >>> Config(shop=Shop(name="s", currency="EUR"), root=Path("/shop")).url("sqlite:///a.db")
        'sqlite:////shop/a.db'
        """
        url = re.sub(r"\$\{(\w+)\}", _from_environment, url)
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/"):
            return prefix + str(self.root.absolute() / url.removeprefix(prefix))
        return url


def _from_environment(variable: re.Match[str]) -> str:
    """What stands for `${NAME}` in a URL."""
    found = os.environ.get(variable[1])
    if found is None:
        raise BadConfig(
            f"environment variable {variable[1]} is not set",
            where=f"a database URL of churn.toml that holds {variable[0]}",
            next_step=f"export {variable[1]}=..., percent-encoded where it is a password",
        )
    return found
