"""Twelve customers from their signs to the sentence, the segment and the action, each by name.

What stands beside each is what a retention manager would say and do; the offers are those that
`[catalogue] defaults = true` switches on, and every customer is worth a contact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pytest

from churn_ml import wording
from churn_ml.actions import actions
from churn_ml.causes import causes, main_causes
from churn_ml.config import from_text
from churn_ml.offers.known import Known
from churn_ml.segments import named, segments, signs

AS_OF = date(2017, 10, 1)
CONFIG = """
shop = { name = "Corner shop", currency = "EUR" }
consent = { default = "assumed" }
catalogue = { defaults = true }
segments = { high_value_share = 0.25, medium_value_share = 0.5 }
"""


@dataclass(frozen=True)
class Customer:
    """What is known of a customer, and what is to come of it; value in EUR."""

    signs: dict[str, float]
    score: float
    value: float
    cause: str
    type: str
    group: str
    segment: str
    named: list[str]
    action: str
    english: str
    chinese: str


TWELVE = {
    "anna": Customer(
        # half of her parcels late
        signs={"late_share_180d": 0.5, "transit_days_3": 13.0},
        score=0.62,
        value=900.0,
        cause="LOGISTICS_SLOW",
        type="service",
        group="service",
        segment="HIGH_RISK_HIGH_VALUE_SILENT",
        named=["HIGH_RISK", "HIGH_VALUE"],
        action="EXPRESS_SHIPPING",
        english=(
            "slow delivery (88%): share of late parcels in 180 days 50%; days on the way of "
            "the last three parcels 13"
        ),
        chinese="配送慢（88%）：近180天延误包裹占比 50%；最近三个包裹在途天数 13",
    ),
    "ben": Customer(
        # two weeks at customs
        signs={"customs_days_max_180d": 14.0},
        score=0.35,
        value=260.0,
        cause="LOGISTICS_CUSTOMS",
        type="service",
        group="service",
        segment="MEDIUM_RISK_LOW_VALUE_ACTIVE",
        named=[],
        action="DUTY_CALCULATOR",
        english=(
            "delays and duties at customs (70%): longest time at customs in 180 days, in days 14"
        ),
        chinese="清关延误与关税（70%）：近180天最长清关天数 14",
    ),
    "cleo": Customer(
        # shipping eats a third
        signs={"shipping_share_180d": 0.34},
        score=0.55,
        value=240.0,
        cause="LOGISTICS_COST",
        type="service",
        group="price",
        segment="HIGH_RISK_LOW_VALUE_ACTIVE",
        named=["HIGH_RISK"],
        action="THRESHOLD_DISCOUNT",
        english="high shipping cost (70%): shipping and duty against the goods in 180 days 34%",
        chinese="运费高（70%）：近180天运费与关税占货款之比 34%",
    ),
    "dora": Customer(
        # broken goods and two stars
        signs={
            "defect_return_rate_180d": 0.3,
            "rating_mean_180d": 2.0,
            "is_unsatisfied_or_neutral_180d": 1.0,
        },
        score=0.58,
        value=400.0,
        cause="PRODUCT_QUALITY",
        type="service",
        group="product",
        segment="HIGH_RISK_MEDIUM_VALUE_ACTIVE",
        named=["HIGH_RISK", "UNSATISFIED"],
        action="FREE_RETURN",
        english=(
            "defects or unstable quality (86%): share given back as defective in 180 days "
            "30%; own ratings in 180 days, in stars 2"
        ),
        chinese="商品缺陷或质量不稳（86%）：近180天因质量问题退货占比 30%；近180天本人评分（星） 2",
    ),
    "emil": Customer(
        # not what the picture showed
        signs={"nad_return_rate_180d": 0.4},
        score=0.45,
        value=150.0,
        cause="PRODUCT_MISMATCH",
        type="service",
        group="product",
        segment="MEDIUM_RISK_LOW_VALUE_ACTIVE",
        named=[],
        action="FAST_REFUND",
        english="goods not as described (70%): share given back as not described in 180 days 40%",
        chinese="商品与描述不符（70%）：近180天因与描述不符退货占比 40%",
    ),
    "fay": Customer(
        # a month for her money
        signs={"refund_days_180d": 30.0, "contacts_per_return_180d": 4.0},
        score=0.52,
        value=700.0,
        cause="RETURNS_PROCESS",
        type="service",
        group="service",
        segment="HIGH_RISK_HIGH_VALUE_SILENT",
        named=["HIGH_RISK", "HIGH_VALUE"],
        action="FREE_RETURN",
        english=(
            "cumbersome returns (84%): days from a return to the money 30; contacts with "
            "service per return 4"
        ),
        chinese="退货繁琐（84%）：退货到退款的天数 30；每次退货联系客服次数 4",
    ),
    "gus": Customer(
        # nobody answers, a complaint is open
        signs={"first_response_h_180d": 70.0, "unanswered_feedback_7d": 2.0},
        score=0.66,
        value=300.0,
        cause="SERVICE_SLOW",
        type="service",
        group="service",
        segment="HIGH_RISK_MEDIUM_VALUE_SILENT",
        named=["HIGH_RISK"],
        action="PRIORITY_SUPPORT",
        english=(
            "slow or poor service (90%): complaints open for more than 7 days 2; hours to "
            "the first answer 70"
        ),
        chinese="客服慢或差（90%）：超过7天未答复的投诉 2；首次答复所需小时 70",
    ),
    "hal": Customer(
        # the rival is cheaper
        signs={"price_gap_ratio_30d": 1.3, "comp_promo_days_30d": 20.0},
        score=0.7,
        value=220.0,
        cause="COMPETITOR",
        type="competitive",
        group="external",
        segment="HIGH_RISK_LOW_VALUE_SILENT",
        named=["HIGH_RISK"],
        action="TARGETED_COUPON",
        english=(
            "a rival is cheaper or offers more (91%): our prices against the lowest of "
            "rivals in 30 days 1.3; days with a rival's promotion in 30 days 20"
        ),
        chinese=(
            "对手更便宜或政策更好（91%）：近30天我方价格与对手最低价之比 1.3；近30天对手促销天数 20"
        ),
    ),
    "ida": Customer(
        # looks, finds it dear, comes less often
        signs={"price_hesitation_share_90d": 0.6, "order_days_ratio_30d": 0.4},
        score=0.51,
        value=800.0,
        cause="PRICE_HIGH",
        type="service",
        group="price",
        segment="HIGH_RISK_HIGH_VALUE_ACTIVE",
        named=["HIGH_RISK", "HIGH_VALUE", "HV_DECLINING"],
        action="EXCLUSIVE_COUPON",
        english="prices too high (70%): share of products looked at often, dear and not bought 60%",
        chinese="价格过高（70%）：多次查看、偏贵而未购买的商品占比 60%",
    ),
    "jon": Customer(
        # the card is refused
        signs={"pay_fail_rate_90d": 0.6, "pay_fails_90d": 4.0},
        score=0.6,
        value=180.0,
        cause="CHECKOUT_FRICTION",
        type="service",
        group="service",
        segment="HIGH_RISK_LOW_VALUE_ACTIVE",
        named=["HIGH_RISK"],
        action="PAYMENT_NOTICE",
        english=(
            "paying is cumbersome (91%): share of failed payments in 90 days 60%; failed "
            "payments in 90 days 4"
        ),
        chinese="支付流程繁琐（91%）：近90天支付失败占比 60%；近90天支付失败次数 4",
    ),
    "kim": Customer(
        # moved on to other goods
        signs={"new_category_share_90d": 1.0, "categories_ratio_45d": 0.3},
        score=0.4,
        value=210.0,
        cause="NEED_CHANGED",
        type="natural",
        group="external",
        segment="MEDIUM_RISK_LOW_VALUE_ACTIVE",
        named=[],
        action="SIMILAR_RECS",
        english=(
            "needs or habits changed (87%): share of new categories in the last order 100%; "
            "categories bought in 45 days against those before 0.3"
        ),
        chinese="需求或习惯改变（87%）：上次订单中新品类占比 100%；近45天购买品类数与此前之比 0.3",
    ),
    "leo": Customer(
        # owes since two months
        signs={"days_past_due_max": 60.0},
        score=0.57,
        value=350.0,
        cause="FINANCIAL_HARDSHIP",
        type="service",
        group="external",
        segment="HIGH_RISK_MEDIUM_VALUE_SILENT",
        named=["ARREARS", "HIGH_RISK"],
        action="CARE_CONTACT",
        english="short of money (70%): longest arrears, in days 60",
        chinese="经济困难（70%）：最长逾期天数 60",
    ),
}


@pytest.fixture(scope="module")
def day() -> pd.DataFrame:
    """The twelve together, scored, named and decided on: one row each."""
    config = from_text(CONFIG)
    told = {name: {"customer_id": name, "as_of": AS_OF} for name in TWELVE}
    features = pd.DataFrame([told[name] | one.signs for name, one in TWELVE.items()])
    scores = pd.DataFrame(
        [told[name] | {"score": one.score, "value": one.value} for name, one in TWELVE.items()]
    )
    stages = [one.segment.rpartition("_")[2].lower() for one in TWELVE.values()]
    cohort = pd.DataFrame(told.values()).assign(stage=stages)
    placed = segments(cohort, scores, pd.Series("open", index=list(TWELVE)), config.segments)
    found = causes(features)
    rows = placed.merge(signs(features), on="customer_id")
    names = named(rows, config.segments)
    known = Known(causes=found, named=names, complaining={"gus"})
    nothing_said = pd.Series(dtype=bool)
    done = actions(scores, placed, nothing_said, (), config, 0.0, key=b"key", known=known)
    listed = names.groupby("customer_id")["segment"].agg(list).rename("named")
    own = main_causes(found).drop(columns="as_of").rename(columns={"score": "cause_score"})
    return placed.set_index("customer_id").join(
        [own, listed, done.set_index("customer_id")["offer"]]
    )


@pytest.mark.parametrize("name", TWELVE)
def test_each_leaves_for_the_cause_a_manager_would_name(name: str, day: pd.DataFrame) -> None:
    one, row = TWELVE[name], day.loc[name]
    assert [row["cause"], row["type"], row["group"]] == [one.cause, one.type, one.group]
    spoke = {sign["indicator"] for sign in json.loads(row["evidence"])}
    assert spoke
    assert spoke <= set(one.signs)


@pytest.mark.parametrize("name", TWELVE)
def test_each_is_placed_and_gets_the_action_a_manager_would_choose(
    name: str, day: pd.DataFrame
) -> None:
    one, row = TWELVE[name], day.loc[name]
    assert row["segment"] == one.segment
    assert [word for word in row["named"] if not word.startswith("STAGE_")] == one.named
    assert row["offer"] == one.action


@pytest.mark.parametrize("name", TWELVE)
def test_each_cause_is_told_in_english_and_chinese(name: str, day: pd.DataFrame) -> None:
    one, row = TWELVE[name], day.loc[name]
    told = row[["cause", "stated", "evidence"]].to_dict() | {"score": row["cause_score"]}
    assert wording.cause(told) == one.english
    assert wording.cause(told, "zh") == one.chinese
