"""What a child of a shop whose steps are real needs beside: it takes seconds to import."""

import great_expectations  # noqa: F401
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store
import mlflow.tracking  # noqa: F401
import sklearn.ensemble
import sklearn.linear_model  # noqa: F401
import xgboost  # noqa: F401
