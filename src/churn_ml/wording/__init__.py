"""Wording: reasons, causes and decisions as sentences, in English and Chinese.

Enters: the reasons of a score, the causes of a customer and what was decided, as their tables hold
them. Leaves: a sentence each, and the lines of the report around them. The words stand in one file
per language, `en.toml` and `zh.toml`; a sign is found by its column without the window, and the
window is filled in. Worked example:

>>> told = {"indicator": "recency_days", "direction": "up", "value": 47.0, "average": 12.3}
>>> reason(told)
"days since the last order: 47 (segment's average 12.3), which raises the risk"
>>> reason({**told, "indicator": "late_share_180d", "value": 0.5, "average": 0.1}, "zh")
'近180天延误包裹占比：50%（同分群平均 10%），流失风险上升'
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from churn_ml.errors import BrokenPromise
from churn_ml.offers import by_code

__all__ = ["LANGUAGES", "Language", "cause", "offer", "reason", "report", "sign", "why", "word"]

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

WINDOW = re.compile(r"_(\d+)([dw])$")
BASE = "_has_base"
SHARES = re.compile(r"(_share|_rate)$|^(discount_depth|viewed_completeness)$")
"""Signs that are told in per cent."""
CHANGES = re.compile(r"(share|rate|ctr|response)_delta$")
"""Signs that are told as a change in share points."""
YES_OR_NO = frozenset(
    {
        *("one_and_done", "is_unsatisfied_or_neutral", "pay_method_gap", "agent_changed"),
        *("breach_exposed", "tier_down", "language_gap"),
    }
)


def reason(told: Mapping[str, Any], language: Language = "en") -> str:
    """The sentence of one reason: sign, value, its segment's average, and what it does to the risk.

    `told`: indicator (a feature), direction, value and average, None where unknown. Raises
    BrokenPromise where the language has no word for the sign.

    >>> reason({"indicator": "csat_last", "direction": "down", "value": None, "average": 4})
    "newest satisfaction: not known (segment's average 4), which lowers the risk"
    """
    phrases, feature = _words(language)["phrases"], told["indicator"]
    return str(
        phrases["reason"].format(
            sign=sign(feature, language),
            value=_value(feature, told["value"], language),
            average=_average(feature, told["average"], language),
            direction=phrases[told["direction"]],
        )
    )


def cause(told: Mapping[str, Any], language: Language = "en") -> str:
    """The sentence of one cause: what it is called, how strongly the signs speak, and which.

    `told`: a row of tables.CAUSES; without signs of its own it stands for other causes. Raises as
    `reason` does.

    >>> evidence = '[{"indicator": "late_share_180d", "strength": 1.0, "value": 0.5}]'
    >>> cause({"cause": "LOGISTICS_SLOW", "score": 0.7, "stated": False, "evidence": evidence})
    'slow delivery (70%): share of late parcels in 180 days 50%'
    >>> cause({"cause": "FX", "score": 1.0, "stated": True, "evidence": "[]"}, "zh")
    '汇率波动：客户本人说明'
    """
    words = _words(language)
    name, phrases = _word(language, "causes", told["cause"]), words["phrases"]
    if told["stated"]:
        return str(phrases["stated"].format(cause=name))
    signs = [
        phrases["sign"].format(
            sign=sign(each["indicator"], language),
            value=_value(each["indicator"], each["value"], language),
        )
        for each in json.loads(told["evidence"])
    ]
    share = f"{told['score']:.0%}"
    line = phrases["cause" if signs else "parent"]
    return str(line.format(cause=name, share=share, signs=phrases["between"].join(signs)))


def why(code: str, language: Language = "en") -> str:
    """What became of an offer or a customer, and why: a `why` of tables.ACTIONS, or what barred.

    >>> why("no_consent"), why("holdout", "zh")
    ('no consent to be contacted that way', '保留：客户属于用于衡量效果的对照组')
    """
    return _word(language, "why", code)


def offer(code: str, label: str, language: Language = "en") -> str:
    """What an offer is called: the shop's own label, or the catalogue's in that language.

    >>> offer("SMS", "A text message", "zh"), offer("SMS", "Our text", "zh")
    ('短信触达', 'Our text')
    """
    row = by_code(code)
    ours = row is not None and row.label == label
    return _words(language).get("offers", {}).get(code, label) if ours else label


def report(line: str, language: Language = "en", **values: Any) -> str:
    """A line of the report on one customer, its places filled with `values`.

    >>> report("history", scores="2017-10-01 0.620"), report("history", "zh", scores="0.620")
    ('scores so far: 2017-10-01 0.620', '历次评分：0.620')
    """
    return _word(language, "report", line).format(**values)


def word(name: str, language: Language = "en") -> str:
    """A word that the tables and the ledger use; one that is not known, such as a code, as it is.

    >>> word("silent", "zh"), word("acknowledged"), word("TARGETED_COUPON", "zh")
    ('沉默', 'acknowledged', 'TARGETED_COUPON')
    """
    return _words(language)["words"].get(name, name)


def sign(feature: str, language: Language = "en") -> str:
    """What a feature is called, its window filled in; raises BrokenPromise where it has no name.

    >>> sign("order_days_28d"), sign("weeks_active_12w", "zh")
    ('days with an order in 28 days', '近12周有下单的周数')
    >>> sign("late_share_180d_has_base")
    'share of late parcels in 180 days: something to compare with'
    """
    if feature.endswith(BASE):
        whole = sign(feature.removesuffix(BASE), language)
        return str(_words(language)["phrases"]["base"].format(sign=whole))
    window = WINDOW.search(feature)
    number = window[1] if window else ""
    return _word(language, "signs", _stem(feature)).format(days=number, weeks=number)


def _stem(feature: str) -> str:
    return WINDOW.sub("", feature)


@cache
def _words(language: Language) -> dict[str, dict[str, str]]:
    text = (files("churn_ml.wording") / f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _word(language: Language, section: str, name: str) -> str:
    found = _words(language)[section].get(name)
    if found is None and section == "signs" and name.startswith("complaints_"):
        # a topic that the shop named itself
        return f"{_words(language)[section]['complaints']} ({name.removeprefix('complaints_')})"
    if found is None:
        raise BrokenPromise(
            "the language has no word for that",
            where=f"wording/{language}.toml [{section}]",
            got=name,
            expected="a line for every feature and cause",
        )
    return found


def _value(feature: str, value: float | None, language: Language) -> str:
    """A value as people read it."""
    phrases, stem = _words(language)["phrases"], _stem(feature)
    if value is None:
        return phrases["unknown"]
    if feature.endswith(BASE) or stem in YES_OR_NO:
        return phrases["yes" if value else "no"]
    return _number(stem, value)


def _average(feature: str, value: float | None, language: Language) -> str:
    """An average as people read it: of yes and no it is the share of yes."""
    stem = _stem(feature)
    if value is not None and (feature.endswith(BASE) or stem in YES_OR_NO):
        return f"{value:.0%}"
    return _value(feature, value, language)


def _number(stem: str, value: float) -> str:
    if SHARES.search(stem):
        return f"{value:.0%}"
    if CHANGES.search(stem):
        return f"{value:+.0%}"
    short = f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"  # noqa: PLR2004
    return short.rstrip("0").rstrip(".")
