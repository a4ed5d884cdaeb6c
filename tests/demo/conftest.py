"""What the demo's tests share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from churn_ml.stack.record import Stack


@pytest.fixture
def stack() -> Stack:
    """A stack as recorded, of which nothing runs."""
    from churn_ml.stack.record import Stack, new_secrets

    here = Path("/shop/var/demo")
    return Stack(
        folder=here,
        config=here / "churn.toml",
        dags=here,
        plugins=here,
        airflow_port=8080,
        mlflow_port=5000,
        key_env="CHURN_ML_HOLDOUT_KEY",
        users={"admin": "pass-of-admin", "demo-approver": "pass-of-approver"},
        secrets=new_secrets(),
    )
