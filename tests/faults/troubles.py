"""What goes wrong between an export and HubSpot, by the name that the summary counts it under."""

from __future__ import annotations

from random import Random

from ..crm.fakes import faults
from ..crm.fakes.faults import Fault
from .child import TIMEOUT_SECONDS
from .told import CUSTOMERS


def troubles(draw: Random) -> dict[str, Fault]:
    """What may go wrong with one of HubSpot's answers, by name."""
    some, patience = draw.sample(CUSTOMERS, 3), TIMEOUT_SECONDS[1]
    return {
        "429": faults.http(429, retry_after=1),
        "429 of the day": faults.http(429, daily=True),
        "500": faults.http(500),
        "503": faults.http(503),
        "reset before": faults.drop_before(),
        "reset after": faults.drop_after(),
        "lost ack": faults.drop_after(path="upsert"),
        "slow body": faults.slow(patience / 4),
        "body slower than the time-out": faults.slow(patience * 2),
        "batch slower than the time-out": faults.slow(patience * 2, path="upsert"),
        "some rows refused": faults.partial(some, path="upsert"),
        "whole batch refused": faults.refuse_whole(path="upsert"),
        "a property is gone": faults.missing_property("churn_ml_segment"),
    }
