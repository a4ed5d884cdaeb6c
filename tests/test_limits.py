"""The pace towards a CRM: never more than it allows, however many ask, and a day's budget."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.ledger import Ledger
from churn_ml.limits import Limit, taken

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


@settings(max_examples=40)
@given(
    requests=st.integers(2, 40),
    pauses=st.lists(st.floats(0, 3, allow_nan=False), min_size=50, max_size=200),
)
def test_r1_no_span_of_ten_seconds_sees_more_requests_than_allowed(
    requests: int, pauses: list[float]
) -> None:
    limit, bucket, now, sent = Limit(requests), None, NOON, []
    for pause in pauses:
        now += pause
        bucket, wait = taken(bucket, limit, now)
        if wait == 0:
            sent.append(now)
    assert max(sum(start <= at <= start + 10 for at in sent) for start in sent) <= requests


@given(requests=st.integers(2, 200))
def test_r1_who_waits_as_told_gets_a_token(requests: int) -> None:
    limit, bucket, now = Limit(requests), None, NOON
    for _ in range(30):
        bucket, wait = taken(bucket, limit, now)
        if wait:
            now += wait + 1e-6
            bucket, wait = taken(bucket, limit, now)
        assert wait == 0


def test_r1_a_spent_day_waits_for_midnight_and_begins_anew() -> None:
    limit, bucket = Limit(100, per_day=3), None
    for _ in range(3):
        bucket, wait = taken(bucket, limit, NOON)
    bucket, wait = taken(bucket, limit, NOON)
    assert wait == 12 * 3600
    assert taken(bucket, limit, NOON + wait)[1] == 0.0


def test_a_clock_that_was_days_ahead_does_not_stop_the_export() -> None:
    limit, bucket = Limit(10), None
    for _ in range(2):
        bucket, _ = taken(bucket, limit, NOON + 5 * 86_400)
    assert taken(bucket, limit, NOON)[1] < 10


def test_r1_two_workers_share_one_bucket_in_the_ledger(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledgers, waits = [Ledger.open(url) for _ in range(2)], []

    def work(ledger: Ledger) -> None:
        waits.extend(ledger.take("crm", Limit(100), NOON) for _ in range(10))

    threads = [threading.Thread(target=work, args=(ledger,)) for ledger in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits)[:10] == [0.0] * 10
    assert min(sorted(waits)[10:]) > 0
