"""What one training of every family takes on the Complete Journey: seconds, processor, memory.

Enters: nothing, or the folder of its Parquet files. Leaves: figures for JSON, or lines of text. The
shop is laid out and ingested first, outside the clock. Worked example: as of 2018-01-02 the panel
has the cut-offs from 2017-04 to 2017-12-03, and every family is fitted on it, tuned and stored, as
`churn-ml train` does with all of them as [training] candidates.
"""

from __future__ import annotations

import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml import flow
from churn_ml.quality.contest import among
from churn_ml.quality.shops import data_of, ends_on, open_shop
from churn_ml.quality.tasks import task

if TYPE_CHECKING:
    from churn_ml.house import Progress

SHOP = "c2-gone30"
"""The task whose shop and contract are trained on."""


def measure(data: Path | None = None, *, say: Progress) -> dict[str, Any]:
    """Train every family once, and say what it took; a JSON-able dict.

    `data`: the folder of the Parquet files, where it is not the installed package's. `seconds` and
    `processor_seconds` are of the training alone; `peak_rss_mb` is of the whole process, the ingest
    included. Raises NotReady without data.
    """
    wanted = task(SHOP)
    with tempfile.TemporaryDirectory() as folder:
        house = open_shop(wanted, Path(folder), data_of(wanted, data), say)
        house = replace(house, config=among(house.config, ()))
        started, worked = time.perf_counter(), time.process_time()
        receipt = flow.train(house, ends_on(wanted, house))
    return {
        "as_of": receipt.as_of.isoformat(),
        "panel_rows": receipt.counted.rows_out,
        "candidates": [each["name"] for each in receipt.details["candidates"]],
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(time.process_time() - worked, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def table(result: dict[str, Any]) -> str:
    """The result as text.

    >>> print(table({"as_of": "2018-01-02", "panel_rows": 20000, "candidates": ["rule", "xgboost"],
    ...              "seconds": 95.0, "processor_seconds": 90.0, "peak_rss_mb": 1500.0}))
    training as of 2018-01-02: 20,000 rows of the panel, 2 families (rule, xgboost)
    95 s, 90 processor s, peak 1,500 MB
    """
    names = result["candidates"]
    return (
        f"training as of {result['as_of']}: {result['panel_rows']:,} rows of the panel, "
        f"{len(names)} families ({', '.join(names)})\n{result['seconds']:.0f} s, "
        f"{result['processor_seconds']:.0f} processor s, peak {result['peak_rss_mb']:,.0f} MB"
    )
