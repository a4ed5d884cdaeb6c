r"""churn.toml: one file, one frozen tree of settings; an unknown key is an error.

Enters: the text of a churn.toml. Leaves: a `Config`, its types, ranges and cross-references within
the file checked here. What only other rooms know (columns, model families, rules, segment codes)
`churn_ml.checks` checks before the first step.

Paths and SQLite URLs are relative to the folder of churn.toml. Secrets never stand here: the
holdout key comes from the variable that `[holdout] key_env` names, and a database URL takes its
password as `${NAME}` from the environment when it is opened; neither is stored, hashed or shown.
Every number has its unit in its name; defaults are proposals, not measurements.

>>> config = from_text('''
... [shop]
... name = "Corner shop"
... currency = "EUR"
... [contract]
... name = "gone90"
... lookback_days = 180
... horizon_days = 90
... ''')
>>> config.contract.gap_days, config.economics.save_rate_mean
(0, 0.3)
>>> from_text('[shop]\nname = "x"\ncurrency = "EUR"\nzone = "UTC"')
Traceback (most recent call last):
...
churn_ml.errors.BadConfig: unknown key 'zone' | where: [shop] | got: zone | expected: one of ...
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from churn_ml.errors import BadConfig

_PAGE = "docs/configuration.md"

READS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("shop", "sources", "validation"),
    "train": ("contract", "economics", "offers", "policy", "training", "gate"),
    "score": ("contract", "economics", "offers", "policy", "holdout", "segments", "consent"),
    "learn": ("contract",),
}
"""The sections of churn.toml that decide what a step publishes."""

VARIABLE = "CHURN_ML_CONFIG"
"""Names the churn.toml that Airflow's DAGs and its page work on."""

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Shop(_Settings):
    """The shop: its name and the currency of every amount (ISO 4217)."""

    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Paths(_Settings):
    """Where state lies: the lake folder, the model folders, the ledger's and MLflow's database.

    The database URLs may hold `${NAME}`: the environment's value when they are opened.
    """

    lake: str = "lake"
    models: str = "models"
    ledger: str = "sqlite:///ledger.db"
    mlflow: str = "sqlite:///mlflow.db"
    mlflow_artifacts: str = "mlartifacts"


class Contract(_Settings):
    """The churn contract: who is eligible, which event retains, and over which days.

    Eligible at as_of: at least `min_orders` orders (or order days) in the last `lookback_days`.
    Churned: no event in [as_of + gap_days, as_of + gap_days + horizon_days). The label is final
    `settle_days` later. `new_days` and `silent_gap_ratio` cut the lifecycle stages.
    """

    name: str = "gone90"
    event: Literal["order"] = "order"
    lookback_days: Annotated[int, Field(gt=0)] = 180
    gap_days: Days = 0
    horizon_days: Annotated[int, Field(gt=0)] = 90
    settle_days: Days = 0
    min_orders: Annotated[int, Field(ge=1)] = 1
    activity_unit: Literal["order", "order_day"] = "order"
    new_days: Days = 30
    silent_gap_ratio: Annotated[float, Field(gt=0)] = 1.5

    @property
    def stamp(self) -> str:
        """Name and content hash: what labels, models, scores and exports carry.

        >>> Contract(name="gone90").stamp
        'gone90-...'
        """
        return f"{self.name}-{content_hash(self.model_dump())[:8]}"


class SourceTable(_Settings):
    """How the files of one canonical table are found and read.

    `files` is a glob below churn.toml; a path part `drop=YYYY-MM-DD` dates the lot. `columns` maps
    our column to theirs, `constants` fills columns with one value, `values` translates their values
    of one of our columns (`[sources.orders.values.status] paid = "completed"`). `known_at` names
    their column with the time the row became known; without one the drop date counts, and without
    that `occurred_at` plus `lag_days`.
    """

    files: str
    columns: dict[str, str]
    constants: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    known_at: str | None = None
    lag_days: Days = 1


class Validation(_Settings):
    """The share of bad rows a lot may hold: one default, and one per rule by name."""

    tolerance: Share = 0.01
    rules: dict[str, Share] = Field(default_factory=dict)


class Consent(_Settings):
    """What holds for a customer without a row in `consents`: assumed or none."""

    default: Literal["assumed", "none"] = "none"


class Economics(_Settings):
    """The parameters of retention profit (see economics.py for the formulas)."""

    value_horizon_days: Annotated[int, Field(gt=0)] = 365
    margin_rate: Share = 0.3
    save_rate_a: Annotated[float, Field(gt=0)] = 6.0
    save_rate_b: Annotated[float, Field(gt=0)] = 14.0
    saved_value_share: Share = 0.5
    stayer_harm_share: Share = 0.01

    @property
    def save_rate_mean(self) -> float:
        """Mean of the Beta prior of the save rate, a / (a + b)."""
        return self.save_rate_a / (self.save_rate_a + self.save_rate_b)


class Offer(_Settings):
    """One thing that can be done for a customer, with what it costs (shop currency)."""

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    label: str
    channel: str = "email"
    cost_amount: Amount = 0.0
    """d: cost when redeemed, the fixed part."""
    cost_revenue_share: Share = 0.0
    """d: plus this share of the customer's expected revenue over value_horizon_days."""
    contact_amount: Amount = 0.0
    """k: cost of the contact, always paid."""
    redeem_share: Share = 1.0
    """q: share of stayers who redeem."""
    save_rate: Share | None = None
    """gamma: share of churners saved; the prior's mean where absent."""
    needs_consent: bool = True
    segments: tuple[str, ...] = ()
    """Segments it is meant for; empty means all."""


class Policy(_Settings):
    """Limits of one round of contacts."""

    capacity_customers: Annotated[int, Field(ge=0)] | None = None
    budget_amount: Amount | None = None
    contact_window_days: Days = 28


class Holdout(_Settings):
    """The universal holdout: its share, its salt and the variable that holds the key."""

    share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    salt: str = "1"
    key_env: str = "CHURN_ML_HOLDOUT_KEY"


class Segments(_Settings):
    """Band edges: risk by score, value by rank among the scored customers, both from the top.

    "high" are the `high_value_share` most valuable, at least "medium" the `medium_value_share`.
    """

    high_risk_score: Share = 0.5
    medium_risk_score: Share = 0.2
    high_value_share: Share = 0.2
    medium_value_share: Share = 0.5


class Training(_Settings):
    """How training cut-offs are laid, which candidates run, and with which seed."""

    every_days: Annotated[int, Field(gt=0)] = 30
    candidates: tuple[str, ...] = ("logistic", "xgboost")
    seed: int = 17
    min_rows: Annotated[int, Field(ge=1)] = 200
    min_churners: Annotated[int, Field(ge=1)] = 30


class Gate(_Settings):
    """The promotion test: yearly alpha, planned looks, margin and guards."""

    alpha_year: Share = 0.05
    looks_per_year: Annotated[int, Field(ge=1)] = 13
    margin_share_of_oracle: Share = 0.0025
    switching_cost_per_1000: Amount = 0.0
    min_disagreements: Annotated[int, Field(ge=0)] = 100
    min_disagreeing_churners: Annotated[int, Field(ge=0)] = 30
    resamples: Annotated[int, Field(ge=100)] = 6000
    prediction_lane_loss_share: Share | None = None
    """Where profit cannot be resolved, better predictions may promote if the loss surely stays
    below this share of the oracle's profit; absent: never."""

    @property
    def alpha_per_look(self) -> float:
        """The alpha one verdict spends: alpha_year / looks_per_year (.0038 by default)."""
        return self.alpha_year / self.looks_per_year


class Schedule(_Settings):
    """When the DAGs run, and how long they wait; without Airflow only train_every_days counts.

    `cron` (UTC) starts the ingest whose as_of is that day, from `start_on` until `end_on`; the
    other steps follow it. A training is due `train_every_days` after the last one. A verdict to
    promote waits `approval_hours` for a person, then it is refused. A step that the world was too
    busy for is tried `retries` times more, `retry_seconds` apart; one that takes longer than
    `step_minutes` is stopped. `pool` is the Airflow pool that every step waits in: make another one
    than Airflow's own before you name it, with as many slots as steps may run at once.
    """

    cron: str = "0 4 * * *"
    start_on: date = date(2024, 1, 1)
    end_on: date | None = None
    train_every_days: Annotated[int, Field(gt=0)] = 28
    approval_hours: Annotated[float, Field(gt=0)] = 72.0
    retries: Annotated[int, Field(ge=0)] = 2
    retry_seconds: Annotated[float, Field(ge=0)] = 30.0
    step_minutes: Annotated[float, Field(gt=0)] = 120.0
    pool: str = "default_pool"


class Destination(_Settings):
    """One place the scored segments go: a CSV folder or a SQL table.

    `target` is a folder, or a database URL that may hold `${NAME}` for the environment's value.
    `delivers` is True only where an acknowledged row means that the customer was contacted.
    """

    kind: Literal["file", "sql"]
    target: str
    table: str = "churn_segments"
    delivers: bool = False
    score_step: Annotated[float, Field(gt=0, le=1)] = 0.05


class Config(_Settings):
    """Everything that churn.toml can say."""

    shop: Shop
    paths: Paths = Paths()
    contract: Contract = Contract()
    sources: dict[str, SourceTable] = Field(default_factory=dict)
    validation: Validation = Validation()
    consent: Consent = Consent()
    economics: Economics = Economics()
    offers: tuple[Offer, ...] = ()
    policy: Policy = Policy()
    holdout: Holdout = Holdout()
    segments: Segments = Segments()
    training: Training = Training()
    gate: Gate = Gate()
    schedule: Schedule = Schedule()
    destinations: dict[str, Destination] = Field(default_factory=dict)
    root: Path = Path()
    """The folder of churn.toml; set by `load`, never written in the file."""

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        from churn_ml.tables import SOURCE_TABLES

        unknown = sorted(set(self.sources) - set(SOURCE_TABLES))
        if unknown:
            raise ValueError(f"unknown table in [sources]: {', '.join(unknown)}")
        if self.segments.medium_risk_score > self.segments.high_risk_score:
            raise ValueError("medium_risk_score lies above high_risk_score in [segments]")
        if self.segments.high_value_share > self.segments.medium_value_share:
            raise ValueError("high_value_share lies above medium_value_share in [segments]")
        if self.schedule.end_on and self.schedule.end_on < self.schedule.start_on:
            raise ValueError("end_on lies before start_on in [schedule]")
        codes = [offer.code for offer in self.offers]
        if len(set(codes)) != len(codes) or "NONE" in codes:
            raise ValueError("offer codes must be unique and not NONE in [[offers]]")
        return self

    def told(self, step: str) -> str:
        """Identity of what churn.toml tells a step; other sections do not touch it.

        Parameters: `step`, a name of READS; one that is not there reads everything it is given.

        >>> one, renamed = (Config(shop=Shop(name=name, currency="EUR")) for name in ("s", "t"))
        >>> one.told("train") == renamed.told("train"), one.told("ingest") == renamed.told("ingest")
        (True, False)
        """
        return content_hash(self.model_dump(mode="json", include=set(READS.get(step, ()))))

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


def content_hash(value: Any) -> str:
    """sha256 of a JSON value with sorted keys.

    >>> content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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
            next_step="correct the line named; text stands in quotes, dates and numbers do not",
        ) from error
    if "root" in tree:
        raise BadConfig(
            "unknown key 'root'",
            where="top level",
            got="root",
            next_step="remove the key: paths are relative to the folder of churn.toml",
        )
    try:
        return Config(**tree, root=root)
    except ValidationError as error:
        raise _explain(error) from error


def _explain(error: ValidationError) -> BadConfig:
    """The first problem of a pydantic error in the house's five parts."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
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
        got=repr(first["input"])[:80] if place else None,
        next_step=f"correct the value; {_PAGE} lists every key with its type and default",
    )


def _known_keys(place: list[str]) -> list[str]:
    """The keys a section knows, found by walking the settings' classes."""
    model: Any = Config
    for part in place:
        if part.isdigit() or not hasattr(model, "model_fields"):
            continue
        if part not in model.model_fields:
            continue
        model = _settings_class(model.model_fields[part].annotation) or model
    return sorted(set(model.model_fields) - {"root"})


def _settings_class(annotation: Any) -> Any:
    """The settings class inside an annotation such as `dict[str, Offer]`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_settings_class(a) for a in getattr(annotation, "__args__", ())]
    return next((f for f in found if f is not None), None)
