"""The indicator of what complaints are about: the shop's own topics, each a feature.

Worked example, as of 2017-10-01, for the topics delivery and price: complaints of 2017-09-20 on
"Delivery", of 2017-09-01 on "colour" and of 2017-08-01 without a topic give
complaints_delivery_180d 1, complaints_price_180d 0 and complaints_other_180d 2.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from churn_ml.config import Features
from churn_ml.errors import BadConfig
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader
from churn_ml.features.support import complaint, tickets

OTHER = "other"
"""What complaints of no listed topic are counted as."""
TAKEN = frozenset({"", OTHER, "delta", "per_order"})
"""What no topic may be named: the columns complaints_<name> that are something else."""


@functools.cache
def by_topic(topics: tuple[str, ...]) -> Callable[[int], Parts]:
    """The parts of the counts of complaints by topic, and of all other topics together.

    Args:
        topics: the shop's codes, as `tickets.topic` tells them; upper or lower case.

    Raises:
        BadConfig: a topic without a letter or digit, or two that make the same name.

    >>> [column.name for column in by_topic(("Late delivery",))(180).columns]
    ['complaints_late_delivery_180d', 'complaints_other_180d']
    """
    codes = {_name(topic): topic.strip().lower() for topic in topics}
    if len(codes) < len(topics) or TAKEN & codes.keys():
        raise BadConfig(
            "the complaint topics do not make different names",
            where="[features] complaint_topics",
            got=", ".join(map(repr, topics)),
            expected="other letters or digits in each, and none named other, delta or per_order",
            next_step=f"leave out what does not fit: unlisted topics are counted as {OTHER!r}",
        )

    def of(days: int) -> Parts:
        def count(name: str, of_topic: Reader) -> Measure:
            return tickets(f"complaints_{name}", days, lambda t: complaint(t) & of_topic(t))

        known = tuple(codes.values())
        listed = [count(name, _is(code)) for name, code in codes.items()]
        rest = count(OTHER, lambda t: t.topic.fill_null("").notin(known))
        measures = (*listed, rest)
        return Parts(measures, tuple(_column(measure) for measure in measures))

    return of


def _is(code: str) -> Reader:
    return lambda t: t.topic == code


def _column(measure: Measure) -> Column:
    return Column(f"{measure.name}d", lambda t: t[measure.name])


def _name(topic: str) -> str:
    """A topic as part of a feature's name: lower case, letters, digits and underscores.

    >>> _name("Zoll / Gebühren")
    'zoll_gebühren'
    """
    return re.sub(r"\W+", "_", unicodedata.normalize("NFKC", topic).lower()).strip("_")


COMPLAINT_TOPICS = Indicator(
    name="complaint_topics",
    meaning="Complaints by topic; the shop lists its topics under `[features] complaint_topics`.",
    unit="tickets",
    direction="up",
    windows=(180,),
    needs=("orders", "tickets"),
    source="C19",
    filled=("tickets.kind", "tickets.topic"),
    owner="service",
    of=by_topic(Features().complaint_topics),
)
