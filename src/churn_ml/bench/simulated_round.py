"""One round of a synthetic shop: what the shop knows of its customers, and beside it what is true.

Enters: a synthetic shop. Leaves: a `Day`. The way is the real one: features, a champion of boosted
trees with a value model, scores, causes, segments and eligibility, with the catalogue's offers.
What is not real: the customers, and the planted effects of the offers (`simulate.effects`).

Worked example: trained on the cut-offs 2017-08-12 and 2017-09-26, the shop stands at 2017-11-10,
and by 2017-12-25 it is known who ordered again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from churn_ml import causes, cohort, features, labels, reasons, scoring, segments, slices
from churn_ml.actions import consenting
from churn_ml.config import Config, Contract, Shop
from churn_ml.config.money import Catalogue
from churn_ml.economics import Flags, Floats, Terms, Truth
from churn_ml.experiments import OPEN
from churn_ml.flow import said
from churn_ml.flow.naming import named_segments
from churn_ml.flow.weighing import recipe
from churn_ml.models import Bundle
from churn_ml.models.boosting import XGBoost
from churn_ml.models.example import ORIGIN, SETTING
from churn_ml.models.value import ValueModel
from churn_ml.offers.eligibility import eligible
from churn_ml.offers.known import Known
from churn_ml.panel import teaching
from churn_ml.simulate.effects import true_save_rates
from churn_ml.tables import SOURCE_TABLES

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.simulate.shop import Shop as Synthetic

CONFIG = Config(
    shop=Shop(name="Synthetic shop", currency="EUR"),
    contract=Contract(name="synthetic45", lookback_days=90, horizon_days=45, min_orders=2),
    catalogue=Catalogue(defaults=True),
)
LEARNED = (date(2017, 8, 12), date(2017, 9, 26))
AS_OF = date(2017, 11, 10)
LIFE_DAYS = 400
"""Mean time that a synthetic customer stays (`simulate.world`)."""
_HABITS = """
select customer_id, gap_days, case when since <= '{as_of}' then scenario end as scenario,
       (select sum(list_cents - discount_cents - coupon_cents) / 100 / count(distinct o)
        from basket) as order_amount from people
"""


@dataclass(frozen=True)
class Day:
    """One round: what the shop knows of each customer at risk, and beside it what is true."""

    ids: pd.Series
    p: Floats
    value: Floats
    allowed: Flags
    consenting: Flags
    truth: Truth
    save_rate: Floats
    """True ones, customers x offers."""


def champion(shop: Synthetic) -> Bundle:
    """Boosted trees and a value model, of the cut-offs before."""
    import pandas as pd

    panel = pd.concat([_taught(shop, cut_off) for cut_off in LEARNED], ignore_index=True)
    names = list(teaching(panel))
    rows = panel[names].astype(float)
    label = panel["label"].to_numpy(np.int64)
    origin = replace(ORIGIN, contract=CONFIG.contract.stamp)
    value = ValueModel.fit(panel, recipe(CONFIG))
    return Bundle(XGBoost.fit(rows, label, SETTING), value, 0.0, origin)


def _taught(shop: Synthetic, cut_off: date) -> pd.DataFrame:
    """The features of a cut-off with what came after it."""
    world = shop.canonical(SOURCE_TABLES, cut_off)
    signs = features.trainable(features.CATALOGUE)
    rows = features.build(world, cut_off, CONFIG.contract, indicators=signs)
    after = _after(shop, rows, cut_off).assign(cut_off=cut_off)
    return rows.merge(after, on="customer_id")


def _after(shop: Synthetic, rows: pd.DataFrame, cut_off: date) -> pd.DataFrame:
    now, ends = shop.canonical(SOURCE_TABLES), shop.plan.ends
    return labels.labels(now, rows["customer_id"], cut_off, CONFIG.contract, ends)


def day(shop: Synthetic, bundle: Bundle) -> Day:
    """The round as of AS_OF, on the way that the house scores."""
    import pandas as pd

    world = shop.canonical(SOURCE_TABLES, AS_OF)
    people = cohort.cohort(world, AS_OF, CONFIG.contract)
    rows = features.build(world, AS_OF, CONFIG.contract)
    scores = scoring.score(bundle, rows, CONFIG.contract.stamp, spec_hash=bundle.origin.spec_hash)
    made = {"cohort": people, "features": rows, "scores": scores}
    made |= {"causes": causes.causes(rows, said.stated(world, AS_OF))}
    arms = pd.Series(OPEN, index=pd.Index(people["customer_id"]))
    edges = segments.edges(CONFIG.segments, scores["value"], Terms.of(CONFIG), 0.0)
    made |= {"segments": segments.segments(people, scores, arms, edges)}
    place = made["segments"].set_index("customer_id")["segment"]
    made |= {"scores": reasons.explained(bundle, rows, scores, place)}
    made |= {"attributes": slices.told(world)}
    ids, given = scores["customer_id"], said.consents(world)
    may = consenting(ids, given, default=CONFIG.consent.default == "assumed")
    known = Known(
        causes=made["causes"],
        named=named_segments(world, AS_OF, CONFIG, made, 0.0),
        tiers=made["attributes"].set_index("customer_id")["tier"],
        channels=said.channels(world),
        complaining=said.complaining(world),
    )
    placed = place.loc[ids].to_numpy(object)
    about = known.about(ids, placed, may, given.index[~given.to_numpy(bool)])
    return Day(
        ids,
        scores["score"].to_numpy(float),
        scores["value"].to_numpy(float),
        eligible(CONFIG.own_offers, about),
        may,
        *_truth(shop, rows, ids),
    )


def _truth(shop: Synthetic, rows: pd.DataFrame, ids: pd.Series) -> tuple[Truth, Floats]:
    """Labels that came to pass, true values and true save rates."""
    after = _after(shop, rows, AS_OF).set_index("customer_id").loc[ids]
    told = shop.connection.sql(_HABITS.format(as_of=AS_OF)).df().set_index("customer_id").loc[ids]
    econ = CONFIG.economics
    # who stays does so for LIFE_DAYS on average, of which a year's horizon sees a part
    days = LIFE_DAYS * (1 - np.exp(-econ.value_horizon_days / LIFE_DAYS))
    value = econ.margin_rate * (told["order_amount"] * days / told["gap_days"]).to_numpy(float)
    scenarios = told["scenario"].where(told["scenario"].notna(), None).tolist()
    rates = true_save_rates(CONFIG.own_offers, ids.tolist(), scenarios, econ)
    return Truth(after["label"].to_numpy(float), value), rates
