"""Versions: the registered model of one contract, its versions, and what stands on them.

Enters: MLflow's client and the model's name. Leaves: a version per model of the ledger, found by
its tag; tags and aliases that follow the ledger. Worked example: of 2017-10-01 the ledger's model
rule-0f1e2d3c4b5a is version 1 of `churn_ml.gone30`; tagged once more with the same, nothing is
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from churn_ml.errors import NotReady
from churn_ml.registry import description
from churn_ml.registry.trained import MODEL_ID, Fitted, Logged, Trained, tags_of

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Versions:
    """The versions of one registered model; whatever MLflow raises passes through."""

    def __init__(self, client: MlflowClient, name: str, shown: str) -> None:
        """`shown`: where MLflow is, for messages."""
        self.client = client
        self.name = name
        self.shown = shown

    def model(self) -> Any:
        """The registered model, made where absent."""
        found = self.client.search_registered_models(f"name = '{self.name}'", max_results=1)
        if found:
            return found[0]
        about = description.of_contract(self.name)
        return self.client.create_registered_model(self.name, description=about)

    def logged(self, model_id: str) -> Logged | None:
        """Where the ledger's model stands; None where it was never logged."""
        query = f"name = '{self.name}' and tags.`{MODEL_ID}` = '{model_id}'"
        for version in self.client.search_model_versions(query, max_results=1):
            return Logged(str(version.run_id), int(version.version))
        return None

    def known(self, model_id: str) -> str:
        """The version of the ledger's model; raises NotReady where it was never logged."""
        found = self.logged(model_id)
        if found is None:
            raise NotReady(
                f"model {model_id} is not in the registry",
                where=f"{self.name} at {self.shown}",
                next_step="churn-ml log --as-of DATE, the date it was trained for",
            )
        return str(found.version)

    def registered(self, trained: Trained, each: Fitted, run: str) -> Logged:
        """A new version for a candidate whose folder lies in `run`."""
        version = self.client.create_model_version(
            self.name,
            source=f"runs:/{run}/{each.model_id}",
            run_id=run,
            tags=trained.tags | tags_of(each),
            description=description.of_model(trained, each),
        )
        return Logged(run, int(version.version))

    def tags(self, version: str) -> Mapping[str, str]:
        """What stands on a version."""
        held: Mapping[str, str] = self.client.get_model_version(self.name, version).tags
        return held

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        """Write on a version what does not stand there yet, in the order given."""
        held = self.tags(version)
        for key, value in tags.items():
            if held.get(key) != value:
                self.client.set_model_version_tag(self.name, version, key, value)

    def point(self, alias: str, version: str | None) -> None:
        """Let `alias` mean a version, or nothing."""
        if version is not None:
            self.client.set_registered_model_alias(self.name, alias, version)
        elif alias in self.model().aliases:
            self.client.delete_registered_model_alias(self.name, alias)

    def aliases(self) -> dict[str, str]:
        """The model id behind every alias that is set."""
        return {
            alias: str(self.tags(str(version)).get(MODEL_ID, f"version {version}"))
            for alias, version in sorted(self.model().aliases.items())
        }
