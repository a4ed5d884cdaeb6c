"""What customers said, beside what they did: consents, objections, reasons, complaints, offers had.

Enters: the canonical tables cut at an as_of, and the actions published before it. Leaves: frames
and sets by customer_id, as valid then. Worked example: on 2017-09-20 h1 said no to text messages
and opened a complaint, and on 2017-09-25 h2 objected to profiling: as of 2017-10-01 h1 gets no text
message and nothing but services, and h2 is not scored.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from churn_ml.attempt import Attempt
from churn_ml.warehouse import latest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import ibis
    import pandas as pd

    from churn_ml.config import Offer

SAID_DAYS = 365
"""How long a stated reason counts."""
GENERAL = ("contact", "profiling")
"""The purposes of consent that are no channel."""


def stated(world: Mapping[str, ibis.Table], as_of: date) -> pd.Series:
    """The reason_code that a customer gave last, at most a year ago, by customer_id."""
    import pandas as pd

    if "surveys" not in world:
        return pd.Series(dtype=object)
    said = world["surveys"]
    recent = said.filter(said.day >= as_of - timedelta(days=SAID_DAYS), said.reason_code.notnull())  # noqa: PD004 (ibis)
    rows = recent.select("customer_id", "occurred_at", "survey_id", "reason_code").to_pyarrow()
    newest = rows.to_pandas().sort_values(["occurred_at", "survey_id"])
    found: pd.Series = newest.groupby("customer_id")["reason_code"].last()
    return found


def consents(world: Mapping[str, ibis.Table]) -> pd.Series:
    """Whether contact is consented, by customer_id, as valid at the cut of `world`."""
    import pandas as pd

    if "consents" not in world:
        return pd.Series(dtype=bool)
    said = world["consents"]
    rows = latest(said.filter(said.purpose == "contact"), ["customer_id"])
    given: pd.Series = rows.to_pyarrow().to_pandas().set_index("customer_id")["given"]
    return given


def channels(world: Mapping[str, ibis.Table]) -> pd.DataFrame:
    """The newest word on each channel: customer_id, channel and given.

    >>> from churn_ml.in_memory import canonical
    >>> said = {"customer_id": "h1", "occurred_at": "2017-09-01"}
    >>> shop = canonical(consents=[said | {"purpose": "contact"},
    ...                            said | {"purpose": "sms", "given": False}])
    >>> channels(shop).values.tolist()
    [['h1', 'sms', False]]
    """
    import pandas as pd

    if "consents" not in world:
        return pd.DataFrame({"customer_id": [], "channel": [], "given": []})
    said = world["consents"]
    rows = latest(said.filter(said.purpose.notin(GENERAL)), ["customer_id", "purpose"])
    found: pd.DataFrame = rows.select("customer_id", "purpose", "given").to_pyarrow().to_pandas()
    return found.rename(columns={"purpose": "channel"}).sort_values(["customer_id", "channel"])


def objectors(world: Mapping[str, ibis.Table]) -> set[str]:
    """Customers who object to profiling: they are not scored, and nothing is chosen for them.

    >>> from churn_ml.in_memory import canonical
    >>> said = {"customer_id": "h1", "occurred_at": "2017-09-01", "purpose": "profiling"}
    >>> objectors(canonical(consents=[said | {"given": False}]))
    {'h1'}
    """
    if "consents" not in world:
        return set()
    said = world["consents"]
    newest = latest(said.filter(said.purpose == "profiling"), ["customer_id"])
    rows = newest.filter(~newest.given).select("customer_id")
    return set(rows.to_pyarrow()["customer_id"].to_pylist())


def purposes(world: Mapping[str, ibis.Table]) -> dict[str, dict[str, bool]]:
    """The newest word of each customer on profiling and on each channel: customer -> purpose.

    >>> from churn_ml.in_memory import canonical
    >>> said = {"customer_id": "h1", "occurred_at": "2017-09-01"}
    >>> purposes(canonical(consents=[said | {"purpose": "sms", "given": False},
    ...                              said | {"purpose": "profiling", "given": False}]))
    {'h1': {'sms': False, 'profiling': False}}
    """
    rows = channels(world)
    columns = (rows["customer_id"], rows["channel"], rows["given"])
    found: dict[str, dict[str, bool]] = {}
    for customer, channel, given in zip(*columns, strict=True):
        found.setdefault(customer, {})[channel] = bool(given)
    for customer in sorted(objectors(world)):
        found.setdefault(customer, {})["profiling"] = False
    return found


def complaining(world: Mapping[str, ibis.Table]) -> set[str]:
    """Customers with a complaint that is not closed; none where the shop tells of no closing.

    >>> from datetime import datetime
    >>> from churn_ml.in_memory import canonical
    >>> told = {"kind": "complaint", "occurred_at": "2017-09-01"}
    >>> shop = canonical(tickets=[
    ...     told | {"customer_id": "h1"},
    ...     told | {"customer_id": "h2", "resolved_at": datetime(2017, 9, 3)}])
    >>> complaining(shop), complaining(canonical(tickets=[told | {"customer_id": "h1"}]))
    ({'h1'}, set())
    """
    if "tickets" not in world:
        return set()
    tickets = world["tickets"]
    complaints = tickets.filter(tickets.kind == "complaint").select("customer_id", "resolved_at")
    rows = complaints.to_pyarrow().to_pandas()
    still = rows["resolved_at"].isna()
    return set() if still.all() else set(rows.loc[still, "customer_id"])


def offered(
    trial: Attempt, offers: Sequence[Offer], ends: Mapping[str, date]
) -> dict[str, Collection[str]]:
    """Offer -> customers whose would-be offer it was within its `cap_days`, in either arm.

    Offers whose `cap_days` lie within [policy] contact_window_days are left out: nobody is chosen
    twice in that time. `ends`: line of a contract -> the as_of before which it counts.
    """
    window = trial.house.config.policy.contact_window_days
    caps = {offer.code: offer.cap_days for offer in offers if (offer.cap_days or 0) > window}
    found: dict[str, set[str]] = {code: set() for code in caps}
    if not caps:
        return {}
    first = trial.as_of - timedelta(days=max(cap for cap in caps.values() if cap) - 1)
    for line, end in ends.items():
        days = (date.fromisoformat(day) for day in trial.versions("actions", line))
        for day in sorted(day for day in days if first <= day < end):
            rows = trial.frame("actions", day, line, ("customer_id", "would_be_offer"))
            for code, cap in caps.items():
                if cap is not None and day > trial.as_of - timedelta(days=cap):
                    found[code] |= set(rows.loc[rows["would_be_offer"] == code, "customer_id"])
    return dict(found)
