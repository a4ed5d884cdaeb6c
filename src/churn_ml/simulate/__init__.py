"""Simulate: synthetic customers with planted truth. Nothing here is real data.

Enters: sizes and a seed. Leaves: what a real shop cannot give, because nobody knows its truth. No
figure of quality is ever reported from it.

    population.py   customers with a true churn probability and value, for the laws of the gate
    shop.py         a whole shop with every canonical table and planted effects (not imported here)
    scenarios.py    what is planted in it
    files.py        the shop as drops and a churn.toml
    world.py        customers, orders, baskets and visits, which the tables are made from:
                    people.py, trade.py, contact.py, voice.py, context.py

Worked example: `contest(1, 500, 500, (5, 5), Gate())` is a trial of two models that are truly
alike, which the gate must not promote.
"""

from __future__ import annotations

from churn_ml.simulate.population import (
    GONE30,
    TERMS,
    Population,
    contest,
    fitted_scores,
    population,
    simulated_evidence,
    spending_panel,
    spending_recipe,
)

__all__ = [
    "GONE30",
    "TERMS",
    "Population",
    "contest",
    "fitted_scores",
    "population",
    "simulated_evidence",
    "spending_panel",
    "spending_recipe",
]
