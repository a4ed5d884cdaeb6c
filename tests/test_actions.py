"""Offers, consent, limits and reasons, with customers made by hand.

The coupon costs 5 when redeemed and 1 to send, saves .3 of the churners; a saved customer is worth
half his value, a contact harms a stayer by .01 of it. At score .5 and value 200 its gain is 9.75
(economics.py works it out), at score .1 and value 200 it is .1*27.5 - .9*8 = -4.45 ... always
including the contact: G = .1*.3*95 - .9*7 - 1 = -4.45.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from churn_ml.actions import actions, check_offers
from churn_ml.config import Config, Consent, Contract, Experiment, Offer, Policy, Shop
from churn_ml.errors import BadConfig, BadInput
from churn_ml.tables import ACTIONS

AS_OF = date(2017, 10, 1)
COUPON = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
BANNER = Offer(code="BANNER", label="on the site", contact_amount=0.5, needs_consent=False)


def config(*offers: Offer, default: str = "assumed", **policy: Any) -> Config:
    shop = Shop(name="s", currency="EUR")
    return Config(
        shop=shop,
        offers=offers,
        consent=Consent(default=default),  # type: ignore[arg-type] # a str that pydantic checks
        policy=Policy(**policy),
    )


def decide(
    rows: dict[str, tuple[float, float]],
    settings: Config,
    *,
    tau: float = 0.0,
    consents: dict[str, bool] | None = None,
    suppressed: tuple[str, ...] = (),
    held: tuple[str, ...] = (),
    contacted: tuple[str, ...] = (),
    segment: str = "HIGH_RISK_HIGH_VALUE_SILENT",
) -> pd.DataFrame:
    ids = list(rows)
    scores = pd.DataFrame(
        {"customer_id": ids, "score": [r[0] for r in rows.values()], "as_of": AS_OF}
    ).assign(value=[r[1] for r in rows.values()])
    placed = pd.DataFrame({"customer_id": ids, "segment": segment})
    placed["arm"] = ["holdout" if i in held else "open" for i in ids]
    given = pd.Series(consents or {}, dtype=object)
    out = actions(scores, placed, given, suppressed, settings, tau, key=b"key", contacted=contacted)
    return out.set_index("customer_id", drop=False)


def test_a_contact_that_pays_is_made_and_one_that_does_not_is_not() -> None:
    out = decide({"h1": (0.5, 200.0), "h2": (0.1, 200.0)}, config(COUPON))
    assert out["why"].tolist() == ["chosen", "does_not_pay"]
    assert out["offer"].tolist() == ["COUPON", "NONE"]
    assert out["expected_gain"].tolist() == [9.75, 0.0]
    # .5 * .3 redeem when saved, .5 * 1 redeem anyway: .65 * 5 + 1
    assert out["expected_cost"].tolist() == [4.25, 0.0]


def test_the_frame_is_the_table_of_tables_py_sorted_by_customer() -> None:
    out = decide({"h2": (0.5, 200.0), "h1": (0.5, 200.0)}, config(COUPON))
    assert tuple(out.columns) == ACTIONS.names
    assert ACTIONS.to_arrow(out).column("customer_id").to_pylist() == ["h1", "h2"]


def test_a_gain_equal_to_tau_is_not_enough() -> None:
    rows = {"h1": (0.5, 200.0)}
    assert decide(rows, config(COUPON), tau=9.75)["why"].tolist() == ["does_not_pay"]
    assert decide(rows, config(COUPON), tau=9.74)["why"].tolist() == ["chosen"]


def test_the_holdout_gets_nothing_and_its_would_be_offer_is_kept() -> None:
    out = decide({"h1": (0.5, 200.0), "h2": (0.1, 200.0)}, config(COUPON), held=("h1", "h2"))
    assert out["offer"].tolist() == ["NONE", "NONE"]
    assert out["would_be_offer"].tolist() == ["COUPON", "NONE"]
    assert out["why"].tolist() == ["holdout", "does_not_pay"]
    assert out["expected_gain"].tolist() == [9.75, 0.0]


def test_the_holdout_keeps_its_place_in_the_round_so_that_both_arms_are_alike() -> None:
    rows = {"h1": (0.5, 300.0), "h2": (0.5, 200.0)}
    alone = decide(rows, config(COUPON, capacity_customers=1))
    held = decide(rows, config(COUPON, capacity_customers=1), held=("h1",))
    assert alone["would_be_offer"].tolist() == held["would_be_offer"].tolist()
    assert held["why"].tolist() == ["holdout", "capacity"]


@pytest.mark.parametrize(
    ("default", "consents", "why"),
    [
        ("none", {}, "no_consent"),
        ("assumed", {}, "chosen"),
        ("none", {"h1": True}, "chosen"),
        ("assumed", {"h1": False}, "no_consent"),
    ],
)
def test_consent_is_the_customers_word_and_the_default_where_there_is_none(
    default: str, consents: dict[str, bool], why: str
) -> None:
    out = decide({"h1": (0.5, 200.0)}, config(COUPON, default=default), consents=consents)
    assert out["why"].tolist() == [why]


def test_an_offer_that_needs_no_consent_stays_open_without_one() -> None:
    settings = config(COUPON, BANNER, default="none")
    assert decide({"h1": (0.5, 200.0)}, settings)["offer"].tolist() == ["BANNER"]


def test_suppression_wins_over_consent_and_over_offers_that_need_none() -> None:
    settings = config(COUPON, BANNER)
    out = decide({"h1": (0.5, 200.0)}, settings, consents={"h1": True}, suppressed=("h1",))
    assert out[["offer", "would_be_offer", "why"]].to_numpy().tolist() == [
        ["NONE", "NONE", "suppressed"]
    ]


def test_a_customer_of_the_last_contact_window_is_left_in_peace() -> None:
    out = decide({"h1": (0.5, 200.0)}, config(COUPON), contacted=("h1",))
    assert out["why"].tolist() == ["recently_contacted"]


def test_an_offer_meant_for_other_segments_is_not_made() -> None:
    lost_only = COUPON.model_copy(update={"segments": ("LOST",)})
    assert decide({"h1": (0.5, 200.0)}, config(lost_only))["why"].tolist() == ["no_offer"]
    out = decide({"h1": (0.5, 200.0)}, config(lost_only), segment="LOST")
    assert out["offer"].tolist() == ["COUPON"]


def test_an_offer_meant_for_another_contract_is_not_made() -> None:
    there = Config(
        shop=Shop(name="s", currency="EUR"),
        consent=Consent(default="assumed"),
        offers=(COUPON.model_copy(update={"contracts": ("winback",)}),),
        contracts={"back": Contract(name="winback", population="lost")},
    )
    assert decide({"h1": (0.5, 200.0)}, there)["why"].tolist() == ["no_offer"]
    assert decide({"h1": (0.5, 200.0)}, there.under("back"))["offer"].tolist() == ["COUPON"]


def test_without_offers_there_is_nothing_to_make() -> None:
    out = decide({"h1": (0.5, 200.0)}, config())
    assert out[["offer", "why"]].to_numpy().tolist() == [["NONE", "no_offer"]]


def test_capacity_takes_the_largest_gains() -> None:
    rows = {"h1": (0.5, 150.0), "h2": (0.5, 300.0), "h3": (0.5, 200.0)}
    out = decide(rows, config(COUPON, capacity_customers=2))
    assert out["why"].tolist() == ["capacity", "chosen", "chosen"]


def test_equal_gains_are_decided_by_the_keyed_hash_not_by_name() -> None:
    rows = {f"h{i:03}": (0.5, 200.0) for i in range(200)}
    out = decide(rows, config(COUPON, capacity_customers=100))
    chosen_of_the_first_half = (out["why"][:100] == "chosen").sum()
    assert 30 <= chosen_of_the_first_half <= 70  # fair: 50, standard deviation 3.5


def test_a_budget_that_covers_two_contacts_makes_two() -> None:
    rows = {"h1": (0.5, 150.0), "h2": (0.5, 300.0), "h3": (0.5, 200.0)}
    out = decide(rows, config(COUPON, budget_amount=8.5))  # each costs 4.25
    assert out["why"].tolist() == ["budget", "chosen", "chosen"]
    assert out["expected_cost"].sum() == 8.5


def test_under_a_budget_the_choice_is_the_one_that_earns_most_and_says_how_near_it_is() -> None:
    dear = Offer(code="DEAR", label="d", cost_amount=20, contact_amount=1, save_rate=0.6)
    rows = {"h1": (0.9, 300.0), "h2": (0.9, 200.0)}
    free = decide(rows, config(COUPON, dear))
    assert free["offer"].tolist() == ["DEAR", "DEAR"]
    assert (free.attrs["bound"], free.attrs["gap"]) == (round(free["expected_gain"].sum(), 2), 0.0)
    # a dear offer costs 13.80 and a coupon 2.85: one of each fits, two dear ones do not
    out = decide(rows, config(COUPON, dear, budget_amount=17))
    assert out["offer"].tolist() == ["DEAR", "COUPON"]
    assert out["expected_cost"].sum() <= 17
    assert 0 <= out.attrs["gap"] < 0.2


def test_nobody_scored_gives_an_empty_frame_with_all_columns() -> None:
    out = decide({}, config(COUPON))
    assert (len(out), tuple(out.columns)) == (0, ACTIONS.names)


def test_an_offer_for_a_segment_that_does_not_exist_is_refused_by_name() -> None:
    typo = COUPON.model_copy(update={"segments": ("HIGH_RISK_HIGH_VALUE",)})
    with pytest.raises(BadConfig, match="COUPON is meant for an unknown segment"):
        check_offers((typo,))


def test_a_scored_customer_without_a_segment_is_refused() -> None:
    scores = pd.DataFrame({"customer_id": ["h1"], "score": 0.5, "value": 1.0, "as_of": AS_OF})
    nobody = pd.DataFrame({"customer_id": [], "segment": [], "arm": []}, dtype=str)
    with pytest.raises(BadInput, match="1 scored customers have no segment"):
        actions(scores, nobody, pd.Series(dtype=object), (), config(COUPON), 0.0, key=b"key")


def test_an_experiment_leaves_its_control_alone_and_says_how_likely_that_was() -> None:
    drawn = {"experiments": {"spring": Experiment(offers=("COUPON",), control_share=0.4)}}
    rows = {f"h{i}": (0.5, 200.0) for i in range(40)}
    out = decide(rows, config(COUPON).model_copy(update=drawn), held=("h0", "h1"))
    assert out["would_be_offer"].eq("COUPON").all()
    control = out["experiment_arm"] == "control"
    assert out.loc[control, "offer"].eq("NONE").all()
    assert out.loc[control, "why"].eq("control").all()
    assert 5 < control.sum() < 30
    assert set(out.loc[out["experiment_arm"] == "treated", "offer"]) == {"COUPON"}
    assert out.loc[["h0", "h1"], "experiment"].isna().all()
    assert out.loc[["h0", "h1"], "why"].eq("holdout").all()
    assert out["kept_share"].tolist() == pytest.approx([0.46] * 40)


def test_an_experiment_that_has_ended_draws_nobody() -> None:
    drawn = {"experiments": {"spring": Experiment(offers=("COUPON",), end_on=AS_OF)}}
    out = decide({"h1": (0.5, 200.0)}, config(COUPON).model_copy(update=drawn))
    assert tuple(out.loc["h1", ["experiment", "offer", "kept_share"]]) == (None, "COUPON", 0.1)
