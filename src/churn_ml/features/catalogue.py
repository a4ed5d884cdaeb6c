"""The catalogue: every indicator that is computed, in one explicit tuple.

A new indicator is one record in the file of its subject and appears here through that file's tuple.
The order is the order of the feature columns. The windows are proposals of the house; a shop's
churn.toml may give others under `[features] windows`.

>>> len(CATALOGUE), CATALOGUE[0].name, CATALOGUE[0].source
(110, 'recency', 'C02')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from churn_ml.errors import BadConfig
from churn_ml.features.activity import ACTIVITY
from churn_ml.features.assortment import ASSORTMENT
from churn_ml.features.basket import BASKET
from churn_ml.features.campaigns import CAMPAIGNS
from churn_ml.features.competition import COMPETITION
from churn_ml.features.composites import COMPOSITES, follow
from churn_ml.features.fulfilment import FULFILMENT
from churn_ml.features.group import GROUP
from churn_ml.features.indicator import Indicator
from churn_ml.features.market import MARKET
from churn_ml.features.messages import MESSAGES
from churn_ml.features.paying import PAYING
from churn_ml.features.returns import RETURNS
from churn_ml.features.rhythm import RHYTHM
from churn_ml.features.satisfaction import SATISFACTION
from churn_ml.features.season import SEASON
from churn_ml.features.shift import SHIFT
from churn_ml.features.site import SITE
from churn_ml.features.spend import MONEY
from churn_ml.features.standing import STANDING
from churn_ml.features.support import SUPPORT
from churn_ml.features.topics import COMPLAINT_TOPICS, by_topic
from churn_ml.features.visits import VISITS

if TYPE_CHECKING:
    from churn_ml.config import Features

CATALOGUE: tuple[Indicator, ...] = (
    *RHYTHM,
    *ACTIVITY,
    *SEASON,
    *MONEY,
    *BASKET,
    *SHIFT,
    *CAMPAIGNS,
    *GROUP,
    *VISITS,
    *SITE,
    *MESSAGES,
    *SUPPORT,
    COMPLAINT_TOPICS,
    *SATISFACTION,
    *FULFILMENT,
    *RETURNS,
    *PAYING,
    *STANDING,
    *MARKET,
    *COMPETITION,
    *ASSORTMENT,
    *COMPOSITES,
)


FEWEST_DAYS = 14
"""The shortest window of an indicator that counts weeks: a slope needs two."""
ALWAYS = ("recency", "tenure", "orders_ever", "frequency", "spend", "basket_value")
"""What the rule and the value models read: a shop cannot keep these from training."""


def catalogue(settings: Features) -> tuple[Indicator, ...]:
    """Every indicator, with the windows, complaint topics and tags that churn.toml gives.

    Raises BadConfig for a name that is no indicator, for another number of windows than the
    indicator takes, for days that are no whole weeks where it counts weeks, for topics that cannot
    be names, and for keeping from training what the rule and the value models read.

    >>> from churn_ml.config import Features
    >>> weekly = catalogue(Features(windows={"frequency": (7,)}))
    >>> [name for one in weekly if one.name == "frequency" for name in one.names]
    ['order_days_7d']
    >>> catalogue(Features(windows={"freqency": (7,)}))
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: there is no indicator 'freqency' | where: [features] windows | ...
    """
    known = {one.name: one for one in CATALOGUE}
    for name, windows in settings.windows.items():
        _check(known, name, windows)
    _check_kept(known, settings.not_for_training)
    topics = {COMPLAINT_TOPICS.name: by_topic(settings.complaint_topics)}
    own = tuple(
        replace(
            one,
            windows=settings.windows.get(one.name, one.windows),
            of=topics.get(one.name, one.of),
            training=one.training and one.name not in settings.not_for_training,
        )
        for one in CATALOGUE
    )
    return tuple(replace(one, over=follow(one.over, own)) if one.over else one for one in own)


def trainable(indicators: Sequence[Indicator]) -> tuple[Indicator, ...]:
    """Those that a model may learn from; the others are shown beside a score.

    >>> from dataclasses import replace
    >>> [one.name for one in trainable([CATALOGUE[0], replace(CATALOGUE[1], training=False)])]
    ['recency']
    """
    return tuple(one for one in indicators if one.training)


def _check_kept(known: Mapping[str, Indicator], names: Sequence[str]) -> None:
    """Raise BadConfig where one of `names` cannot be kept from training."""
    for name in names:
        if name not in known or name in ALWAYS:
            raise BadConfig(
                f"{name!r} cannot be kept from training",
                where="[features] not_for_training",
                got=name,
                expected=f"an indicator of docs/indicators.md, but none of {', '.join(ALWAYS)}",
                next_step="correct the name, or take it out: the rule and the value models read it",
            )


def _check(known: Mapping[str, Indicator], name: str, windows: Sequence[int]) -> None:
    """Raise BadConfig where `windows` cannot be those of the indicator `name`."""
    if name not in known:
        windowed = sorted(each for each, one in known.items() if one.windows)
        raise _refused(
            f"there is no indicator {name!r}", name, ", ".join(windowed), "correct the name"
        )
    _check_number(known[name], windows)
    _check_weeks(known[name], windows)


def _check_number(one: Indicator, windows: Sequence[int]) -> None:
    """Raise BadConfig where the indicator takes another number of windows, or two are the same."""
    own = one.windows
    fits = bool(windows) if one.any_number else len(windows) == len(own)
    if own and fits and len(set(windows)) == len(windows):
        return
    what, got = f"the windows of {one.name} do not fit", _listed(windows) or "none"
    if not own:
        raise _refused(what, got, "no window: it reads all history", "leave it")
    number = "different days, at least one" if one.any_number else f"{len(own)} different"
    raise _refused(what, got, number, f"give it as many as here: {_listed(own)}")


def _check_weeks(one: Indicator, windows: Sequence[int]) -> None:
    """Raise BadConfig where the indicator counts weeks and a window is not whole ones."""
    if one.in_weeks and any(days % 7 or days < FEWEST_DAYS for days in windows):
        raise _refused(
            f"the windows of {one.name} are not whole weeks",
            _listed(windows),
            f"a multiple of 7 days, {FEWEST_DAYS} or more",
            f"round it to weeks, such as {one.windows[0]} days",
        )


def _listed(days: Sequence[int]) -> str:
    return ", ".join(map(str, days))


def _refused(what: str, got: str, expected: str, next_step: str) -> BadConfig:
    where = "[features] windows"
    return BadConfig(what, where=where, got=got, expected=expected, next_step=next_step)
