"""The command around one customer: what the house concluded of them, and why.

Enters: a churn.toml, a customer and an as_of. Leaves: the report of `flow.explain` in words or as
JSON. Worked example: `churn-ml explain h1 --as-of 2017-11-01 --language zh`.
"""

from __future__ import annotations

import json
from typing import Annotated

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

    What the ledger knows as it is today stands below what was concluded as of the date.
    Reads: what was scored for that date, and the ledger. Writes: nothing.
    """
    from churn_ml import flow
    from churn_ml.cli.explained import lines
    from churn_ml.timeline import parse_as_of
    from churn_ml.wording import LANGUAGES

    if language not in LANGUAGES:
        raise BadInput("there are no words in that language", got=language, expected="en, zh")
    house = answers.opened(config, quiet=True).under(contract)
    told = flow.explain(house, customer, parse_as_of(as_of), language)
    if as_json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        print("\n".join(lines(told, language)))
