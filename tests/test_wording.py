"""Every sign and cause has its word in every language, and the sentences say what was found."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest

from churn_ml import wording
from churn_ml.causes import CAUSES
from churn_ml.errors import BrokenPromise
from churn_ml.features import CATALOGUE
from churn_ml.offers.catalogue import CATALOGUE as OFFERS
from churn_ml.offers.eligibility import BARS
from churn_ml.wording import LANGUAGES, Language

FEATURES = [name for one in CATALOGUE for name in one.names]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_feature_is_told_with_its_window_and_value(language: Language) -> None:
    for name in FEATURES:
        told = {"indicator": name, "direction": "up", "value": 1.0, "average": None}
        said = wording.reason(told, language)
        assert "{" not in said
        assert bool(CHINESE.search(said)) == (language == "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_has_its_name_and_no_name_is_left_over(language: Language) -> None:
    words = tomllib.loads((files("churn_ml.wording") / f"{language}.toml").read_text("utf-8"))
    assert set(words["causes"]) == {cause.code for cause in CAUSES}
    stems = {re.sub(r"_\d+[dw]$", "", name.removesuffix("_has_base")) for name in FEATURES}
    assert set(words["signs"]) == stems


def test_every_offer_of_the_catalogue_has_its_chinese_name_and_no_name_is_left_over() -> None:
    words = tomllib.loads((files("churn_ml.wording") / "zh.toml").read_text("utf-8"))
    assert set(words["offers"]) == {row.code for row in OFFERS}
    assert all(CHINESE.search(name) for name in words["offers"].values())


def test_every_decision_and_every_bar_has_its_words() -> None:
    limits = {"capacity", "budget"}
    words = {
        "chosen",
        "holdout",
        "control",
        "suppressed",
        "recently_contacted",
        "does_not_pay",
        "earns_less",
        "too_dear",
    }
    for language in LANGUAGES:
        text = (files("churn_ml.wording") / f"{language}.toml").read_text("utf-8")
        assert set(tomllib.loads(text)["why"]) == words | limits | set(BARS[1:])


def test_the_languages_have_the_same_phrases_with_the_same_places() -> None:
    texts = [tomllib.loads((files("churn_ml.wording") / f"{one}.toml").read_text("utf-8"))
             for one in LANGUAGES]  # fmt: skip
    for section in ("phrases", "signs", "why", "report", "words"):
        first, *others = (
            {name: sorted(re.findall(r"{\w+}", text)) for name, text in words[section].items()}
            for words in texts
        )
        assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("told", "english", "chinese"),
    [
        (
            {"indicator": "order_days_ratio_30d", "direction": "up", "value": 0.25, "average": 0.9},
            "order days in 30 days against those before: 0.25 (segment's average 0.9), "
            "which raises the risk",
            "近30天下单天数与此前之比：0.25（同分群平均 0.9），流失风险上升",
        ),
        (
            {"indicator": "spend_90d", "direction": "down", "value": 1234.5, "average": 310.0},
            "spend in 90 days: 1,234.5 (segment's average 310), which lowers the risk",
            "近90天消费额：1,234.5（同分群平均 310），流失风险下降",
        ),
        (
            {"indicator": "language_gap", "direction": "up", "value": 1.0, "average": 0.08},
            "not served in the own language: yes (segment's average 8%), which raises the risk",
            "没有本人语言的服务：是（同分群平均 8%），流失风险上升",
        ),
        (
            {"indicator": "return_rate_delta_180d", "direction": "up", "value": 0.2, "average": 0},
            "change of the share of orders given back in 180 days: +20% (segment's average +0%), "
            "which raises the risk",
            "近180天退货订单占比的变化：+20%（同分群平均 +0%），流失风险上升",
        ),
    ],
)
def test_a_reason_reads_as_a_sentence(told: dict[str, object], english: str, chinese: str) -> None:
    assert wording.reason(told) == english
    assert wording.reason(told, "zh") == chinese


def test_a_cause_without_signs_of_its_own_says_whence_it_is() -> None:
    told = {"cause": "PERCEIVED_VALUE", "score": 0.7, "stated": False, "evidence": "[]"}
    assert wording.cause(told) == (
        "not worth the money (70%): as likely as the likeliest of the causes it stands for"
    )
    assert wording.cause(told, "zh") == "感知价值低（70%）：与其所含原因中最可能的一项相同"


def test_a_topic_of_the_shops_own_is_named_in_brackets() -> None:
    assert wording.sign("complaints_sizing_180d") == "complaints in 180 days (sizing)"


def test_a_sign_without_a_word_is_a_defect() -> None:
    with pytest.raises(BrokenPromise, match="no word for that"):
        wording.sign("moon_phase_28d")
