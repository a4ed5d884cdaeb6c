"""Which indicators a shop's features are built from: what is always there, and what is kept out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from churn_ml.config import Config, Features, Shop
from churn_ml.features import CATALOGUE, defining, names, spec_hash
from churn_ml.features.catalogue import ALWAYS
from churn_ml.flow.definitions import HISTORY, VALUE_FEATURES, indicators, known_to
from churn_ml.models.example import ORIGIN, by_hand, worth
from churn_ml.models.rule import Rule

SHOP = Shop(name="s", currency="EUR")


@pytest.mark.parametrize(
    "windows", [{"frequency": (7, 28)}, {"spend": (30, 45)}, {"basket_value": (60,)}, {}]
)
def test_what_value_models_read_is_built_under_any_windows(
    windows: dict[str, tuple[int, ...]],
) -> None:
    config = Config(shop=SHOP, features=Features(windows=windows))
    assert {*VALUE_FEATURES, *HISTORY} <= set(names(indicators(config)))


def test_what_the_rule_and_the_value_models_read_is_what_no_shop_can_keep_from_training() -> None:
    read = {*VALUE_FEATURES, *HISTORY, *Rule.features}
    assert {one.name for one in defining([*read], CATALOGUE)} == set(ALWAYS)


def test_a_champion_that_reads_what_is_kept_from_training_now_scores_no_more() -> None:
    value = replace(worth(100.0), features=("recency_days", "order_pace_30d"))
    built = spec_hash(defining(value.features, CATALOGUE))
    champion = replace(by_hand(), value=value, origin=replace(ORIGIN, spec_hash=built))
    assert known_to(champion, Config(shop=SHOP))
    kept = Features(not_for_training=("pace",))
    assert not known_to(champion, Config(shop=SHOP, features=kept))
