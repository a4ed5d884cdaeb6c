"""The command around the holdout: is it large enough, and what does it cost?

Enters: a churn.toml and a scored as_of. Leaves: one row per draw, in words or as JSON. Worked
example: `churn-ml holdout --as-of 2017-10-01 --rounds 6`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, AsOf, ConfigPath, ContractName, Json


def holdout(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    rounds: Annotated[
        int, typer.Option(min=1, help="Within so many rounds like this one an answer is wanted.")
    ] = 13,
    as_json: Json = False,
    contract: ContractName = "",
) -> None:
    """Size the holdout and each experiment: what they can show, when, and what they cost.

    Reads: scores and actions of as_of. Writes: nothing. The churn of the contacted is what the
    save rates assume; power 80 %, two-sided at 5 %.
    """
    from churn_ml import flow
    from churn_ml.cli.judged import draw
    from churn_ml.grid import grid
    from churn_ml.timeline import parse_as_of

    house = answers.opened(config, quiet=True).under(contract)
    found = flow.holdout(house, parse_as_of(as_of), rounds)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    heads = (
        *("draw", "chosen", "kept", "not earned", "churn alone", "contacted", "power of a round"),
        *("customers needed", "rounds", f"share for {rounds} rounds"),
    )
    currency = house.config.shop.currency
    draw([grid("Draws", heads, [_row(*one, currency) for one in found.items()])])
    if found["holdout"]["needed"] is None:
        print("no contact is expected to save anybody: see [[offers]] and [economics]")


def _row(name: str, told: Mapping[str, Any], currency: str) -> list[str]:
    """One draw as cells; a dash where nothing can be told.

    >>> told = {"chosen": 300, "kept": 30, "share": 0.1, "not_earned": 60.0, "churn": 0.4,
    ...     "churn_contacted": 0.34, "power": 0.07, "needed": 5777, "needed_rounds": 20,
    ...     "enough_share": None}
    >>> _row("holdout", told, "USD")[:4], _row("holdout", told, "USD")[-3:]
    (['holdout', '300', '30 (10 %)', '60.00 USD'], ['5,777', '20', 'none'])
    """
    known = told["needed"] is not None
    enough = f"{told['enough_share']:.0%}" if told["enough_share"] else "none"
    return [
        name,
        f"{told['chosen']:,}",
        f"{told['kept']:,} ({100 * told['share']:.0f} %)",
        f"{told['not_earned']:,.2f} {currency}",
        f"{told['churn']:.3f}",
        f"{told['churn_contacted']:.3f}",
        f"{told['power']:.2f}" if known else "-",
        f"{told['needed']:,}" if known else "-",
        f"{told['needed_rounds']:,}" if known else "-",
        enough if known else "-",
    ]
