"""Who may log in to what: a login that is refused is not asked for again."""

from __future__ import annotations

import httpx
import pytest

from churn_ml.errors import BadConfig
from churn_ml.stack import accounts


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_is_told_at_once(status: int) -> None:
    request = httpx.Request("GET", "http://mlflow")
    asked: list[int] = []

    def ask() -> None:
        asked.append(status)
        httpx.Response(status, request=request).raise_for_status()

    with pytest.raises(BadConfig, match=f"refuses the login.*got: {status}"):
        accounts._patiently(ask, "MLflow")
    assert asked == [status]
