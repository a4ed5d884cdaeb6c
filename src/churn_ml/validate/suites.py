"""Great Expectations suites: found, loaded, and turned into the rows that broke each rule.

Enters: typed rows and the suite `expectations/TABLE.json` (in a checkout at the root, in an
installed wheel beside this file). Each expectation carries in its `meta` the rule's name
(`TABLE.COLUMN.RULE`), the reason in words, the verdict and its severity: rows that break a hard
rule are set aside, rows that break a soft one stay and are counted. Leaves: one `Rejection` per
broken rule with row numbers only: results of Great Expectations hold values, so none leaves here.

Worked example: a line of 2017-09-30 with quantity 0 breaks `order_lines.quantity.positive` and is
quarantined; an order without a customer breaks `orders.customer_id.required` and is excluded. An
expectation that cannot run (an unknown column in the suite) raises `BadConfig`: a broken validator
must not look like bad data.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from churn_ml.errors import BadConfig
from churn_ml.validate.cast import Rejection, Verdict
from churn_ml.validate.money import currencies

if TYPE_CHECKING:
    import pandas as pd

_COLUMN_KWARGS = ("column", "column_A", "column_B")
_FIGURES = {"year": compute.year, "length": compute.utf8_length}
"""What a rule may look at in place of a column: `NAME_year` of a time, `NAME_length` of a text."""
_MANY_ROWS = 100_000
"""Above this many rows the library's garbage is collected at once: it holds copies of the rows."""
_RESULT = {
    "result_format": "COMPLETE",
    "return_unexpected_index_query": False,
    "include_unexpected_rows": False,
}
"""Rows are told by their place in the frame: a column's name would be looked up row by row."""


def folder() -> Path:
    """Where the suites lie: in the installed package, or at the root of a checkout.

    >>> (folder() / "orders.json").is_file()
    True
    """
    installed = Path(str(files("churn_ml"))) / "expectations"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "expectations"


@cache
def suite(name: str) -> dict[str, Any]:
    """The suite of table `name` as JSON; raises BadConfig where it is missing or no JSON.

    >>> suite("order_lines")["expectations"][0]["meta"]["rule"]
    'order_lines.order_id.required'
    """
    path = folder() / f"{name}.json"
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise BadConfig(
            f"there is no readable suite for table {name}",
            where=str(path),
            got=str(error),
            next_step=f"restore expectations/{name}.json",
        ) from error
    return loaded


def rules(name: str) -> tuple[str, ...]:
    """The names of the rules in the suite of table `name`.

    >>> rules("orders")[0]
    'orders.order_id.required'
    """
    return tuple(expectation["meta"]["rule"] for expectation in suite(name)["expectations"])


def judge(name: str, typed: pa.Table) -> list[Rejection]:
    """The rules of table `name` that rows of `typed` break, in the order of the suite.

    `typed` comes from `cast` (its column `row` numbers the raw rows). Raises BadConfig where an
    expectation itself cannot run.

    >>> from datetime import datetime
    >>> import pyarrow as pa
    >>> when = pa.array([datetime(2017, 9, 30)] * 2, pa.timestamp("us"))
    >>> typed = pa.table({"row": [0, 1], "market": ["US", None], "occurred_at": when,
    ...                   "known_at": when})
    >>> [(r.rule, r.rows.tolist()) for r in judge("markets", typed)]
    [('markets.market.required', [1])]
    """
    if not typed.num_rows:
        return []
    loaded = suite(name)
    numbers = typed["row"].to_numpy()
    results = _run(loaded, _frame(loaded, typed), {"currencies": list(currencies())})
    ran = {_meta(result)["rule"] for result in results}
    for rule in rules(name):
        if rule not in ran:  # an unknown type is logged and left out: no rule may vanish like that
            raise _broken(name, rule, "Great Expectations does not know its type")
    broken = {_meta(result)["rule"]: result for result in results if not _sound(result, name)}
    return [
        Rejection(meta["rule"], meta["reason"], _verdict(meta), numbers[_at(broken[meta["rule"]])])
        for meta in (expectation["meta"] for expectation in loaded["expectations"])
        if meta["rule"] in broken
    ]


def _verdict(meta: dict[str, Any]) -> Verdict:
    """What becomes of the rows that break a rule."""
    verdict: Verdict = "warned" if meta.get("severity") == "soft" else meta["verdict"]
    return verdict


def _frame(loaded: dict[str, Any], typed: pa.Table) -> pd.DataFrame:
    """The columns that the suite looks at, money as float64: enough to compare with bounds.

    `NAME_year` stands for the year of a time, `NAME_length` for the characters of a text: Great
    Expectations compares times with a bound one by one in Python (5 s for 1.5 M rows), whole
    numbers at once.
    """
    kwargs = [expectation["kwargs"] for expectation in loaded["expectations"]]
    wanted = {k[name] for k in kwargs for name in _COLUMN_KWARGS if name in k}
    picked = typed.select(sorted(wanted & set(typed.column_names)))
    schema = pa.schema(
        [(f.name, pa.float64() if pa.types.is_decimal(f.type) else f.type) for f in picked.schema]
    )
    frame: pd.DataFrame = picked.cast(schema).to_pandas()
    for name in sorted(wanted - set(typed.column_names)):
        of, _, figure = name.rpartition("_")
        if figure in _FIGURES and of in typed.column_names:
            frame[name] = _FIGURES[figure](typed[of]).to_pandas()
    return frame


def _run(loaded: dict[str, Any], frame: pd.DataFrame, parameters: dict[str, Any]) -> list[Any]:
    """Great Expectations' results for `frame`, without its progress bars, logs and telemetry."""
    with _quiet():
        import great_expectations as gx
        from great_expectations.exceptions.exceptions import GreatExpectationsError

        context = _context()
        asset = context.data_sources.add_pandas("typed").add_dataframe_asset(loaded["name"])
        whole = asset.add_batch_definition_whole_dataframe("whole")
        batch = whole.get_batch(batch_parameters={"dataframe": frame})
        try:
            asked = gx.ExpectationSuite(name=loaded["name"], expectations=_asked(loaded))
            validated = batch.validate(
                asked, result_format=_RESULT, expectation_parameters=parameters
            )
        except (GreatExpectationsError, ValueError) as error:
            raise _broken(loaded["name"], "the suite", str(error)) from error
        finally:
            # The context stays, and the library has cycles: do not let them keep the rows, too.
            context.data_sources.delete("typed")
            del batch, whole, asset
    if len(frame) > _MANY_ROWS:
        gc.collect()
    return list(validated.results)


@cache
def _context() -> Any:
    """Great Expectations' context of this process: 30 ms to make, and it holds no rows."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _asked(loaded: dict[str, Any]) -> list[dict[str, Any]]:
    """The expectations with their rule alone as `meta`: the library copies it a hundred times each.

    It also changes what it is given, so this is a copy.
    """
    expectations: list[dict[str, Any]] = json.loads(json.dumps(loaded["expectations"]))
    return [each | {"meta": {"rule": each["meta"]["rule"]}} for each in expectations]


@contextmanager
def _quiet() -> Iterator[None]:
    """No telemetry, no warnings of third parties at import, no log lines with values."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logger, nowhere = logging.getLogger("great_expectations"), logging.NullHandler()
    before, logger.propagate = logger.propagate, False  # some of its loggers set their own level
    logger.addHandler(nowhere)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(nowhere)
        logger.propagate = before


def _meta(result: Any) -> dict[str, str]:
    meta: dict[str, str] = result.expectation_config.meta
    return meta


def _sound(result: Any, name: str) -> bool:
    """True where no row broke the rule; raises BadConfig where the rule itself broke."""
    told = result.exception_info or {}
    told = told if "raised_exception" not in told else {"": told}
    for info in told.values():
        if info.get("raised_exception"):
            raise _broken(name, _meta(result)["rule"], str(info.get("exception_message")))
    return bool(result.success)


def _broken(name: str, rule: str, message: str) -> BadConfig:
    return BadConfig(
        f"the expectation {rule} cannot run",
        where=str(folder() / f"{name}.json"),
        got=message.strip()[:200],
        expected="an expectation of Great Expectations 1.24 on a column of the table",
        next_step="correct the suite; no row was judged",
    )


def _at(result: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where in the frame the rows of a result stand, and nothing else of it."""
    return np.sort(np.array(result.result["unexpected_index_list"], dtype=np.int64))
