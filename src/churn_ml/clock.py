"""Times of a shop to UTC: text and native times, in the zone of their source.

Enters: SQL for a text or a stored time, the zone of naive ones, the form of dates. Leaves: DuckDB
SQL that is the time as naive UTC, or null where it does not read or does not exist. The rule:

* a time with a zone of its own is converted from it;
* a naive one is in the source's zone: one that the clocks leapt over does not exist; one that they
  showed twice is the earlier;
* a day without a time is its first instant, even where midnight was leapt over;
* a form with %Y wants a year of four digits: 30.09.17 is not the year 17, nor guessed to be 2017;
* 24:00 is the next day's 00:00; a leap second (:60) does not read.

Worked example: in Europe/Berlin `2017-10-29 02:30` was there twice and reads as 00:30 UTC (summer
time); `2017-03-26 02:30` was not there at all.
"""

from __future__ import annotations

import pyarrow as pa
from pyarrow import types

_ISO = r"^\d{4}-\d{1,2}-\d{1,2}([ T].*)?$"
_ISO_DAY = r"^\d{4}-\d{1,2}-\d{1,2}$"
_ISO_NAIVE = r"^\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$"
# only where the hour stands: not the minutes of 10:24:00, and no second after midnight
_MIDNIGHT = r"(^|[^0-9:])24:00(:00(?:\.0+)?)?([^0-9:.]|$)"
_HAS_TIME = ("%H", "%I", "%c", "%X", "%T", "%s")

# The offsets a day before and a day after are those on either side of a change of the clocks; a
# candidate counts where the zone, asked back, shows the same time.
MACROS = """
create temp macro utc_offset(utc, zone) as timezone(zone, timezone('UTC', utc)) - utc;
create temp macro by_former(local, zone) as local - utc_offset(local - interval 1 day, zone);
create temp macro by_latter(local, zone) as local - utc_offset(local + interval 1 day, zone);
create temp macro shows(utc, local, zone) as timezone(zone, timezone('UTC', utc)) = local;
create temp macro time_in(local, zone) as case
    when shows(by_former(local, zone), local, zone) then by_former(local, zone)
    when shows(by_latter(local, zone), local, zone) then by_latter(local, zone) end;
create temp macro day_in(local, zone) as coalesce(time_in(local, zone), by_former(local, zone));
"""
"""SQL functions that the expressions of this module call: run it once on a connection."""


def from_text(text: str, zone: str, dates: str | None) -> str:
    """SQL for the time in `text` (an SQL expression), as naive UTC.

    >>> import duckdb
    >>> with duckdb.connect() as con:
    ...     _ = con.execute("set TimeZone = 'UTC'; " + MACROS)
    ...     for told in ("2017-10-29 02:30", "2017-03-26 02:30"):
    ...         con.sql(f"select {from_text(literal(told), 'Europe/Berlin', None)}").fetchall()
    [(datetime.datetime(2017, 10, 29, 0, 30),)]
    [(None,)]
    """
    if dates is not None:
        return _by_form(text, zone, dates)
    day = f"try_cast({text} as timestamp)"
    iso = f"case when regexp_matches({text}, '{_ISO}') then {text} end"
    return (
        f"(case when regexp_matches({text}, '{_ISO_NAIVE}') then {_local(day, zone)}"
        f" when regexp_matches({text}, '{_ISO_DAY}') then {_day(day, zone)}"
        f" else try_cast({iso} as timestamptz) at time zone 'UTC' end)"
    )


def from_native(name: str, stored: pa.DataType, zone: str) -> str:
    """SQL for the time in column `name` that a file stored as `stored`, as naive UTC.

    >>> from_native("at_", pa.date32(), "UTC")
    'case when isfinite(try_cast(at_ as timestamp)) then try_cast(at_ as timestamp) end'
    """
    if types.is_timestamp(stored) and stored.tz is not None:
        return f"({_finite(name, 'timestamptz')} at time zone 'UTC')"
    naive = _finite(name, "timestamp")
    return _day(naive, zone) if types.is_date(stored) else _local(naive, zone)


def start_of_day(day: str, zone: str) -> str:
    """SQL for the first instant of `day` (SQL for a date) in `zone`, as naive UTC.

    >>> start_of_day("drop_on", "UTC")
    'drop_on::timestamp'
    """
    return _day(f"{day}::timestamp", zone)


def _finite(name: str, type_: str) -> str:
    """SQL for a stored time as `type_`; null where it is infinite or does not fit."""
    time = f"try_cast({name} as {type_})"
    return f"case when isfinite({time}) then {time} end"


def _by_form(text: str, zone: str, dates: str) -> str:
    """SQL for a time written as `dates` (strptime) says."""
    if "%z" in dates or "%Z" in dates:
        return f"({_parsed(text, dates)} at time zone 'UTC')"
    if not any(part in dates for part in _HAS_TIME):
        return _day(_parsed(text, dates), zone)
    turned = f"regexp_replace({text}, '{_MIDNIGHT}', '\\100:00\\2\\3')"
    local = (
        f"case when regexp_matches({text}, '{_MIDNIGHT}')"
        f" then {_parsed(turned, dates)} + interval 1 day else {_parsed(text, dates)} end"
    )
    return _local(f"({local})", zone)


def _parsed(text: str, dates: str) -> str:
    """SQL for strptime of `text`; null where %Y was given two digits: 17 is no year of a shop."""
    told = f"try_strptime({text}, {literal(dates)})"
    return f"(case when year({told}) >= 1000 then {told} end)" if "%Y" in dates else told


def _local(naive: str, zone: str) -> str:
    return naive if zone == "UTC" else f"time_in({naive}, {literal(zone)})"


def _day(naive: str, zone: str) -> str:
    return naive if zone == "UTC" else f"day_in({naive}, {literal(zone)})"


def literal(text: str) -> str:
    """`text` as an SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
