"""Laws of consent: of contact, of profiling and of each channel the newest word counts."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.flow import said
from churn_ml.in_memory import canonical

Word = tuple[str, str, int, bool]
"""customer_id, purpose, the day it was said on, and whether it was a yes."""

words = st.lists(
    st.tuples(
        st.sampled_from(["h1", "h2"]),
        st.sampled_from(["contact", "profiling", "sms"]),
        st.integers(0, 9),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda word: word[:3],
)


@settings(max_examples=12, deadline=None)
@given(words)
def test_who_said_no_last_is_never_asked_and_never_profiled(told: list[Word]) -> None:
    rows = [
        {
            "customer_id": customer,
            "purpose": purpose,
            "occurred_at": date(2017, 9, 1) + timedelta(days=day),
            "given": given,
        }
        for customer, purpose, day, given in told
    ]
    world = canonical(consents=rows)
    newest = {word[:2]: word[3] for word in sorted(told, key=lambda word: word[2])}

    def of(asked: str) -> dict[str, bool]:
        return {customer: yes for (customer, purpose), yes in newest.items() if purpose == asked}

    assert said.objectors(world) == {who for who, yes in of("profiling").items() if not yes}
    assert said.consents(world).to_dict() == of("contact")
    channels = said.channels(world)
    assert set(channels["channel"]) <= {"sms"}
    assert dict(zip(channels["customer_id"], channels["given"], strict=True)) == of("sms")
