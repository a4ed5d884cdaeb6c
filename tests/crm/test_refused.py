"""Batches that are refused whole: how many requests it takes, and that no good row is rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_ml.crm.protocol import Ack, Rejection, Row
from churn_ml.crm.refused import Refused, bisected


def row(number: int) -> Row:
    return Row(f"h{number}", "upsert", date(2017, 10, 1), {}, "9f")


@dataclass
class Strict:
    """A server that refuses a batch whole for a bad row, or for being longer than `most`."""

    bad: frozenset[int]
    most: int = 1_000
    sent: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, rows: Sequence[Row]) -> list[Ack]:
        numbers = tuple(int(one.customer_id[1:]) for one in rows)
        self.sent.append(numbers)
        if self.bad & set(numbers) or len(rows) > self.most:
            raise Refused("BAD", f"refused of {len(rows)}")
        return [Ack(one.customer_id) for one in rows]

    def answers(self, size: int) -> list[Ack | Rejection]:
        return list(bisected([row(number) for number in range(size)], self))

    def right(self, size: int) -> list[Ack | Rejection]:
        """The answers that there must be: one a row, in their order."""
        rejected = {n: Rejection(f"h{n}", "BAD", "refused of 1") for n in self.bad}
        return [rejected.get(n) or Ack(f"h{n}") for n in range(size)]


def test_r6_one_bad_row_is_found_in_log2_n_requests_and_only_it_is_rejected() -> None:
    for size in range(1, 129):
        for bad in range(size):
            server = Strict(frozenset({bad}))
            assert server.answers(size) == server.right(size)
            suspects, further = set(range(size)), server.sent[1:]
            for sent in further[: ceil(log2(size))]:
                suspects = suspects & set(sent) if bad in sent else suspects - set(sent)
            assert suspects == {bad}
            assert len(further) <= (ceil(log2(size)) + 2 if size > 1 else 0)
            assert (bad,) in server.sent
            taken = sorted(n for sent in server.sent if bad not in sent for n in sent)
            assert taken == [n for n in range(size) if n != bad]


@given(size=st.integers(1, 128), data=st.data())
def test_r6_of_several_bad_rows_each_is_rejected_alone_and_every_row_answered_once(
    size: int, data: st.DataObject
) -> None:
    server = Strict(data.draw(st.frozensets(st.integers(0, size - 1))))
    assert server.answers(size) == server.right(size)
    assert server.bad == {
        sent[0] for sent in server.sent if len(sent) == 1 and sent[0] in server.bad
    }
    assert len(server.sent) <= 1 + 2 * ceil(log2(size)) * max(1, len(server.bad))


@pytest.mark.parametrize("size", [1, 2, 3, 64, 100, 128, 1000])
def test_r6_where_every_row_is_bad_it_ends(size: int) -> None:
    server = Strict(frozenset(range(size)))
    assert server.answers(size) == server.right(size)
    assert len(server.sent) < 2 * size + log2(size)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 50, 99])
def test_r6_nobody_is_rejected_where_a_batch_is_refused_for_its_length(most: int) -> None:
    server = Strict(frozenset(), most)
    assert server.answers(100) == server.right(100)
