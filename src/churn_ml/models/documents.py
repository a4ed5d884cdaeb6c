"""Documents: JSON that a training leaves beside its models, named by its own sha256.

Enters: JSON values. Leaves: a file below `reports/` and the sha256 that the publication pins.
Worked example: the curves of `xgboost-3f2a9c1d0b7e` lie in `models/reports/9b1f...json`; logging it
in MLflow an hour later reads them, and refuses a file whose bytes are others.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from churn_ml.errors import Tampered
from churn_ml.models.bundle import sha256_of
from churn_ml.models.protocol import to_json

FOLDER = "reports"


def save(told: Any, models: Path) -> str:
    """Write `told` below the folder of models; returns its sha256. Twice is once.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(save({"rows": 4}, Path(folder)), Path(folder))
    {'rows': 4}
    """
    data = to_json(told)
    sha256 = sha256_of(data)
    target = _place(models, sha256)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as part:
            part.write(data)
        Path(part.name).rename(target)
    return sha256


def load(sha256: str, models: Path) -> Any:
    """The document of that sha256; None where there is none: it only shows what is known anyway.

    Raises Tampered where its bytes are others.
    """
    try:
        data = _place(models, sha256).read_bytes()
    except FileNotFoundError:
        return None
    if sha256_of(data) != sha256:
        raise Tampered(
            "the bytes of a report are not those that were saved",
            where=str(_place(models, sha256)),
            got=f"sha256 {sha256_of(data)[:12]}",
            expected=f"sha256 {sha256[:12]}",
            next_step="remove the file: the training is then logged without it",
        )
    return json.loads(data)


def _place(models: Path, sha256: str) -> Path:
    return models / FOLDER / f"{sha256[:24]}.json"
