"""How a shop writes numbers and times, judged by the first values of its files.

Enters: values as text. Leaves: the settings of `[sources.TABLE]` under which they read: `decimal`
and `dates`, and whether another reading fits as well. Worked example: `30.09.2017 17:05` reads as
"%d.%m.%Y %H:%M" and no other way; with only `01.02.2017` the day might be the month: a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from churn_ml.tables import Column

_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]|$)")
_DAYS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
_NUMBER = {
    mark: re.compile(rf"[+-]?(\d{{1,3}}(\{group}\d{{3}})+|\d*)(\{mark}\d*)?([eE][+-]?\d+)?$")
    for mark, group in ((".", ","), (",", "."))
}


_NUMBERS = ("decimal(18,2)", "decimal(18,8)", "int64", "float64")
_TIMES = ("timestamp", "date")


@dataclass(frozen=True)
class Looks:
    """How the values of one file read; `doubts` names columns with values that do not."""

    decimal: str = "."
    dates: str | None = None
    sure: Mapping[str, bool] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)

    def settings(self, encoding: str) -> Iterator[str]:
        """The lines of `[sources.TABLE]` that say so, where they are not the defaults."""
        if encoding != "utf-8":
            yield f'encoding = "{encoding}"' + ("" if encoding == "utf-16" else "   # a guess")
        if self.decimal != "." or not self.sure["decimal"]:
            doubt = "" if self.sure["decimal"] else "   # a guess: 1,234 may be a thousand, or one"
            yield f'decimal = "{self.decimal}"{doubt}'
        if self.dates is not None:
            doubt = "" if self.sure["dates"] else "   # a guess: day and month may be the other way"
            yield f'dates = "{self.dates}"{doubt}'


def looks_of(columns: Mapping[Column, Sequence[str]]) -> Looks:
    """How the values of one file read: one `decimal`, one `dates` for all its columns.

    `columns`: our columns with values of theirs.
    """
    filled = {c: [v for v in values if v.strip()] for c, values in columns.items()}
    numbers = {c: values for c, values in filled.items() if c.type in _NUMBERS}
    times = {c: values for c, values in filled.items() if c.type in _TIMES}
    decimal, sure_decimal = decimal_of([v for values in numbers.values() for v in values])
    dates, sure_dates = dates_of([v for values in times.values() for v in values])
    doubts = {
        c.name: "numbers"
        for c, values in numbers.items()
        if not all(reads_as_number(value, decimal) for value in values)
    }
    if dates is None and not sure_dates:
        told = "times that read in one way, such as 2017-09-30 17:05 or as [sources] dates says"
        doubts |= {c.name: told for c, values in times.items() if dates_of(values) != (None, True)}
        sure_dates = True
    return Looks(decimal, dates, {"decimal": sure_decimal, "dates": sure_dates}, doubts)


def decimal_of(values: Sequence[str]) -> tuple[str, bool]:
    """The mark before the fraction, and whether that is sure: no value reads the other way only.

    >>> decimal_of(["12,50", "1.234,00"]), decimal_of(["12.5"]), decimal_of(["1,234"])
    ((',', True), ('.', True), ('.', False))
    """
    fits = [mark for mark in _NUMBER if all(reads_as_number(value, mark) for value in values)]
    if len(fits) == 1:
        return fits[0], True
    if not fits:  # some values are no numbers at all: the mark that more of them have
        return max(_NUMBER, key=lambda mark: sum(reads_as_number(v, mark) for v in values)), True
    return ".", all(re.fullmatch(r"[+-]?\d*", value.strip()) for value in values)


def reads_as_number(value: str, decimal: str) -> bool:
    """True where `value` is a number under `decimal`.

    >>> reads_as_number("12,50", ","), reads_as_number("12,50", ".")
    (True, False)
    """
    return _NUMBER[decimal].match(value.strip()) is not None


def dates_of(values: Sequence[str]) -> tuple[str | None, bool]:
    """The strptime format of all `values` (None: ISO 8601), and whether it is the only one.

    >>> dates_of(["30.09.2017 17:05"]), dates_of(["2017-09-30"]), dates_of(["01/02/2017"])
    (('%d.%m.%Y %H:%M', True), (None, True), ('%d/%m/%Y', False))
    """
    told = [value.strip() for value in values]
    if all(_ISO.match(value) for value in told):
        return None, True
    fits = [form for form in _forms() if all(_reads(value, form) for value in told)]
    return (fits[0], len(fits) == 1) if fits else (None, False)


def _forms() -> Iterator[str]:
    for day in _DAYS:
        for clock in _CLOCKS:
            yield day + clock


def _reads(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)  # noqa: DTZ007 - only whether it reads
    except ValueError:
        return False
    return True
