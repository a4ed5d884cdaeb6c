"""Models: every model folder that was trained, with the hash that its bytes must have.

Worked example: training as of 2017-11-01 ends with `xgboost-3f2a9c1d0b7e`. Its sha256 stands here;
scoring hands it to `models.load`, which refuses a folder whose bytes differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from churn_ml.errors import NotReady, Tampered
from churn_ml.ledger.database import Database, canonical_json
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import MODELS

if TYPE_CHECKING:
    from sqlalchemy import Row


@dataclass(frozen=True)
class ModelRecord:
    """One trained model: its folder, the sha256 of its files, where MLflow has it."""

    id: str
    family: str
    sha256: str
    folder: str
    trained_as_of: date
    contract: str
    mlflow_run: str | None = None
    mlflow_version: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


class Models(Database):
    """The part of the ledger that knows the models."""

    def add_model(self, model: ModelRecord) -> ModelRecord:
        """Note a model; the same model again changes nothing but fills in MLflow's references.

        Raises: Tampered where the id is known with another sha256.

        >>> from churn_ml.ledger import Ledger
        >>> ledger = Ledger.open("sqlite://")
        >>> rule = ModelRecord("rule-0a", "rule", "0a", "models/rule-0a", date(2017, 10, 1), "c")
        >>> ledger.add_model(rule) == ledger.add_model(rule) == ledger.model("rule-0a")
        True
        """
        row = vars(model) | {"meta": canonical_json(model.meta)}
        said = {"mlflow_run": model.mlflow_run, "mlflow_version": model.mlflow_version}
        told = {name: value for name, value in said.items() if value is not None}
        mine = MODELS.c.id == model.id
        with self.writing() as connection:
            upsert(connection, MODELS, [row], update=())
            known = connection.execute(select(MODELS.c.sha256).where(mine)).scalar_one()
            if known != model.sha256:
                raise _other_bytes(model, known)
            if told:
                connection.execute(update(MODELS).where(mine).values(**told))
        return self.model(model.id)

    def model(self, model_id: str) -> ModelRecord:
        """The model called `model_id`; raises NotReady where the ledger does not know it."""
        with self.reading() as connection:
            row = connection.execute(select(MODELS).where(MODELS.c.id == model_id)).one_or_none()
        if row is None:
            raise NotReady(
                f"the ledger does not know model {model_id}",
                where="ledger",
                next_step="run train, or check [paths] ledger",
            )
        return _record(row)

    def models(self) -> list[ModelRecord]:
        """Every model, by the date it was trained for and its id."""
        query = select(MODELS).order_by(MODELS.c.trained_as_of, MODELS.c.id)
        with self.reading() as connection:
            return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any]) -> ModelRecord:
    return ModelRecord(**dict(row._mapping) | {"meta": json.loads(row.meta)})


def _other_bytes(model: ModelRecord, known: str) -> Tampered:
    return Tampered(
        f"model {model.id} is known with other bytes",
        where="ledger",
        got=model.sha256,
        expected=known,
        next_step="train again; a model id is made of its sha256",
    )
