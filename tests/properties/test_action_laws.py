"""Laws of actions: consent, suppression, holdout and limits hold for every shop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.actions import NONE, actions
from churn_ml.config import Config, Consent, Offer, Policy, Shop

AS_OF = date(2017, 10, 1)
SEGMENTS = ("HIGH_RISK_HIGH_VALUE_SILENT", "LOW_RISK_LOW_VALUE_ACTIVE")
OFFERS = (
    Offer(code="COUPON", label="coupon", cost_amount=5, contact_amount=1),
    Offer(code="BANNER", label="banner", contact_amount=0.1, save_rate=0.05, needs_consent=False),
    Offer(code="GIFT", label="gift", cost_amount=20, save_rate=0.6, segments=SEGMENTS[:1]),
)


@dataclass(frozen=True)
class Round:
    """One drawn round: everything that `actions` takes."""

    rows: pd.DataFrame
    consents: dict[str, bool]
    suppressed: frozenset[str]
    contacted: frozenset[str]
    config: Config
    tau: float

    def decide(self, order: list[int] | None = None) -> pd.DataFrame:
        rows = self.rows if order is None else self.rows.iloc[order]
        return actions(
            rows[["customer_id", "score", "value", "as_of"]],
            self.rows[["customer_id", "segment", "arm"]],
            pd.Series(self.consents, dtype=object),
            self.suppressed,
            self.config,
            self.tau,
            key=b"key",
            contacted=self.contacted,
        )


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    count = draw(st.integers(1, 4) | st.integers(6, 12))
    ids = [f"h{i:02}" for i in range(count)]

    def column(of: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(of, min_size=count, max_size=count))

    # Few distinct values, so that ties are common.
    rows = pd.DataFrame(
        {
            "customer_id": ids,
            "score": column(st.sampled_from([0.5, 0.9, 1.0, 0.1, 0.0])),
            "value": column(st.sampled_from([1000.0, 200.0, 50.0, 0.0])),
            "segment": column(st.sampled_from(SEGMENTS)),
            "arm": column(st.sampled_from(["open", "open", "holdout"])),
            "as_of": AS_OF,
        }
    )
    some = st.frozensets(st.sampled_from(ids), max_size=2)
    limit = st.none() | st.integers(0, 4)
    budget = st.sampled_from([None, 0.0, 4.0, 12.0, 30.0])
    config = Config(
        shop=Shop(name="s", currency="EUR"),
        offers=OFFERS[: draw(st.sampled_from([1, 2, 3, 0]))],
        consent=Consent(default=draw(st.sampled_from(["assumed", "assumed", "none"]))),
        policy=Policy(capacity_customers=draw(limit), budget_amount=draw(budget)),
    )
    consents = draw(st.dictionaries(st.sampled_from(ids), st.booleans()))
    tau = draw(st.sampled_from([-5.0, 0.0, 3.0]))
    return Round(rows, consents, draw(some), draw(some), config, tau)


def consented(case: Round, customer_id: str) -> bool:
    default = case.config.consent.default == "assumed"
    return case.consents.get(customer_id, default)


LAW = settings(max_examples=60, deadline=None)


@LAW
@given(rounds())
def test_nobody_gets_an_offer_he_has_not_consented_to(case: Round) -> None:
    needing = {offer.code for offer in OFFERS if offer.needs_consent}
    for row in case.decide().itertuples():
        if {row.offer, row.would_be_offer} & needing:
            assert consented(case, row.customer_id)


@LAW
@given(rounds())
def test_the_suppressed_and_the_recently_contacted_get_nothing(case: Round) -> None:
    out = case.decide()
    barred = out["customer_id"].isin(case.suppressed | case.contacted)
    assert set(out.loc[barred, "offer"]) | set(out.loc[barred, "would_be_offer"]) <= {NONE}


@LAW
@given(rounds())
def test_the_holdout_gets_nothing_and_changes_nobodys_would_be_offer(case: Round) -> None:
    out = case.decide()
    held = case.rows.set_index("customer_id")["arm"].reindex(out["customer_id"]) == "holdout"
    assert set(out.loc[held.to_numpy(), "offer"]) <= {NONE}
    everybody_open = replace(case, rows=case.rows.assign(arm="open")).decide()
    assert out["would_be_offer"].tolist() == everybody_open["would_be_offer"].tolist()


@LAW
@given(rounds())
def test_capacity_and_budget_are_never_exceeded(case: Round) -> None:
    out = case.decide()
    made = out[out["offer"] != NONE]
    limits = case.config.policy
    if limits.capacity_customers is not None:
        assert len(made) <= limits.capacity_customers
    if limits.budget_amount is not None:
        assert made["expected_cost"].sum() <= limits.budget_amount + 1e-6


@settings(max_examples=40, deadline=None)
@given(rounds(), st.sampled_from([0.5, 4.0, 20.0]))
def test_a_larger_budget_never_lowers_what_the_actions_are_expected_to_earn(
    case: Round, more: float
) -> None:
    def earned(budget: float) -> float:
        limits = case.config.policy.model_copy(update={"budget_amount": budget})
        changed = case.config.model_copy(update={"policy": limits})
        return float(replace(case, config=changed, tau=0.0).decide()["expected_gain"].sum())

    budget = case.config.policy.budget_amount or 0.0
    assert earned(budget + more) >= earned(budget) - 1e-6


@LAW
@given(rounds())
def test_every_action_pays_more_than_tau_and_says_why(case: Round) -> None:
    out = case.decide()
    made = out["would_be_offer"] != NONE
    assert (out.loc[made, "expected_gain"] > case.tau).all()
    assert set(out.loc[made, "why"]) <= {"chosen", "holdout"}
    assert not set(out.loc[~made, "why"]) & {"chosen", "holdout"}
    assert (out["offer"] != NONE).equals(out["why"] == "chosen")


@LAW
@given(rounds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(case: Round, random: object) -> None:
    order = list(range(len(case.rows)))
    random.shuffle(order)  # type: ignore[attr-defined] # Hypothesis' Random
    pd.testing.assert_frame_equal(case.decide(), case.decide(order))


@LAW
@given(rounds())
def test_a_refused_customer_is_told_the_first_reason_that_holds(case: Round) -> None:
    for row in case.decide().itertuples():
        if row.customer_id in case.suppressed:
            assert row.why == "suppressed"
        elif row.customer_id in case.contacted:
            assert row.why == "recently_contacted"
        elif not case.config.offers:
            assert row.why == "no_offer"
        elif len(case.config.offers) == 1 and not consented(case, row.customer_id):
            assert row.why == "no_consent"
