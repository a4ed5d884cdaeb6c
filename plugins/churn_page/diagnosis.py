"""A verdict's diagnosis in plain words: what the field's own figures say of both models.

Enters: what the gate told beside a verdict (churn_ml.gate.diagnosis). Leaves: sentences, each with
a head; no number is computed but percentages and ratios of two told ones. Nothing in them decided.
Worked example: the challenger of 2017-11-01 ranks a leaver before a stayer 84 times in 100, the
champion 76: better by .08, and by chance alone hardly ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from churn_page import words

Said = tuple[str, str]

SURE = 0.05
"""The p-value below which a difference is called more than chance."""
TINY = 0.001


def told(found: Mapping[str, Any] | None, signs: Mapping[str, Any] | None, code: str) -> list[Said]:
    """Heads and sentences of one verdict; `code`: the shop's currency. Empty where none was kept.

    `found`: the verdict's diagnosis, `signs` its difference at both ends of the save rate's prior.
    """
    if not found:
        return []
    parts = (_ranks(found), _top(found), _by_the_books(found, code), _by_chance(found, code))
    return [*(said for part in parts for said in part), *_signs(signs, code)]


def _ranks(found: Mapping[str, Any]) -> Iterator[Said]:
    """AUC of both, and their difference by DeLong.

    >>> list(_ranks({"champion": {"auc": [0.76, 0.7, 0.8]}, "auc_p": 0.0004,
    ...              "challenger": {"auc": [0.84, 0.8, 0.9]}, "auc_gain": [0.08, 0.04, 0.12]}))
    [('Ranking', 'Of a leaver and a stayer the challenger puts the leaver first 84.0 % of the time,
    the champion 76.0 % (AUC). The difference is +0.080 (0.040...0.120, DeLong): more than chance,
    p below 0.001.')]
    """
    pair = [found.get(name, {}).get("auc") for name in ("challenger", "champion")]
    gain, p = found.get("auc_gain"), found.get("auc_p")
    if not all(pair) or not gain or p is None:
        return
    new, old = (words.share(auc[0]) for auc in pair)
    sure = "more than chance" if p < SURE else "not more than chance"
    much = f"p below {TINY}" if p < TINY else f"p {words.number(p, 3)}"
    yield (
        "Ranking",
        (
            f"Of a leaver and a stayer the challenger puts the leaver first {new} of the time, the "
            f"champion {old} (AUC). The difference is {words.signed(gain[0], 3)} "
            f"({words.bounds(gain)}, DeLong): {sure}, {much}."
        ),
    )


def _top(found: Mapping[str, Any]) -> Iterator[Said]:
    """What each finds among those a round has room for."""
    new, old = found.get("challenger", {}), found.get("champion", {})
    if new.get("coverage") is None or old.get("coverage") is None:
        return
    yield (
        f"Among the first {words.share(found['at_share'])}",
        f"The challenger finds {words.share(new['coverage'])} of all leavers, "
        f"{words.number(new['lift'], 1)} times as many as a blind choice; the champion "
        f"{words.share(old['coverage'])}, {words.number(old['lift'], 1)} times."
        + _by_value(new.get("value_weighted_lift"), old.get("value_weighted_lift")),
    )


def _by_value(new: float | None, old: float | None) -> str:
    if new is None or old is None:
        return ""
    both = f"{words.number(new, 1)} and {words.number(old, 1)}"
    return f" Counted in money instead of heads: {both} times."


def _by_the_books(found: Mapping[str, Any], code: str) -> Iterator[Said]:
    """MPC and EMPC, with the share that each would contact."""
    new, old = found.get("challenger", {}), found.get("champion", {})
    if new.get("mpc") is None or old.get("mpc") is None:
        return
    yield (
        "Best possible profit",
        (
            "With the best cut-off in hindsight and one value for everybody the challenger would "
            f"earn {words.number(new['mpc'], 2)} {code} a customer by contacting "
            f"{words.share(new['mpc_share'])}, the champion {words.number(old['mpc'], 2)} by "
            f"{words.share(old['mpc_share'])} (MPC); where the save rate is uncertain "
            f"{words.number(new['empc'], 2)} and {words.number(old['empc'], 2)} (EMPC). Nobody has "
            "hindsight: these rank models, they promise nothing."
        ),
    )


def _by_chance(found: Mapping[str, Any], code: str) -> Iterator[Said]:
    """What both would have earned on customers left to chance."""
    told = found.get("randomised")
    if not told:
        return
    gain = told["difference"]
    yield (
        "Measured on the holdout",
        (
            f"Of {words.number(told['chosen'])} customers whom the policy chose chance left "
            f"{words.number(told['held'])} alone. By what became of both the challenger would have "
            f"earned {words.signed(told['challenger'][0])} {code} per 1,000 of them and the "
            f"champion {words.signed(told['champion'][0])}: {words.signed(gain[0])} "
            f"({words.bounds(gain, 0)}). "
            f"Of {words.share(told['elsewhere']['challenger'])} of the challenger's contacts, and "
            f"{words.share(told['elsewhere']['champion'])} of the champion's, no holdout tells."
        ),
    )


def _signs(found: Mapping[str, Sequence[float]] | None, code: str) -> Iterator[Said]:
    """Whether the difference in money hangs on the save rate that is assumed.

    >>> list(_signs({"0.1": [-4.0, -9.0, 1.0], "0.9": [12.0, 3.0, 21.0]}, "EUR"))
    [('If offers save fewer, or more', 'The difference would be ...4 EUR per 1,000 customers where
    offers save few and +12 where they save many: who wins depends on that assumption.')]
    """
    if not found:
        return
    low, high = (found[point][0] for point in sorted(found))
    same = "the sign stays" if low * high > 0 else "who wins depends on that assumption"
    yield (
        "If offers save fewer, or more",
        (
            f"The difference would be {words.signed(low)} {code} per 1,000 customers where offers "
            f"save few and {words.signed(high)} where they save many: {same}."
        ),
    )
