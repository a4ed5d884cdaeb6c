"""What an ingest would do is told before it, and what every validation found after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn_ml import cli
from churn_ml.errors import OverTolerance

runner = CliRunner()


def answer(*words: str, code: int = 0) -> str:
    done = runner.invoke(cli.app, words, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """200 orders of one file; 30 of them have an amount with a comma."""
    rows = [
        f"{n},h{n % 20},2017-09-{n % 28 + 1:02},{'1;5' if n < 30 else '2.50'}" for n in range(200)
    ]
    (tmp_path / "orders.csv").write_text("no,client,at,total\n" + "\n".join(rows) + "\n")
    (tmp_path / "churn.toml").write_text(
        '[shop]\nname = "s"\ncurrency = "EUR"\n[sources.orders]\nfiles = "orders.csv"\n'
        'columns = { order_id = "no", customer_id = "client", occurred_at = "at",'
        ' net_amount = "total" }\n[validation]\n'
    )
    return tmp_path / "churn.toml"


def test_the_check_says_what_an_ingest_would_refuse_and_leaves_nothing_behind(small: Path) -> None:
    before = set(small.parent.iterdir())
    told = json.loads(answer("check", "--config", str(small), "--json", code=1))
    (orders,) = told["tables"]
    assert (orders["tried"], orders["accepted"], orders["quarantined"]) == (200, 170, 30)
    (rule,) = orders["rules"]
    assert (rule["rule"], rule["rows"], rule["worst_share"], rule["tolerance"]) == (
        "orders.net_amount.parse",
        30,
        0.15,
        0.01,
    )
    assert rule["worst_file"].endswith("orders.csv")
    for part in ("orders.csv", "net_amount", "15.00%", "30 of 200 rows", "next step"):
        assert part in orders["refused"]
    assert "1;5" not in json.dumps(told)
    assert set(small.parent.iterdir()) == before


def test_what_the_shop_lacks_is_said_by_table_and_by_indicator(small: Path) -> None:
    told = answer("check", "--config", str(small), code=1)
    assert "breadth: not available, needs order_lines, products" in told
    assert "Tables without a source: customers" in told
    assert "An ingest would publish nothing" in told


def test_a_status_without_its_time_is_named(small: Path) -> None:
    """The shop calls its states what it likes: where none is known the ingest refuses, too."""
    small.write_text(small.read_text().replace("net_amount", "status"))
    told = answer("check", "--config", str(small), code=1)
    assert "map orders.cancelled_at too" in " ".join(told.split())


def test_rows_that_nothing_dates_are_named_since_no_past_day_sees_them(small: Path) -> None:
    (small.parent / "products.csv").write_text("sku\na\n")
    section = '[sources.products]\nfiles = "products.csv"\ncolumns = { product_id = "sku" }\n'
    small.write_text(small.read_text() + section)
    told = " ".join(answer("check", "--config", str(small), code=1).split())
    assert "products are known from the day their file is first read" in told
    small.write_text(small.read_text() + 'constants = { occurred_at = "2017-01-01" }\n')
    told = " ".join(answer("check", "--config", str(small), code=1).split())
    assert "products are known from" not in told


def test_words_of_the_shop_are_to_be_translated_before_a_rule_is_loosened(small: Path) -> None:
    text = small.read_text().replace("net_amount", "status")
    small.write_text(text.replace('"total" }', '"total" }\nconstants = { currency = "EUR" }'))
    (orders,) = json.loads(answer("check", "--config", str(small), "--json", code=1))["tables"]
    assert '[sources.orders.values.status] "THEIRS" = "completed"' in orders["refused"]


def test_a_shop_without_orders_is_told_so_and_not_that_all_is_well(small: Path) -> None:
    text = small.read_text()
    small.write_text(text[: text.index("[sources")])
    told = answer("check", "--config", str(small), code=1)
    assert "An ingest would take every table" not in told
    assert "write [sources.orders]" in " ".join(told.split())
    assert "write [sources.orders]" in answer("config", "check", "--config", str(small))


def test_a_table_that_cannot_be_read_does_not_hide_the_others(small: Path) -> None:
    small.write_text(
        small.read_text()
        + '[sources.products]\nfiles = "nothing*.csv"\ncolumns = { product_id = "sku" }\n'
    )
    told = json.loads(answer("check", "--config", str(small), "--json", code=1))
    refused = {one["table"]: one["refused"] for one in told["tables"]}
    assert "no file for table products" in refused["products"]
    assert "orders.net_amount.parse" in refused["orders"]


def test_a_file_without_a_row_is_no_fault(small: Path) -> None:
    (small.parent / "orders.csv").write_text("no,client,at,total\n")
    (orders,) = json.loads(answer("check", "--config", str(small), "--json"))["tables"]
    assert (orders["tried"], orders["rows"], orders["passes"]) == (0, 0, True)


def test_a_sample_is_evenly_spread_and_its_shares_are_the_files(small: Path) -> None:
    told = json.loads(answer("check", "--config", str(small), "--sample", "40", "--json", code=1))
    (orders,) = told["tables"]
    assert (orders["tried"], orders["rows"]) == (40, 200)
    assert 0.1 < orders["rules"][0]["worst_share"] < 0.2


def test_the_log_remembers_passed_and_refused_validations(small: Path) -> None:
    words = ("ingest", "--config", str(small), "--as-of", "2017-10-01")
    with pytest.raises(OverTolerance):
        runner.invoke(cli.app, words, catch_exceptions=False)
    small.write_text(small.read_text() + "tolerance = 0.2\n")
    answer(*words)
    rule = "orders.net_amount.parse"
    log = ("validation", "log", "--config", str(small))
    told = json.loads(answer(*log, "--rule", rule, "--json"))
    assert [(one["rows"], one["of_rows"], one["passed"]) for one in told] == [
        (30, 200, False),
        (30, 200, True),
    ]
    assert [one["tolerance"] for one in told] == [0.01, 0.2]
    shown = answer(*log, "--table", "orders")
    for part in ("2017-10-01", rule, "15.00 %", "1.00 %", "20.00 %", "no"):
        assert part in shown
    assert "no validation is on record" in answer(*log, "--since", "2017-10-02")
    assert "no validation is on record" in answer(*log, "--table", "products")
