"""Time: as_of, label windows, maturity and the splitting of cut-offs into layers.

`as_of` is a date; it stands for its 00:00 in the shop's time zone and is the exclusive end of the
known world. One worked example runs through this module: a contract with a gap of 0, a horizon of
30 and a settle time of 1 day, gated on 2017-11-01.

    trained to 2017-08-02 | chosen and tuned at 2017-09-01 | evaluated at 2017-10-01
    its label window [2017-10-01, 2017-10-31) is settled on 2017-11-01

Nothing here reads a clock: every date is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from churn_ml.config import Contract
from churn_ml.errors import BadInput, Leak, TooEarly


@dataclass(frozen=True)
class Window:
    """The half-open span of days [start, end), both at 00:00 UTC."""

    start: date
    end: date


@dataclass(frozen=True)
class Layers:
    """The cut-offs of one training: where it learns, where it chooses, where it is judged."""

    train: tuple[date, ...]
    choose: date
    evaluate: tuple[date, ...]


def parse_as_of(text: str) -> date:
    """The date in `text`, which must read YYYY-MM-DD.

    >>> parse_as_of("2017-10-01")
    datetime.date(2017, 10, 1)
    >>> parse_as_of("yesterday")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: as_of is not a date | got: 'yesterday' | expected: ...
    """
    try:
        parsed = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except (ValueError, TypeError):
        parsed = None
    if parsed is None or parsed.isoformat() != text:
        raise BadInput(
            "as_of is not a date",
            got=repr(text),
            expected="YYYY-MM-DD",
            next_step="pass --as-of 2017-10-01, or a partition key of that form",
        )
    return parsed


def instant(as_of: date, zone: str = "UTC") -> datetime:
    """00:00 of `as_of` in the shop's `zone`, as the lake stores timestamps: UTC without a zone.

    >>> instant(date(2017, 10, 1)), instant(date(2017, 10, 1), "Asia/Shanghai")
    (datetime.datetime(2017, 10, 1, 0, 0), datetime.datetime(2017, 9, 30, 16, 0))
    """
    local = datetime.combine(as_of, time(), ZoneInfo(zone))
    return local.astimezone(UTC).replace(tzinfo=None)


def label_window(as_of: date, contract: Contract) -> Window:
    """The days whose orders decide the label: [as_of + gap, as_of + gap + horizon).

    >>> c = Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1)
    >>> label_window(date(2017, 10, 1), c)
    Window(start=datetime.date(2017, 10, 1), end=datetime.date(2017, 10, 31))
    """
    start = as_of + timedelta(days=contract.gap_days)
    return Window(start, start + timedelta(days=contract.horizon_days))


def matures_on(as_of: date, contract: Contract) -> date:
    """The first day on which the label of `as_of` is final: window end + settle_days.

    >>> c = Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1)
    >>> matures_on(date(2017, 10, 1), c)
    datetime.date(2017, 11, 1)
    """
    return label_window(as_of, contract).end + timedelta(days=contract.settle_days)


def is_mature(as_of: date, contract: Contract, watermark: date) -> bool:
    """True where everything that decides the label of `as_of` is known at `watermark`.

    >>> c = Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1)
    >>> is_mature(date(2017, 10, 1), c, date(2017, 10, 31))
    False
    >>> is_mature(date(2017, 10, 1), c, date(2017, 11, 1))
    True
    """
    return matures_on(as_of, contract) <= watermark


def newest_mature(watermark: date, contract: Contract) -> date:
    """The latest as_of whose label is mature at `watermark`.

    >>> c = Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1)
    >>> newest_mature(date(2017, 11, 1), c)
    datetime.date(2017, 10, 1)
    """
    days = contract.gap_days + contract.horizon_days + contract.settle_days
    return watermark - timedelta(days=days)


def check_split(training: Iterable[date], test: date, contract: Contract) -> None:
    """Raise Leak where a training label window reaches past the test cut-off.

    The law: max(training as_of) + gap + horizon <= test as_of.

    >>> c = Contract(name="gone30", lookback_days=90, horizon_days=30)
    >>> check_split([date(2017, 8, 2)], date(2017, 9, 1), c)
    >>> check_split([date(2017, 8, 3)], date(2017, 9, 1), c)
    Traceback (most recent call last):
    ...
    churn_ml.errors.Leak: a training cut-off's label window reaches the test cut-off | where: ...
    """
    late = [d for d in training if label_window(d, contract).end > test]
    if late:
        raise Leak(
            "a training cut-off's label window reaches the test cut-off",
            where=", ".join(d.isoformat() for d in sorted(late)),
            got=f"window ends {label_window(max(late), contract).end.isoformat()}",
            expected=f"at or before the test cut-off {test.isoformat()}",
            next_step="train on earlier cut-offs or test on a later one",
        )


def cut_offs_back(last: date, first: date, every_days: int) -> tuple[date, ...]:
    """Cut-offs from `last` backwards every `every_days` days, none before `first`; oldest first.

    >>> [d.isoformat() for d in cut_offs_back(date(2017, 8, 2), date(2017, 6, 1), 30)]
    ['2017-06-03', '2017-07-03', '2017-08-02']
    """
    count = (last - first).days // every_days + 1
    return tuple(last - timedelta(days=every_days * i) for i in range(max(count, 0)))[::-1]


def days_needed(contract: Contract) -> int:
    """The days of history that one training takes at least: a lookback, three windows, settling.

    >>> days_needed(Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1))
    181
    """
    window = contract.gap_days + contract.horizon_days
    return contract.lookback_days + 3 * window + contract.settle_days


def layers(
    watermark: date,
    history_starts: date,
    contract: Contract,
    every_days: int,
    evaluations: int = 1,
) -> Layers:
    """Split time into train, choose and evaluate, a label window apart from each other.

    `history_starts` is the first day with orders; no training cut-off lies before
    `history_starts + lookback_days`. `evaluations`: how many cut-offs, a label window apart too,
    are left to the gate; where that many would leave none to train on, it is one. Raises TooEarly
    where history is too short even for that.

    >>> c = Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1)
    >>> split = layers(date(2017, 11, 1), date(2017, 1, 1), c, every_days=30)
    >>> split.train[-1].isoformat(), split.choose.isoformat(), split.evaluate[0].isoformat()
    ('2017-08-02', '2017-09-01', '2017-10-01')
    >>> len(split.train)
    5
    >>> four = layers(date(2017, 11, 1), date(2017, 1, 1), c, every_days=30, evaluations=4)
    >>> [day.isoformat() for day in (four.train[-1], four.choose, *four.evaluate)]
    ['2017-05-04', '2017-06-03', '2017-07-03', '2017-08-02', '2017-09-01', '2017-10-01']
    """
    window = timedelta(days=contract.gap_days + contract.horizon_days)
    earliest = history_starts + timedelta(days=contract.lookback_days)
    last = newest_mature(watermark, contract)
    evaluate = tuple(last - window * back for back in reversed(range(evaluations)))
    choose = evaluate[0] - window
    train = cut_offs_back(choose - window, earliest, every_days)
    if not train and evaluations > 1:
        return layers(watermark, history_starts, contract, every_days)
    if not train:
        needed = history_starts + timedelta(days=days_needed(contract))
        raise TooEarly(
            "history is too short to train",
            where=f"contract {contract.name}",
            got=f"orders from {history_starts.isoformat()} to {watermark.isoformat()}",
            expected=f"data until {needed.isoformat()} at least",
            next_step="wait, or shorten lookback_days or horizon_days in [contract]",
        )
    check_split(train, choose, contract)
    check_split([choose], evaluate[0], contract)
    return Layers(train, choose, evaluate)
