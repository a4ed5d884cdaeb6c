"""Definitions: which indicators this shop's features are built from, and which models know them.

Enters: churn.toml. Leaves: the indicators with the shop's own windows, and beside them those of the
house that the value model reads. Worked example: under `windows = { frequency = [7, 28] }` the
features hold order_days_7d and order_days_28d, and order_days_30d and order_days_90d too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features import CATALOGUE, Indicator, catalogue, defining, spec_hash, trainable

if TYPE_CHECKING:
    from datetime import date

    from churn_ml.config import Config
    from churn_ml.house import House
    from churn_ml.models.bundle import Bundle

VALUE_FEATURES = (
    "recency_days",
    "tenure_days",
    "order_days_30d",
    "order_days_90d",
    "spend_30d",
    "spend_60d",
    "spend_90d",
    "basket_median_90d",
)
"""What the regression of value reads, under whatever windows."""
HISTORY = ("recency_days", "tenure_days", "order_days_ever", "order_days_90d", "spend_90d")
"""What value by buying reads: how long, how often, and what an order day brought lately."""


def indicators(config: Config) -> tuple[Indicator, ...]:
    """The shop's indicators; where one leaves out what value reads, the house's stands beside it.

    >>> from churn_ml.config import Config, Features, Shop
    >>> shop, own = Shop(name="s", currency="EUR"), Features(windows={"frequency": (7, 28)})
    >>> found = indicators(Config(shop=shop, features=own))
    >>> [one.windows for one in found if one.name == "frequency"]
    [(7, 28), (14, 30, 60, 90)]
    >>> indicators(Config(shop=shop)) == CATALOGUE
    True
    """
    pairs = zip(catalogue(config.features), CATALOGUE, strict=True)
    return tuple(one for own, usual in pairs for one in (own, *_left_out(own, usual)))


def built(bundle: Bundle, config: Config) -> str:
    """The spec hash, as of now, of what `bundle` reads; what is not for training is left out.

    >>> from churn_ml.config import Config, Shop
    >>> from churn_ml.features.rhythm import RECENCY
    >>> from churn_ml.models.example import by_hand
    >>> config = Config(shop=Shop(name="s", currency="EUR"))
    >>> built(by_hand(), config) == spec_hash((RECENCY,))
    True
    """
    return spec_hash(defining(bundle.features, trainable(indicators(config))))


def known_to(bundle: Bundle, config: Config) -> bool:
    """Whether what `bundle` reads is built now as when it learned, and still for training."""
    return built(bundle, config) == bundle.origin.spec_hash


def can_score(house: House, as_of: date) -> bool:
    """Whether there is a champion as of `as_of`, and its features are built now as it learned them.

    >>> from datetime import date
    >>> from churn_ml.config import Config, Shop
    >>> from churn_ml.house import House
    >>> from churn_ml.ledger import Ledger
    >>> from churn_ml.warehouse import Warehouse
    >>> config = Config(shop=Shop(name="s", currency="EUR"))
    >>> can_score(House(config, Warehouse("lake"), Ledger.open("sqlite://")), date(2017, 10, 1))
    False
    """
    model_id = house.champion(as_of)
    return model_id is not None and known_to(house.bundle(model_id), house.config)


def _left_out(own: Indicator, usual: Indicator) -> tuple[Indicator, ...]:
    """The house's indicator where the shop's own lacks a column that value models read."""
    read = {*VALUE_FEATURES, *HISTORY}
    return (usual,) if read & set(usual.names) - set(own.names) else ()
