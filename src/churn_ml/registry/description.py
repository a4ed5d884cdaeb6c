"""Descriptions: what MLflow's pages say of a training, a model and a contract, in plain words.

Enters: a `Trained`. Leaves: Markdown, as MLflow shows it above a run's figures. It holds counts,
dates, figures with their intervals and addresses; never a customer. Worked example: the run
`train 2017-11-01` says on which cut-offs was learned, which candidate leads and how the others did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churn_ml.registry.trained import Fitted, Trained

SHOWN = {"auc": "AUC", "pr_auc": "PR AUC", "brier": "Brier", "lift_at_10": "lift at 10 %"}
"""The figures of the table: name in the ledger -> heading."""
UNDEFINED = "-"

TRAINING = """\
**Training as of {as_of}** for the churn contract `{contract}`.

* Learned on {train}.
* Thresholds tuned and candidates compared on {choose}.
* The panel has {rows:,} rows: `{path}`, version {version}.

**{lead} leads** (`{model_id}`): {figures}. It is the challenger; the gate weighs it against the
champion on later rows.

{table}

Figures are those of the choosing cut-off; intervals are 95 %, customers resampled.

{origin}"""
MODEL = """\
**{name}**, {role} of the training as of {as_of} (contract `{contract}`), learned on {train}.

On the choosing cut-off: {figures}.

{origin}"""


def of_training(trained: Trained) -> str:
    """What was trained, on which cut-offs, which candidate leads, and every candidate's figures."""
    lead, panel = trained.leader, trained.panel
    return TRAINING.format(
        as_of=trained.as_of.isoformat(),
        contract=trained.contract,
        train=layer_in_words(trained.layers["train"]),
        choose=layer_in_words(trained.layers["choose"]),
        rows=panel.rows,
        path=panel.path,
        version=panel.version,
        lead=lead.name,
        model_id=lead.model_id,
        figures=_figures(lead, trained.currency),
        table=_table(trained),
        origin=_origin(trained),
    )


def of_model(trained: Trained, each: Fitted) -> str:
    """One candidate: where it comes from, how it did, and whether it is the challenger."""
    return MODEL.format(
        name=each.name,
        role="the challenger" if each is trained.leader else "a candidate",
        as_of=trained.as_of.isoformat(),
        contract=trained.contract,
        train=layer_in_words(trained.layers["train"]),
        figures=_figures(each, trained.currency),
        origin=_origin(trained),
    )


def of_contract(name: str) -> str:
    """What the registered model of a contract says of itself.

    >>> of_contract("churn_ml.gone30").splitlines()[0]
    'Every model that was trained for the churn contract of `churn_ml.gone30`, one version each.'
    """
    return (
        f"Every model that was trained for the churn contract of `{name}`, one version each.\n\n"
        "The ledger decides which model is champion. The aliases `champion`, `challenger` and "
        "`former_champion` show its decisions: moving one here changes nothing."
    )


def layer_in_words(layer: Mapping[str, Any]) -> str:
    """One layer in words.

    >>> layer_in_words({"rows": 1800, "churners": 180, "cut_offs": ["2017-07-03", "2017-08-02"]})
    'the cut-offs 2017-07-03, 2017-08-02 (1,800 rows, 180 churners)'
    """
    days = layer["cut_offs"]
    word = "cut-offs" if len(days) > 1 else "cut-off"
    return f"the {word} {', '.join(days)} ({layer['rows']:,} rows, {layer['churners']:,} churners)"


def _table(trained: Trained) -> str:
    """Every candidate in a row, the one that leads in bold."""
    heads = ["candidate", f"profit per 1,000, {trained.currency}", *SHOWN.values(), "model"]
    rows = [
        [
            f"**{each.name}**" if each is trained.leader else each.name,
            _profit(each),
            *(_figure(each.figures.get(name)) for name in SHOWN),
            f"`{each.model_id}`",
        ]
        for each in trained.fitted
    ]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _figures(each: Fitted, currency: str) -> str:
    shown = [f"{head} {_figure(each.figures.get(name))}" for name, head in SHOWN.items()]
    return f"profit {_profit(each)} {currency} per 1,000 customers, {', '.join(shown)}"


def _profit(each: Fitted) -> str:
    profit = each.figures.get("profit_per_1000")
    return UNDEFINED if profit is None else f"{profit:,.1f}"


def _figure(told: list[float | None] | None) -> str:
    """A figure with its interval.

    >>> _figure([0.75, 0.7, 0.8]), _figure([0.75, None, None]), _figure(None)
    ('0.750 (0.700 to 0.800)', '0.750', '-')
    """
    value, low, high = told or (None, None, None)
    if value is None:
        return UNDEFINED
    return f"{value:.3f}" + ("" if low is None or high is None else f" ({low:.3f} to {high:.3f})")


def _origin(trained: Trained) -> str:
    """Where the rest is told: the receipt, and who asked."""
    by = trained.caller
    asked = "" if by is None else f" Asked for by {f'<{by}>' if by.startswith('http') else by}."
    return f"Receipt `{trained.receipt}` in the ledger.{asked}"
