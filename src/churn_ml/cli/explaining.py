"""The command around one customer: what the house concluded of them, and why.

Enters: a churn.toml, a customer and an as_of. Leaves: the report of `flow.explain` in words or as
JSON. Worked example: `churn-ml explain h1 --as-of 2017-11-01 --language zh`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, AsOf, ConfigPath, ContractName, Json
from churn_ml.errors import BadInput


def explain(
    customer: Annotated[str, typer.Argument(help="The customer_id, as the source writes it.")],
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    as_json: Json = False,
    contract: ContractName = "",
) -> None:
    """Explain one customer: score, reasons, causes, offers considered, consent and what was sent.

    Reads: what was scored for that date, and the ledger. Writes: nothing.
    """
    from churn_ml import flow
    from churn_ml.timeline import parse_as_of
    from churn_ml.wording import LANGUAGES

    if language not in LANGUAGES:
        raise BadInput("there are no words in that language", got=language, expected="en, zh")
    house = answers.opened(config, quiet=True).under(contract)
    told = flow.explain(house, customer, parse_as_of(as_of), language)
    print(json.dumps(told, indent=1, ensure_ascii=False) if as_json else "\n".join(_lines(told)))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The report in words, one line per item.

    >>> told = {"customer_id": "h9", "as_of": "2017-10-01", "contract": "gone30", "stage": "lost",
    ...     "segment": "LOST", "named_segments": ["COHORT_2017_01", "STAGE_LOST"], "arm": "open",
    ...     "suppressed": False, "consent": {"said": {"sms": False}, "default": "assumed"},
    ...     "scored": None, "sent": [], "held_by": []}
    >>> print("\\n".join(_lines(told)))
    h9 as of 2017-10-01 under gone30: lost, segment LOST, arm open
      also in COHORT_2017_01, STAGE_LOST
      consent: contact assumed, sms refused
      not scored: the contract is not about this customer now
      no destination holds this customer
    """
    yield (
        f"{told['customer_id']} as of {told['as_of']} under {told['contract']}: {told['stage']}, "
        f"segment {told['segment']}, arm {told['arm']}"
    )
    if told["named_segments"]:
        yield f"  also in {', '.join(told['named_segments'])}"
    if told["suppressed"]:
        yield "  suppressed: never to be contacted"
    yield f"  consent: {_consent(**told['consent'])}"
    scored = told["scored"]
    if told["segment"] == "PROFILING_OPT_OUT":
        yield "  not scored: the customer objects to profiling"
    elif scored is None:
        yield "  not scored: the contract is not about this customer now"
    else:
        yield from _scored(scored)
    for one in told["sent"]:
        offer = one["offer"] or "removal"
        yield f"  {one['destination']} as of {one['as_of']}: {offer}, {one['outcome']}"
    for one in told["held_by"]:
        yield f"  {one['destination']} {one['holds']} since {one['as_of']}"
    if not told["held_by"]:
        yield "  no destination holds this customer"


def _consent(said: Mapping[str, bool], default: str) -> str:
    """What was said of each purpose; of contact what is taken for it where nothing was.

    >>> _consent({"contact": True, "profiling": False}, "none")
    'contact given, profiling refused'
    """
    words = {purpose: "given" if given else "refused" for purpose, given in said.items()}
    unsaid = "assumed" if default == "assumed" else "not given"
    return ", ".join(f"{purpose} {word}" for purpose, word in ({"contact": unsaid} | words).items())


def _scored(told: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"  score {told['score']:.3f}, value {told['value']:,.2f}, at risk "
        f"{told['value_at_risk']:,.2f} (model {told['model']})"
    )
    yield "  why this score (up or down against all that the model learned from):"
    yield from (f"    {one['says']}" for one in told["reasons"])
    yield "  what may be behind it:" if told["causes"] else "  no sign of a cause"
    yield from (f"    {one['says']}" for one in told["causes"])
    yield "  offers considered:" if told["offers"] else "  no offer is meant for this contract"
    for one in told["offers"]:
        mark = "*" if one["chosen"] else " "
        gain, cost = one["expected_gain"], one["expected_cost"]
        yield f"   {mark}{one['code']} ({one['label']}): gain {gain:+,.2f}, cost {cost:,.2f}"
        yield f"      {one['says']}"
    yield f"  decided: {told['offer']} ({told['says']})"
    scores = ", ".join(f"{one['as_of']} {one['score']:.3f}" for one in told["history"])
    yield f"  scores so far: {scores}"
