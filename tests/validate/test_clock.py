"""Times at the boundaries of five zones: gaps, hours that come twice, midnights (D8)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from churn_ml.config import Shop, SourceTable
from churn_ml.tables import table
from churn_ml.timeline import instant
from churn_ml.validate import cast

from .judging import judge, rows

# zone, a time that was leapt over, a time shown twice and its first instant in UTC
BOUNDARIES = [
    ("Europe/Berlin", "2017-03-26 02:30", "2017-10-29 02:30", datetime(2017, 10, 29, 0, 30)),
    ("America/New_York", "2017-03-12 02:30", "2017-11-05 01:30", datetime(2017, 11, 5, 5, 30)),
    ("America/Sao_Paulo", "2017-10-15 00:30", "2017-02-18 23:30", datetime(2017, 2, 19, 1, 30)),
    ("Australia/Lord_Howe", "2017-10-01 02:15", "2017-04-02 01:45", datetime(2017, 4, 1, 14, 45)),
    ("Pacific/Apia", "2011-12-30 12:00", "2017-04-02 03:30", datetime(2017, 4, 1, 13, 30)),
]


def read(texts: list[str], zone: str, **settings: object) -> tuple[pa.Table, list[str]]:
    """Orders at `texts` of a source in `zone`, of a shop there, and the rules that were broken."""
    count = len(texts)
    raw = pa.table(
        {
            "order_id": [str(i) for i in range(count)],
            "occurred_at": texts,
            "lot": ["a"] * count,
            "lot_row": list(range(1, count + 1)),
            "drop_on": [date(2018, 1, 1)] * count,
        }
    )
    shop = Shop(name="s", currency="USD", time_zone=zone)
    typed, bad = cast(raw, table("orders"), SourceTable(**settings), shop=shop)
    return typed, [r.rule for r in bad for _ in r.rows]


@pytest.mark.parametrize(("zone", "leapt", "twice", "first"), BOUNDARIES)
def test_a_time_that_was_leapt_over_does_not_read_and_one_shown_twice_is_the_earlier(
    zone: str, leapt: str, twice: str, first: datetime
) -> None:
    typed, bad = read([leapt, twice], zone)
    assert bad == ["orders.occurred_at.parse"]
    assert typed["occurred_at"].to_pylist() == [first]
    assert typed["day"].to_pylist() == [date.fromisoformat(twice[:10])]


@pytest.mark.parametrize("zone", [*(row[0] for row in BOUNDARIES), "Asia/Shanghai", "UTC"])
def test_every_minute_pair_around_a_midnight_falls_on_its_day(zone: str) -> None:
    days = [date(2017, 1, 1) + timedelta(days=i) for i in range(365)]
    texts = [f"{day} {clock}" for day in days for clock in ("00:00", "23:59:59.999999")]
    typed, bad = read(texts, zone)
    leapt = {t for t in texts if not _exists(datetime.fromisoformat(t), zone)}
    assert len(bad) == len(leapt)
    assert typed["day"].to_pylist() == [date.fromisoformat(t[:10]) for t in texts if t not in leapt]


def _exists(local: datetime, zone: str) -> bool:
    there = local.replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
    return there.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local


@pytest.mark.parametrize("zone", [*(row[0] for row in BOUNDARIES), "America/Havana"])
def test_a_day_without_a_time_begins_where_an_as_of_does(zone: str) -> None:
    days = [date(2017, 1, 1) + timedelta(days=i) for i in range(365)]
    typed, bad = read([day.isoformat() for day in days], zone)
    assert bad == []
    assert typed["occurred_at"].to_pylist() == [instant(day, zone) for day in days]


@pytest.mark.parametrize(("zone", "leapt", "twice", "first"), BOUNDARIES)
def test_the_sum_over_days_is_the_total(zone: str, leapt: str, twice: str, first: datetime) -> None:
    """Every hour of 2017, as UTC: none is lost, none counts on two days."""
    hours = [datetime(2017, 1, 1) + timedelta(hours=i) for i in range(8760)]
    typed, bad = read([f"{hour.isoformat()}Z" for hour in hours], zone)
    assert bad == []
    local = [h.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date() for h in hours]
    assert typed["day"].to_pylist() == local
    per_day = typed.group_by("day").aggregate([("order_id", "count")])
    assert pc.sum(per_day["order_id_count"]).as_py() == len(hours)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2017-09-30 24:00", datetime(2017, 9, 30, 22)),
        ("2017-09-30 24:00:00", datetime(2017, 9, 30, 22)),
        ("2017-09-30 10:24:00", datetime(2017, 9, 30, 8, 24)),
        ("2017-09-30 24:01", None),
        ("2017-09-30 24:00:30", None),
        ("2016-12-31 23:59:60", None),
        ("2017-01-01T00:59:60+01:00", None),
        ("2017-09-30T17:05:00Z", datetime(2017, 9, 30, 17, 5)),
        ("2017-09-30 17:05:00 Asia/Shanghai", datetime(2017, 9, 30, 9, 5)),
    ],
)
def test_midnight_has_two_names_and_a_leap_second_none(text: str, utc: datetime | None) -> None:
    typed, bad = read([text], "Europe/Berlin")
    assert typed["occurred_at"].to_pylist() == ([utc] if utc else [])
    assert len(bad) == (utc is None)


@pytest.mark.parametrize(
    ("dates", "text", "utc"),
    [
        ("%d.%m.%Y %H:%M", "30.09.2017 19:05", datetime(2017, 9, 30, 17, 5)),
        ("%d.%m.%Y %H:%M", "30.09.2017 24:00", datetime(2017, 9, 30, 22)),
        ("%d.%m.%Y %H:%M:%S", "30.09.2017 24:00:00", datetime(2017, 9, 30, 22)),
        ("%d.%m.%Y %H:%M:%S", "30.09.2017 10:24:00", datetime(2017, 9, 30, 8, 24)),
        ("%d.%m.%Y %H:%M:%S", "30.09.2017 24:00:30", None),
        ("%d.%m.%Y %H:%M:%S.%f", "30.09.2017 24:00:00.000", datetime(2017, 9, 30, 22)),
        ("%d.%m.%Y %H:%M:%S.%f", "30.09.2017 24:00:00.500", None),
        (
            "%d.%m.%Y %H:%M:%S.%f",
            "30.09.2017 10:24:00.500",
            datetime(2017, 9, 30, 8, 24, 0, 500000),
        ),
        ("%H:%M %d.%m.%Y", "24:00 30.09.2017", datetime(2017, 9, 30, 22)),
        ("%H:%M:%S %d.%m.%Y", "10:24:00 30.09.2017", datetime(2017, 9, 30, 8, 24)),
        ("%d.%m.%Y %H:%M:%S", "30.09.2017 23:59:60", None),
        ("%d.%m.%Y", "30.09.2017", datetime(2017, 9, 29, 22)),
        ("%d.%m.%Y", "2017-09-30", None),
        ("%d.%m.%Y", "30.09.17", None),
        ("%d.%m.%y", "30.09.17", datetime(2017, 9, 29, 22)),
        ("%d.%m.%Y %H:%M", "30.09.17 24:00", None),
        ("%m/%d/%Y %I:%M %p", "9/30/2017 7:05 PM", datetime(2017, 9, 30, 17, 5)),
        ("%d.%m.%Y %H:%M %z", "30.09.2017 17:05 +0000", datetime(2017, 9, 30, 17, 5)),
    ],
)
def test_a_source_says_how_it_writes_dates(dates: str, text: str, utc: datetime | None) -> None:
    typed, bad = read([text], "Europe/Berlin", dates=dates)
    assert typed["occurred_at"].to_pylist() == ([utc] if utc else [])
    assert len(bad) == (utc is None)


def test_a_source_may_be_in_another_zone_than_the_shop() -> None:
    typed, _ = read(["2017-09-30 23:30"], "Europe/Berlin", time_zone="America/New_York")
    assert typed["occurred_at"].to_pylist() == [datetime(2017, 10, 1, 3, 30)]
    assert typed["day"].to_pylist() == [date(2017, 10, 1)]


def test_native_times_without_a_zone_are_the_sources() -> None:
    stored = pa.array([datetime(2017, 9, 30, 19, 5)], pa.timestamp("us"))
    raw = pa.table(
        {"order_id": ["1"], "customer_id": ["h"], "occurred_at": stored, "net_amount": ["5,00"]}
        | {"lot": ["a"], "lot_row": [1], "drop_on": [date(2017, 10, 1)]}
    )
    shop = Shop(name="s", currency="EUR", time_zone="Europe/Berlin")
    found = rows(judge(raw, "orders", SourceTable(decimal=","), shop=shop).accepted)
    assert found["occurred_at"].to_pylist() == [datetime(2017, 9, 30, 17, 5)]
    assert found["known_at"].to_pylist() == [datetime(2017, 9, 30, 22)]
    assert found["net_amount"].to_pylist() == [Decimal("5.00")]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12,50", "12.50"), ("1.234,50", "1234.50"), ("1.234", "1234.00"), ("-3,1", "-3.10")],
)
def test_an_amount_with_a_decimal_comma_reads(text: str, amount: str) -> None:
    assert _amount(text) == [Decimal(amount)]


@pytest.mark.parametrize("text", ["12.50", "1,234.50", "1.23,4", "12,345", "1,2,3"])
def test_an_amount_in_another_notation_than_the_sources_does_not_read(text: str) -> None:
    assert _amount(text) == []


def _amount(text: str) -> list[Decimal]:
    raw = pa.table(
        {"order_id": ["1"], "occurred_at": ["2017-09-30"], "net_amount": [text]}
        | {"lot": ["a"], "lot_row": [1], "drop_on": [date(2017, 10, 1)]}
    )
    shop = Shop(name="s", currency="EUR")
    typed, _ = cast(raw, table("orders"), SourceTable(decimal=","), shop=shop)
    found: list[Decimal] = typed["net_amount"].to_pylist()
    return found
