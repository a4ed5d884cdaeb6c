"""The report on one customer as lines, in English or Chinese.

Enters: what `flow.explain` told. Leaves: one line per item, every word of which stands in the
catalogue of the language (wording/), but for the codes of segments, offers and models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from churn_ml import wording
from churn_ml.segments import OPTED_OUT
from churn_ml.wording import Language


def lines(told: Mapping[str, Any], language: Language = "en") -> Iterator[str]:
    """The report in words, one line per item.

    >>> told = {"customer_id": "h9", "as_of": "2017-10-01", "contract": "gone30", "stage": "lost",
    ...     "segment": "LOST", "named_segments": ["COHORT_2017_01", "STAGE_LOST"], "arm": "open",
    ...     "consent": {"said": {"sms": False}, "default": "assumed"}, "scored": None, "sent": [],
    ...     "now": {"suppressed": False, "sent": [], "held_by": []}}
    >>> print("\\n".join(lines(told)))
    h9 as of 2017-10-01 under gone30: lost, segment LOST, arm open
      also in COHORT_2017_01, STAGE_LOST
      consent: contact assumed, sms refused
      not scored: the contract is not about this customer now
      today, whatever day is asked about:
        not on the suppression list
        no destination holds this customer
    """
    say = partial(wording.report, language=language)
    words = {name: wording.word(told[name], language) for name in ("stage", "arm")}
    yield say("head", **{**told, **words})
    if told["named_segments"]:
        yield "  " + say("named", names=", ".join(told["named_segments"]))
    yield "  " + say("consent", said=_consent(**told["consent"], language=language))
    if told["segment"] == OPTED_OUT:
        yield "  " + say("opted_out")
    elif told["scored"] is None:
        yield "  " + say("not_scored")
    else:
        yield from _scored(told["scored"], say)
    yield from (f"  {line}" for line in _sent(told["sent"], language))
    yield "  " + say("now")
    yield from (f"    {line}" for line in _now(told["now"], language))


def _consent(said: Mapping[str, bool], default: str, language: Language = "en") -> str:
    """What was said of each purpose; of contact what is taken for it where nothing was.

    >>> _consent({"contact": True, "profiling": False}, "none")
    'contact given, profiling refused'
    >>> _consent({"sms": False}, "assumed", "zh")
    '联系 视为同意，sms 已拒绝'
    """
    answers = {purpose: "given" if given else "refused" for purpose, given in said.items()}
    told = [
        wording.report(
            "said",
            language,
            purpose=wording.word(purpose, language),
            answer=wording.word(answer, language),
        )
        for purpose, answer in ({"contact": default} | answers).items()
    ]
    return wording.report("next", language).join(told)


def _scored(told: Mapping[str, Any], say: Callable[..., str]) -> Iterator[str]:
    amounts = {name: f"{told[name]:,.2f}" for name in ("value", "value_at_risk")}
    yield "  " + say("score", score=f"{told['score']:.3f}", model=told["model"], **amounts)
    yield "  " + say("reasons")
    yield from (f"    {one['says']}" for one in told["reasons"])
    yield "  " + say("causes" if told["causes"] else "no_cause")
    yield from (f"    {one['says']}" for one in told["causes"])
    yield "  " + say("offers" if told["offers"] else "no_offers")
    for one in told["offers"]:
        mark = "*" if one["chosen"] else " "
        gain, cost = f"{one['expected_gain']:+,.2f}", f"{one['expected_cost']:,.2f}"
        yield f"   {mark}{say('offer', code=one['code'], label=one['label'], gain=gain, cost=cost)}"
        yield f"      {one['says']}"
    yield "  " + say("decided", offer=told["offer"], says=told["says"])
    if told["experiment"]:
        arm = say("arm_" + told["experiment"]["arm"])
        yield "  " + say("experiment", name=told["experiment"]["name"], arm=arm)
    scores = ", ".join(f"{one['as_of']} {one['score']:.3f}" for one in told["history"])
    yield "  " + say("history", scores=scores)


def _sent(rows: Iterable[Mapping[str, Any]], language: Language) -> Iterator[str]:
    for one in rows:
        words = {
            "offer": wording.word(one["offer"] or "removal", language),
            "outcome": wording.word(one["outcome"], language),
        }
        told = wording.report("sent", language, **{**one, **words})
        why = _why(one["why"], language)
        yield wording.report("sent_why", language, told=told, why=why) if why else told


def _why(told: str, language: Language) -> str:
    """Why a row was not simply what was decided, in that language as far as it has the words.

    >>> _why("not scored any more: LOST", "zh"), _why("bad_value: too long", "en")
    ('不再评分: LOST', 'bad_value: too long')
    """
    parts = (part.split(": ") for part in told.split("; "))
    return "; ".join(": ".join(wording.word(one, language) for one in part) for part in parts)


def _now(told: Mapping[str, Any], language: Language) -> Iterator[str]:
    """What holds today: who may never be contacted, what was sent since, who holds what."""
    yield wording.report("suppressed" if told["suppressed"] else "open", language)
    yield from _sent(told["sent"], language)
    for one in told["held_by"]:
        yield wording.report("holds" if one["holds"] else "forgot", language, **one)
    if not told["held_by"]:
        yield wording.report("nowhere", language)
