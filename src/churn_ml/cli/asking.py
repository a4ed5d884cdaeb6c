"""Commands that ask the data and decide nothing: preflight, horizon, rates and staleness.

Enters: a churn.toml whose orders are ingested. Leaves: counts and shares on the screen or as JSON,
never a customer. Worked example: `churn-ml rates --as-of 2017-11-01 --by tier` shows how many of
each tier stayed, month by month.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, AsOf, ConfigPath, ContractName, Json

if TYPE_CHECKING:
    from churn_ml.grid import Grid
    from churn_ml.house import House


def preflight(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
) -> None:
    """Count what a training would see, against the minimum, and what the tables cannot tell.

    Reads: canonical tables. Writes: a receipt.
    """
    from churn_ml import flow
    from churn_ml.timeline import parse_as_of

    day = parse_as_of(as_of)
    receipt = flow.preflight(answers.opened(config, quiet=True).under(contract), day)
    lines = [f"preflight as of {as_of}: {receipt.status}", *receipt.details["words"]]
    print(receipt.to_json() if as_json else "\n  ".join(lines))


def horizon(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
) -> None:
    """Propose lookback and horizon from the gaps between orders; show what each choice means.

    Reads: canonical tables. Writes: nothing.
    """
    from churn_ml import flow
    from churn_ml.timeline import parse_as_of

    day = parse_as_of(as_of)
    told = flow.horizon(answers.opened(config, quiet=True).under(contract), day)
    if as_json:
        print(json.dumps(told, indent=1))
        return
    _draw(_choices(told))
    gaps, found = told["gaps"], told["proposed"]
    print(
        f"\n{gaps['closed']:,} gaps between order days: half close within {gaps['days_50']} days, "
        f"80 % within {gaps['days_80']}, 95 % within {gaps['days_95']}.\n"
        f"Proposed for [contract]: lookback_days = {found['lookback_days']}, "
        f"horizon_days = {found['horizon_days']}"
    )


def staleness(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
    family: Annotated[
        str | None, typer.Option(help="Whose recipe: logistic, xgboost; the champion's else.")
    ] = None,
) -> None:
    """Show how predictions fall with a model's age, cut-off by cut-off, and how often to train.

    Fits one model a cut-off: a moment with logistic, minutes with others. Reads: the panel of the
    training of as_of. Writes: nothing.
    """
    from churn_ml import flow
    from churn_ml.timeline import parse_as_of

    house = answers.opened(config, quiet=True).under(contract)
    told = flow.staleness(house, parse_as_of(as_of), family)
    if as_json:
        print(json.dumps(told, indent=1))
        return
    _draw(_by_age(told))
    print(f"\n{told['advice']}")


def rates(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    by: Annotated[
        str,
        typer.Option(
            help="all, segment, or an attribute: country, language, market, channel, tier, "
            "age_band, gender, income_band."
        ),
    ] = "all",
    contract: ContractName = "",
) -> None:
    """Show churn, retention and repurchase rate of every month that has ended.

    Reads: the rates of as_of; where there are none, canonical tables. Writes: rates, cohorts and
    transitions where there were none. --json holds all three tables and every slice. Below the
    table it says whether everybody's churn rises, over six closed months.
    """
    from churn_ml import flow
    from churn_ml.rates import ALL, SLICES
    from churn_ml.timeline import parse_as_of

    if by not in (ALL, *SLICES):
        raise typer.BadParameter(f"{by!r} is none of {', '.join((ALL, *SLICES))}")
    day, house = parse_as_of(as_of), answers.opened(config, quiet=as_json).under(contract)
    if house.publication("rates", day) is None:
        flow.rates(house, day)
    told = {name: _rows(house, name, day) for name in ("rates", "cohorts", "transitions")}
    if as_json:
        print(json.dumps(told, indent=1))
    else:
        _draw(_months([row for row in told["rates"] if row["slice"] == by], by))
        print(f"\n{_drift(told['rates'])}")


def _rows(house: House, name: str, day: date) -> list[dict[str, Any]]:
    """The rows of a published table, ready for JSON: dates as ISO text, money as text."""
    version, place = house.published(name)[day.isoformat()], house.config.called(name)
    rows = house.warehouse.read_partition(place, day, version).to_pylist()
    plain = (int, float, str, type(None))
    return [{k: v if isinstance(v, plain) else str(v) for k, v in row.items()} for row in rows]


def _drift(rows: list[dict[str, Any]]) -> str:
    """Whether churn rises, in words; of fewer than six closed months nothing can be told."""
    import pandas as pd

    from churn_ml.drift import PERIODS, base_rate_drift

    names = ["month", "slice", "churn_rate"]
    told = pd.DataFrame(rows, columns=names)
    found = base_rate_drift(told.assign(month=pd.to_datetime(told["month"])))
    return (
        found.in_words() if found else f"Drift of churn: not known before {PERIODS} closed months"
    )


def _months(rows: list[dict[str, Any]], by: str) -> Grid | str:
    """The rates as a table; a line in words where there are none."""
    from churn_ml.grid import grid

    heads = ("month", by, "customers", "churned", "churn", "retention", "buyers", "repurchase")
    cells = [
        (
            row["month"][:7],
            row["word"],
            row["customers"],
            row["churned"],
            _percent(row["churn_rate"]),
            _percent(row["retention_rate"]),
            row["buyers"],
            _percent(row["repurchase_rate"]),
        )
        for row in rows
    ]
    title = "Rates by month: churn and retention of those active at its start; - is not known yet"
    return grid(title, heads, cells) or f"no month has ended, or no customer has a {by}"


def _choices(told: dict[str, Any]) -> Grid | str:
    """Label rate and counts of every choice as a table."""
    from churn_ml.grid import grid

    heads = ("horizon", "lookback", "segment", "cut-off", "customers", "churners", "stayers")
    keys = ("horizon_days", "lookback_days", "segment", "cut_off", "customers", "churners")
    cells = [
        (*(row[k] for k in (*keys, "stayers")), _percent(row["label_rate"]))
        for row in told["choices"]
    ]
    return grid("What each horizon would mean", (*heads, "label rate"), cells) or "no choice"


def _by_age(told: dict[str, Any]) -> Grid | str:
    """What an old model loses against a fresh one at each cut-off, as a table."""
    from churn_ml.grid import grid

    heads = ("cut-off", "age, days", "AUC, old", "AUC, fresh", "AUC lost", "Brier lost")
    cells = [
        (
            row["cut_off"],
            row["age_days"],
            *(f"{auc:.3f}" for auc in row["auc"]),
            *(
                f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
                for (value, low, high), digits in (
                    (row["auc_loss"], 3),
                    (row["brier_loss"], 4),
                    (row["profit_loss"], 0),
                )
            ),
        )
        for row in told["ages"]
    ]
    title = f"{told['family']} learned to {told['learned_to']}, against the same learned up to date"
    return grid(title, (*heads, "profit per 1,000 lost"), cells) or "no later cut-off"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _draw(drawn: Grid | str) -> None:
    from rich.console import Console

    from churn_ml.grid import width

    Console(width=width(), highlight=False, markup=False).print(drawn)
