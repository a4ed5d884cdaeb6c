"""Arms by keyed hash, sample sizes and intervals: known values and the laws of a fair draw."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, kstest

from churn_ml.config import Experiment
from churn_ml.errors import BadInput
from churn_ml.experiments import arm, drawn, power, total_size, uniform, wilson

KEY = b"a secret of the shop"
IDS = [f"h{i}" for i in range(20_000)]


def test_uniform_is_the_hmac_that_openssl_prints() -> None:
    # printf '1|h1' | openssl dgst -sha256 -hmac demo   -> 0ec9b2e2f5ad5053...
    # printf '1|王小明 😀' | openssl dgst -sha256 -hmac demo -> cd105c4da2af8d92...
    drawn = uniform(["h1", "王小明 😀"], key=b"demo", salt="1")
    assert drawn[0] == (0x0EC9B2E2F5AD5053 >> 11) / 2**53
    assert drawn[1] == (0xCD105C4DA2AF8D92 >> 11) / 2**53


def test_the_largest_hash_stays_below_one() -> None:
    assert (0xFFFFFFFFFFFFFFFF >> 11) / 2**53 < 1.0


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_held_out_share_is_the_asked_share(share: float) -> None:
    held = int((arm(IDS, key=KEY, salt="1", share=share) == "holdout").sum())
    assert binomtest(held, len(IDS), share).pvalue > 0.001


def test_the_draw_is_uniform_over_the_whole_interval() -> None:
    assert kstest(uniform(IDS, key=KEY, salt="1"), "uniform").pvalue > 0.001


def test_share_zero_holds_nobody_out_and_share_one_everybody() -> None:
    assert set(arm(IDS, key=KEY, salt="1", share=0.0)) == {"open"}
    assert set(arm(IDS, key=KEY, salt="1", share=1.0)) == {"holdout"}


def test_a_larger_share_keeps_everybody_who_was_held_out() -> None:
    small = arm(IDS, key=KEY, salt="1", share=0.05) == "holdout"
    large = arm(IDS, key=KEY, salt="1", share=0.1) == "holdout"
    assert large[small].all()


def test_another_salt_draws_independently_of_the_first() -> None:
    first = arm(IDS, key=KEY, salt="1", share=0.5) == "holdout"
    second = arm(IDS, key=KEY, salt="2", share=0.5) == "holdout"
    agreeing = int((first == second).sum())
    assert binomtest(agreeing, len(IDS), 0.5).pvalue > 0.001


def test_another_key_draws_anew() -> None:
    first = arm(IDS, key=KEY, salt="1", share=0.5)
    assert (first != arm(IDS, key=b"other", salt="1", share=0.5)).mean() > 0.4


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=20, unique=True), st.randoms())
def test_an_arm_depends_on_its_own_customer_only(ids: list[str], random: object) -> None:
    ids = [i for i in ids if i.encode("utf-8", "ignore").decode() == i] or ["h1"]
    together = dict(zip(ids, uniform(ids, key=KEY, salt="1"), strict=True))
    shuffled = sorted(ids, key=lambda _: random.random())  # type: ignore[attr-defined] # hypothesis' Random
    assert dict(zip(shuffled, uniform(shuffled, key=KEY, salt="1"), strict=True)) == together
    assert uniform(ids[:1], key=KEY, salt="1")[0] == together[ids[0]]


def test_nobody_is_an_empty_array() -> None:
    assert len(arm([], key=KEY, salt="1", share=0.1)) == 0


def test_a_draw_without_a_key_is_refused() -> None:
    with pytest.raises(BadInput, match="key of the draw is empty"):
        arm(["h1"], key=b"", salt="1", share=0.1)


def test_a_salt_that_could_be_mistaken_for_an_id_is_refused() -> None:
    # salt "1|a" with id "b" and salt "1" with id "a|b" would be one message.
    with pytest.raises(BadInput, match="may not hold"):
        uniform(["b"], key=KEY, salt="1|a")


@pytest.mark.parametrize(("treated", "per_arm"), [(0.34, 1013), (0.36, 2308)])
def test_sample_sizes_are_those_of_money_d(treated: float, per_arm: int) -> None:
    assert ceil(total_size(0.40, treated, 0.5) / 2) == per_arm
    assert ceil(total_size(treated, 0.40, 0.5) / 2) == per_arm


def test_power_at_the_sample_size_is_the_power_asked_for() -> None:
    for treated, share in ((0.34, 0.5), (0.36, 0.1)):
        total = total_size(0.40, treated, share)
        assert power(0.40, treated, total, share) >= 0.80 > power(0.40, treated, total - 1, share)


def test_a_control_of_a_twentieth_needs_many_more_customers_than_one_of_half() -> None:
    few, many = (total_size(0.40, 0.34, share) for share in (0.5, 0.05))
    assert (few, many) == (2026, 10981)


def test_an_experiment_draws_alike_whoever_else_is_there_and_unlike_the_holdout() -> None:
    layers = {"spring": Experiment(offers=("COUPON",), control_share=0.3)}
    would_be = np.full(len(IDS), "COUPON", dtype=object)
    names, arms = drawn(would_be, IDS, layers, key=KEY)
    _, some = drawn(would_be[::2], IDS[::2], layers, key=KEY)
    assert (arms[::2] == some).all()
    assert set(names) == {"spring"}
    control = arms == "control"
    assert binomtest(int(control.sum()), len(IDS), 0.3).pvalue > 0.001
    held = arm(IDS, key=KEY, salt="1", share=0.3) == "holdout"
    assert binomtest(int((held & control).sum()), int(held.sum()), 0.3).pvalue > 0.001


def test_nobody_is_drawn_for_an_offer_that_no_experiment_names() -> None:
    layers = {"spring": Experiment(offers=("COUPON",))}
    names, _ = drawn(np.array(["COUPON", "CALL"], dtype=object), IDS[:2], layers, key=KEY)
    assert names.tolist() == ["spring", None]


@pytest.mark.parametrize(("control", "treated"), [(0.4, 0.4), (0.0, 0.1), (0.4, 1.0)])
def test_shares_without_a_difference_have_no_sample_size(control: float, treated: float) -> None:
    with pytest.raises(BadInput, match="two different shares"):
        total_size(control, treated, 0.5)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_newcombe_1998_table_i_method_3(
    successes: int, total: int, low: float, high: float
) -> None:
    assert [round(bound, 4) for bound in wilson(successes, total)] == [low, high]


def test_wilson_mirrors_failures() -> None:
    assert wilson(29, 29)[1] == 1.0
    assert wilson(20, 29)[0] == pytest.approx(1 - wilson(9, 29)[1])


def test_more_successes_than_trials_is_refused() -> None:
    with pytest.raises(BadInput, match="successes"):
        wilson(3, 2)
