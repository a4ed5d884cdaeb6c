"""The language of churn.toml: what it computes, what it cannot read, and that nothing gets through.

The corpus of injections is refused when churn.toml is checked: no file is opened, no SQL is run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.checks import check
from churn_ml.config import Config, from_text
from churn_ml.errors import BadConfig, BadInput
from churn_ml.sources import Lot, entries_of, formats, open_source
from churn_ml.sources.expressions import compiled
from churn_ml.sources.mapped import Mapped

SHOP = """
[shop]
name = "s"
currency = "EUR"
[sources.order_lines]
files = "*.*"
{more}
[sources.order_lines.columns]
order_id = "no"
customer_id = "client"
product_id = "sku"
[sources.order_lines.expressions]
quantity = "number(units)"
{expressions}
"""
HEADER = "no,client,sku,units,price,at\n"


def shop(folder: Path, lines: str, expressions: str = "", more: str = "") -> Config:
    (folder / "lines.csv").write_text(HEADER + lines)
    return from_text(SHOP.format(expressions=expressions, more=more), root=folder)


def read(config: Config) -> list[dict[str, Any]]:
    source = open_source(config)
    return pa.concat_tables(source.batches(source.lots())).to_pylist()


def one(
    folder: Path, expression: str, line: str, column: str = "net_amount", more: str = ""
) -> Any:
    """The value of one computed column of one line."""
    return read(shop(folder, line + "\n", f"{column} = '''{expression}'''", more))[0][column]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("number(units) * number(price)", 9.0),
        ("number(price) - 1", 3.5),
        ("(number(price) + 1) / 2", 2.75),
        ("-number(price) + 10", 5.5),
        ("round(number(price) * 1.075, 1)", 4.8),
        ("abs(0 - number(price))", 4.5),
        ("price", 4.5),
        ("case when sku = 'tea' then 1 else 2 end", 1.0),
        ("case sku when 'milk' then 1 end", None),
        ("coalesce(nullif(sku, 'tea'), '7')", 7.0),
        ("case when sku in ('tea', 'milk') and not sku like 'x%' then 3 end", 3.0),
        ("case when number(units) between 1 and 3 or sku is null then 4 end", 4.0),
        ("case when number(units) not between 1 and 3 then 4 end", None),
        ("case when at is not null and number(units) <> 3 then 5 end", 5.0),
        ("case when number(units) >= 2 and number(units) <= 2 and units > '1' then 6 end", 6.0),
        ("row()", 1.0),
    ],
)
def test_amounts(tmp_path: Path, expression: str, expected: float | None) -> None:
    assert one(tmp_path, expression, "1,h1,tea,2,4.50,2017-09-30") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("concat(no, '-', sku)", "1-Tea"),
        ("no || sku", "1Tea"),
        ("lower(sku) || upper(sku)", "teaTEA"),
        ("substr(sku, 1, 2)", "Te"),
        ("replace(trim(sku), 'e', 'o''s')", "To'sa"),
        ("split_part(at, '-', 2)", "09"),
        ("case when starts_with(sku, 'T') then 'yes' end", "yes"),
        ("concat('at ', number(price))", "at 4.5"),
        ("concat('at ', time(at))", "at 2017-09-30 00:00:00"),
    ],
)
def test_texts(tmp_path: Path, expression: str, expected: str) -> None:
    assert one(tmp_path, expression, "1,h1,Tea,2,4.50,2017-09-30", "line_id") == expected


def test_amounts_are_exact_where_floats_are_not(tmp_path: Path) -> None:
    assert one(tmp_path, "number(units) * number(price)", "1,h1,tea,3,1.005,2017-09-30") == 3.02
    assert one(tmp_path, "number(price)", "1,h1,tea,3,1.005,2017-09-30") == 1.01


@pytest.mark.parametrize(
    ("decimal", "text", "expected"),
    [
        (".", "1234.5", 1234.5),
        (".", '"1,234.5"', 1234.5),
        (",", '"1.234,50"', 1234.5),
        (",", '"12,5"', 12.5),
        (".", '"12,5"', "nan"),
        (",", "12.5", "nan"),
        (".", "12x", "nan"),
        (".", "1e2", 100.0),
        (".", "", None),
    ],
)
def test_numbers_read_as_the_entry_says_and_no_other_way(
    tmp_path: Path, decimal: str, text: str, expected: float | str | None
) -> None:
    line = f"1,h1,tea,2,{text},2017-09-30"
    found = one(tmp_path, "number(price)", line, more=f'decimal = "{decimal}"')
    assert (str(found) if isinstance(expected, str) else found) == expected


@pytest.mark.parametrize(
    ("dates", "text", "expected"),
    [
        ("", "2017-09-30 19:05", "2017-09-30 17:05"),
        ("", "2017-09-30", "2017-09-29 22:00"),
        ("", "2017-09-30T19:05:00+02:00", "2017-09-30 17:05"),
        ("", "2017-10-29 02:30", "2017-10-29 00:30"),
        ("", "2017-10-29T02:30:00+01:00", "2017-10-29 01:30"),
        ("", "2017-03-26 02:30", None),
        ("", "30.09.2017", None),
        ("%d.%m.%Y", "30.09.2017", "2017-09-29 22:00"),
        ("%d.%m.%Y", "30.09.17", None),
        ("%d.%m.%Y %H:%M", "30.09.2017 24:00", "2017-09-30 22:00"),
        ("%d.%m.%Y %H:%M %z", "29.10.2017 02:30 +0100", "2017-10-29 01:30"),
        ("%d.%m.%Y", "2017-09-30", None),
    ],
)
def test_times_read_as_those_of_a_mapped_column_and_no_other_way(
    tmp_path: Path, dates: str, text: str, expected: str | None
) -> None:
    more = f'dates = "{dates}"\n' if dates else ""
    config = shop(
        tmp_path,
        f"1,h1,tea,2,1,{text}\n",
        "occurred_at = 'time(at)'",
        more + 'time_zone = "Europe/Berlin"',
    )
    source = open_source(config)
    times = next(source.batches(source.lots()))["occurred_at"]
    infinity = 2**63 - 1
    if expected is None:
        assert times.cast(pa.int64()).to_pylist() == [infinity]
    else:
        assert times[0].as_py().astimezone(UTC).replace(tzinfo=None) == datetime.fromisoformat(
            expected
        )


def test_where_leaves_rows_out_and_counts_them(tmp_path: Path) -> None:
    config = shop(
        tmp_path,
        "1,a,tea,2,1,x\nC2,a,tea,1,1,x\n3,a,tea,1,1,x\n",
        more="where = \"not starts_with(no, 'C')\"",
    )
    source = open_source(config)
    rows = pa.concat_tables(source.batches(source.lots())).to_pylist()
    assert [(row["order_id"], row["lot_row"]) for row in rows] == [("1", 1), ("3", 3)]
    assert source.left_out == {"order_lines": 1}


def test_a_line_of_which_where_cannot_be_told_is_not_left_out(tmp_path: Path) -> None:
    config = shop(tmp_path, "1,a,tea,2x,1,x\n2,a,tea,0,1,x\n", more='where = "number(units) > 0"')
    assert [row["order_id"] for row in read(config)] == ["1"]


GROUPED = 'group_by = ["no", "client", "sku"]'


def test_a_lot_that_was_grouped_is_held_no_longer(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(HEADER + "1,a,tea,2,4.50,\n" * 100_000)
    text = SHOP.replace("number(units)", "sum(number(units))").format(more=GROUPED, expressions="")
    mapped = Mapped(entries_of("order_lines", from_text(text).sources["order_lines"])[0])
    lot = Lot("order_lines", "lines.csv", None, "0" * 64)
    with (tmp_path / "lines.csv").open("rb") as file:
        pieces = formats.read(file, lot, mapped.entry, mapped.wanted)
        assert sum(part.num_rows for part in mapped.rows(lot, pieces)) == 1
    left = mapped._con.sql("select sum(memory_usage_bytes) from duckdb_memory()").fetchall()
    assert left[0][0] < 2**20


def test_groups_are_one_row_each_numbered_as_their_first_line(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(
        HEADER + "2,a,tea,1,3.00,2017-10-02\n1,a,tea,1,0.10,2017-10-03\n"
        "1,a,tea,2,0.20,2017-10-01\n1,a,milk,5,1.00,2017-10-03\n"
    )
    text = SHOP.replace('quantity = "number(units)"', 'quantity = "sum(number(units))"').format(
        more=GROUPED,
        expressions="net_amount = 'sum(number(units) * number(price))'\n"
        "occurred_at = 'min(time(at))'\nline_id = \"any(price)\"\n",
    )
    rows = read(from_text(text, root=tmp_path))
    assert [
        (r["order_id"], r["product_id"], r["quantity"], r["net_amount"], r["line_id"], r["lot_row"])
        for r in rows
    ] == [
        ("2", "tea", 1, 3.0, "3.00", 1),
        ("1", "tea", 3, 0.5, "0.10", 2),
        ("1", "milk", 5, 5.0, "1.00", 4),
    ]
    assert rows[1]["occurred_at"] == datetime(2017, 10, 1, tzinfo=UTC)


def test_groups_count_their_lines_and_what_differs_in_them(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(HEADER + "1,a,tea,1,3,d\n1,a,tea,2,3,d\n2,a,tea,1,3,d\n")
    text = SHOP.replace("number(units)", "count(distinct units)").format(
        more=GROUPED, expressions="net_amount = 'count(*) + count(distinct price)'"
    )
    rows = read(from_text(text, root=tmp_path))
    told = [(r["order_id"], int(r["quantity"]), r["net_amount"]) for r in rows]
    assert told == [("1", 2, 3.0), ("2", 1, 2.0)]


def test_one_line_that_does_not_read_spoils_its_group_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(HEADER + "1,a,tea,1,x,d\n1,a,tea,2,1,d\n2,a,tea,3,1,d\n")
    text = SHOP.replace("number(units)", "sum(number(units))").format(
        more=GROUPED, expressions="net_amount = 'sum(number(price))'"
    )
    assert [str(row["net_amount"]) for row in read(from_text(text, root=tmp_path))] == [
        "nan",
        "1.0",
    ]


def test_numbers_stored_as_such_need_no_reading(tmp_path: Path) -> None:
    stored = pa.table({"no": [1.0], "client": ["a"], "sku": ["t"], "units": [2], "price": [1.1]})
    pq.write_table(stored, tmp_path / "lines.parquet")
    text = SHOP.format(
        more="", expressions="net_amount = 'units * price'\nline_id = \"concat(no, '')\""
    )
    row = read(from_text(text, root=tmp_path))[0]
    assert (row["net_amount"], row["order_id"], row["line_id"]) == (2.2, "1", "1")


def test_columns_that_differ_only_by_case_are_two(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("no,client,sku,units,Price,price\n1,a,t,1,2,3\n")
    text = SHOP.format(more="", expressions="net_amount = 'number(Price) * 10 + number(\"price\")'")
    assert read(from_text(text, root=tmp_path))[0]["net_amount"] == 23.0


def test_counting_with_text_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="an expression cannot be computed") as error:
        one(tmp_path, "price * 2", "1,h1,tea,2,SECRET,2017-09-30")
    assert "SECRET" not in str(error.value)
    assert "number(column)" in str(error.value.next_step)


def test_a_product_that_does_not_fit_spoils_its_row_and_no_other(tmp_path: Path) -> None:
    lines = "1,a,t,1,99999999999999999999,d\n2,a,t,1,3,d\n"
    rows = read(shop(tmp_path, lines, "net_amount = 'number(price) * number(price)'"))
    assert [str(row["net_amount"]) for row in rows] == ["nan", "9.0"]


def test_a_product_of_too_many_factors_is_refused_with_what_to_do(tmp_path: Path) -> None:
    factors = ["number(price)"] * 7
    with pytest.raises(BadInput, match="more digits than fit") as error:
        one(tmp_path, " * ".join(factors), "1,h1,tea,2,2,2017-09-30")
    assert "round(" in str(error.value.next_step)
    rounded = f"round({' * '.join(factors[:3])}, 4) * {' * '.join(factors[3:])}"
    assert one(tmp_path, rounded, "1,h1,tea,2,2,2017-09-30") == 128.0


def test_a_column_that_is_not_in_the_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="column 'cost' is missing"):
        one(tmp_path, "number(cost)", "1,h1,tea,2,1,2017-09-30")


INJECTIONS = (
    "1; drop table rows",
    "number(price); attach 'x.db'",
    "(select 1)",
    "(select count(*) from rows)",
    "exists (select 1)",
    "price in (select no from rows)",
    "read_text('/etc/passwd')",
    "read_csv('/etc/passwd')",
    "getenv('CHURN_ML_HOLDOUT_KEY')",
    "current_setting('temp_directory')",
    "pg_sleep(10)",
    "query('select 1')",
    "sum(number(price)) over ()",
    "sum(number(price)) filter (where true)",
    "price::blob",
    "cast(price as blob)",
    "rows.price",
    "main.rows.price",
    "price collate nocase",
    "price at time zone 'UTC'",
    "[1, 2]",
    "{'a': 1}",
    "list_value(1)",
    "x -> x",
    "x'61'",
    "repeat('x', 1000000000)",
    "range(1000000000)",
    "now()",
    "random()",
    "uuid()",
    "error('x')",
    "$1",
    "?",
    "{{ 1 }}",
    "${HOME}",
    "`id`",
    "price like 'a' escape 'b'",
    "price like any ('a', 'b')",
    "price ilike any ('a', 'b')",
    "price not ilike 'a'",
    "price between symmetric 2 and 1",
    "price not between symmetric 2 and 1",
    "price // 2",
    "count(distinct price, no)",
    "min(price, 2)",
    "regexp_matches(price, '(a+)+$')",
    "*",
    "columns(*)",
    "count(*)",
    "any(price)",
    "trim(both 'x' from price)",
    "number(price, 2)",
    "row(1)",
    "time()",
    "interval 1 day",
    "if(true, 1, 2)",
    "a is distinct from b",
    "a is 5",
    "lambda x: x",
    "insert into rows values (1)",
    "create table x (a int)",
    "copy rows to 'x'",
    "pragma version",
    "set threads = 1",
    "(" * 300 + "1" + ")" * 300,
    "-" * 1500 + "1",
    "1" + " + 1" * 800,
    "''' or 1=1",
    "",
    " ",
)


@pytest.mark.parametrize("place", ["where", "expressions"])
@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_what_is_not_of_the_language_is_refused_before_a_file_is_opened(
    text: str, place: str
) -> None:
    config = from_text(SHOP.format(more="", expressions=""))
    told = {"where": text or " "} if place == "where" else {"expressions": {"net_amount": text}}
    source = config.sources["order_lines"][0].model_copy(update=told)
    with pytest.raises(BadConfig) as error:
        check(config.model_copy(update={"sources": {"order_lines": (source,)}}))
    assert error.value.next_step


def test_a_comment_is_not_copied_into_the_sql() -> None:
    assert compiled("price -- ' or 1=1", "x").sql == "v_7072696365"


@pytest.mark.parametrize(
    "name",
    ['a"; drop table rows; --', "a'b", "a\\", "выручка", "价格", "a\u202eb", "select", "lot_row"],
)
def test_no_name_of_a_column_is_ever_sql(tmp_path: Path, name: str) -> None:
    table = pa.table({"no": ["1"], "client": ["a"], "sku": ["t"], "units": ["1"], name: ["7"]})
    pq.write_table(table, tmp_path / "l.parquet")
    quoted = '"' + name.replace('"', '""') + '"'
    config = from_text(SHOP.format(more="", expressions=""), root=tmp_path)
    source = config.sources["order_lines"][0]
    told = {"expressions": {"net_amount": f"number({quoted})", "quantity": "1"}}
    config = config.model_copy(
        update={"sources": {"order_lines": (source.model_copy(update=told),)}}
    )
    assert read(config)[0]["net_amount"] == 7.0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("sum(number(price))", "are for groups"),
        ("net_amount", "stands outside"),
        ("sum(sum(number(price)))", "are for groups"),
    ],
)
def test_groups_and_lines_are_not_mixed_up(wrong: str, told: str) -> None:
    grouped = wrong != "sum(number(price))"
    with pytest.raises(BadConfig, match=told):
        compiled(wrong, "[x]", grouped=grouped, keys=("no",))


def test_a_plain_column_must_be_one_value_in_its_group() -> None:
    with pytest.raises(BadConfig, match="several values in a group") as error:
        check(from_text(SHOP.format(more='group_by = ["no"]', expressions="")))
    assert "any(client)" in str(error.value.next_step)
