"""What churn.toml tells a step: the identity that a re-run is held against."""

from __future__ import annotations

import pytest

from churn_ml.config import Config, from_text

SHORT = """
[shop]
name = "s"
currency = "EUR"
[sources.orders]
files = "o.csv"
columns = { order_id = "no" }
"""
WRITTEN_OUT = """
[shop]
name = "s"
currency = "EUR"
time_zone = "UTC"
[[sources.orders]]
kind = "files"
files = "o.csv"
columns = { order_id = "no" }
constants = {}
group_by = []
values = {}
lag_days = 1
encoding = "utf-8"
chunk_rows = 100000
[validation]
tolerance = 0.010
rules = {}
"""


def told(text: str) -> str:
    config: Config = from_text(text)
    return config.told("ingest")


def test_a_default_that_is_written_out_says_nothing_new() -> None:
    assert told(WRITTEN_OUT) == told(SHORT)


@pytest.mark.parametrize(
    ("was", "now"),
    [("lag_days = 1", "lag_days = 2"), ("0.010", "0.02"), ('"UTC"', '"Asia/Shanghai"')],
)
def test_what_is_no_default_does(was: str, now: str) -> None:
    assert told(WRITTEN_OUT.replace(was, now)) != told(SHORT)
