"""The catalogue keeps its own rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from ibis.expr import operations

from churn_ml.config import Contract, Features
from churn_ml.errors import BadConfig
from churn_ml.features import (
    CATALOGUE,
    Indicator,
    available,
    build,
    catalogue,
    names,
    spec_hash,
    trainable,
    views,
)
from churn_ml.features.views import VIEWS
from churn_ml.features.wording import declared
from churn_ml.in_memory import canonical
from churn_ml.rates import PERSONAL
from churn_ml.tables import SOURCE_TABLES
from churn_ml.timeline import parse_as_of

NEEDS_OF_VIEW = {
    "days": {"orders"},
    "orders": {"orders"},
    "stores": {"orders"},
    "lines": {"orders", "order_lines"},
    "categories": {"orders", "order_lines", "products"},
    "category_spend": {"orders", "order_lines", "products"},
    "contacts": {"campaign_contacts"},
    "redemptions": {"coupon_redemptions"},
    "group_rates": {"orders", "customers"},
    "rfm_fifths": {"orders"},
    "visit_days": {"orders", "web_events"},
    "social": {"web_events"},
    "loads": {"web_events"},
    "sessions": {"web_events"},
    "checkouts": {"orders", "web_events"},
    "looks": {"web_events"},
    "wishes": {"orders", "order_lines", "products", "web_events"},
    "messages": {"message_events"},
    "care": {"message_events"},
    "ads": {"ad_events"},
    "promotions": {"promo_events"},
    "tickets": {"tickets"},
    "reviews": {"reviews"},
    "contributions": {"reviews"},
    "invites": {"web_events"},
    "surveys": {"surveys"},
    "all_orders": {"orders"},
    "returns": {"returns"},
    "return_contacts": {"returns", "tickets"},
    "payments": {"payments"},
    "shipments": {"shipments"},
    "terms": {"subscriptions"},
    "staff": {"staff_assignments"},
    "tiers": {"memberships"},
    "points": {"loyalty_ledger"},
    "novelties": {"orders", "order_lines", "products"},
    "breaches": {"orders", "customers", "site_incidents"},
    "methods": {"customers", "markets", "payments"},
    "homes": {"customers", "markets"},
    "mood": {"customers", "social_mentions"},
    "economy": {"customers", "macro_indicators"},
    "exchange": {"customers", "fx_rates", "markets"},
    "news": {"customers", "tech_events"},
    "competitors": {"customers", "competitor_events"},
    "competitor_shares": {"customers", "competitor_events"},
    "competitor_prices": {"orders", "order_lines", "products", "competitor_prices"},
    "launches": {"orders", "order_lines", "products"},
    "viewed": {"products", "web_events"},
}


def test_names_of_indicators_and_columns_are_unique() -> None:
    assert len({i.name for i in CATALOGUE}) == len(CATALOGUE)
    assert len(set(names())) == len(names())


def test_the_rules_column_of_inactivity_is_there() -> None:
    assert "recency_days" in names()


@pytest.mark.parametrize("indicator", CATALOGUE, ids=lambda i: i.name)
def test_every_record_is_filled_in(indicator: Indicator) -> None:
    assert indicator.meaning.endswith(".")
    assert indicator.unit
    assert indicator.window
    assert re.fullmatch(r"[ABC]\d\d", indicator.source)
    assert set(indicator.needs) <= set(SOURCE_TABLES)
    assert set(indicator.needs) >= set().union(
        *(NEEDS_OF_VIEW[m.view.name] for m in indicator.measures)
    )


@pytest.mark.parametrize("indicator", CATALOGUE, ids=lambda i: i.name)
def test_every_ratio_and_change_has_its_flag_and_every_flag_its_number(
    indicator: Indicator,
) -> None:
    told = set(indicator.names)
    number = re.compile(r"_(ratio|share|cv|rate|z|per_day|per_return|delta)(_\d+[dw]?)?$")
    ratios = {n for n in told if number.search(n)}
    flags = {n.removesuffix("_has_base") for n in told if n.endswith("_has_base")}
    assert ratios == flags


@pytest.mark.parametrize("indicator", CATALOGUE, ids=lambda i: i.name)
def test_every_indicator_can_be_built_alone_and_beside_itself_with_other_windows(
    indicator: Indicator,
) -> None:
    longer = tuple(7 * (number + 3) for number, _ in enumerate(indicator.windows))
    other = replace(indicator, windows=longer)
    assert len(other.names) == len(indicator.names)
    rows = [{"customer_id": "x", "occurred_at": "2017-09-30"}]
    shop = canonical(**{name: rows if name == "orders" else [] for name in indicator.needs})
    asked = [indicator, other] if indicator.windows else [indicator]
    frame = build(shop, parse_as_of("2017-10-01"), Contract(), indicators=asked)
    told = [name for each in asked for name in each.names]
    assert set(other.names) <= set(told)
    assert frame.columns.tolist() == ["customer_id", "as_of", *dict.fromkeys(told)]


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        (("orders",), {"basket_size", "breadth", "contact", "redemption"}),
        (("orders", "order_lines"), {"breadth", "category_shift", "contact"}),
        (("orders", "products"), {"basket_size", "breadth"}),
        (("orders", "campaign_contacts"), {"redemption", "redemption_rate"}),
        (("orders", "coupon_redemptions"), {"contact", "redemption_rate"}),
    ],
)
def test_an_indicator_whose_table_is_absent_is_absent_as_a_whole(
    given: tuple[str, ...], absent: set[str]
) -> None:
    present = {i.name for i in available(canonical(**{name: [] for name in given}))}
    assert not present & absent
    assert "recency" in present
    rows = canonical(**{name: [] for name in given})
    built = set(build(rows, parse_as_of("2017-10-01"), Contract()).columns)
    assert built == {"customer_id", "as_of"} | {
        n for i in CATALOGUE if i.name in present for n in i.names
    }


def test_the_spec_hash_is_the_same_in_every_process() -> None:
    code = "from churn_ml.features import spec_hash; print(spec_hash())"
    run = [sys.executable, "-c", code]
    env = os.environ | {"PYTHONHASHSEED": "1"}
    done = subprocess.run(run, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == spec_hash()


def test_every_view_is_told_of_where_they_begin() -> None:
    told = "\n".join(re.findall(r"^\* (.*):", views.__doc__ or "", re.MULTILINE))
    assert set(re.findall(r"\b([a-z_]+)(?:\([^)]*\))?(?:,|$)", told, re.MULTILINE)) == set(VIEWS)


def test_no_view_drops_two_columns_at_once() -> None:
    # ibis keeps them as a set, in the order of the process's hashes: the spec hash would be two
    views = {measure.view for indicator in CATALOGUE for measure in indicator.measures}
    told = [
        VIEWS[one.name](declared().tables, parse_as_of("2017-10-01"), *one.days) for one in views
    ]
    drops = [each for rows in told for each in rows.op().find(operations.DropColumns)]
    assert drops
    assert {len(each.columns_to_drop) for each in drops} == {1}


def test_no_indicator_reads_the_age_gender_or_income_of_a_person() -> None:
    known = declared().tables
    tables = known | {"customers": known["customers"].drop(*PERSONAL)}
    rows = {
        view: VIEWS[view.name](tables, parse_as_of("2017-10-01"), *view.days)
        for view in {measure.view for indicator in CATALOGUE for measure in indicator.measures}
    }
    told = [m.of(rows[m.view]) for indicator in CATALOGUE for m in indicator.measures]
    assert len(told) > len(CATALOGUE)


def test_views_of_lines_look_back_one_of_their_own_windows() -> None:
    # the lines are prepared once, as far back as the longest of these
    views = {measure.view for indicator in CATALOGUE for measure in indicator.measures}
    readers = [view for view in views if declared().view(view).reads_bought]
    assert {view.name for view in readers} >= {"lines", "categories", "novelties", "launches"}
    for view in readers:
        cuts = re.findall(
            r'"bought" AS "t\d+" WHERE "t\d+"."days_ago" <= (?:CAST\()?(\d+)',
            declared().view(view).text,
        )
        assert cuts
        assert {int(days) for days in cuts} <= set(view.days)


def test_importing_the_catalogue_loads_no_engine() -> None:
    code = (
        "import sys, churn_ml.features, churn_ml.cohort, churn_ml.labels;"
        "print({'ibis', 'pandas', 'numpy', 'duckdb', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_shop_may_give_an_indicator_other_windows() -> None:
    monthly = catalogue(Features(windows={"frequency": (28,), "spend": (7, 28, 364)}))
    told = set(names(monthly))
    assert {"order_days_28d", "spend_7d", "spend_364d"} <= told
    assert not {"order_days_14d", "spend_30d"} & told
    assert [i.name for i in monthly] == [i.name for i in CATALOGUE]
    assert spec_hash(monthly) != spec_hash()
    rows = canonical(orders=[{"customer_id": "x", "occurred_at": "2017-09-03"}])
    frame = build(rows, parse_as_of("2017-10-01"), Contract(), indicators=monthly)
    assert frame.loc[0, ["order_days_28d", "spend_7d", "spend_28d"]].tolist() == [1, 0, 10]


def test_a_shop_may_keep_an_indicator_from_training() -> None:
    own = catalogue(Features(not_for_training=("arrears", "language")))
    kept = {i.name for i in own} - {i.name for i in trainable(own)}
    shown = {"rfm", "main_category", "category_distance", "finance_anomaly", "interaction_anomaly"}
    assert kept == shown | {"arrears", "language"}
    assert names(own) == names()


@pytest.mark.parametrize("name", ["recency", "spend", "nonsense", "recency_days"])
def test_what_the_rule_and_the_value_models_read_cannot_be_kept_from_training(name: str) -> None:
    with pytest.raises(BadConfig, match=rf"'{name}' cannot be kept from training"):
        catalogue(Features(not_for_training=(name,)))


@pytest.mark.parametrize(
    ("name", "windows"),
    [
        ("weekdays", (30, 60)),
        ("weekdays", ()),
        ("frequency", ()),
        ("frequency", (30, 30)),
        ("recency", (30,)),
        ("nonsense", (30,)),
        ("activity_slope", (7,)),
        ("activity_slope", (80,)),
        ("weeks_active", (5,)),
    ],
)
def test_windows_that_do_not_fit_are_refused_before_anything_runs(
    name: str, windows: tuple[int, ...]
) -> None:
    with pytest.raises(BadConfig, match=name):
        catalogue(Features(windows={name: windows}))
