"""Bench: what the steps take of time and memory, on synthetic input of any size.

Each file measures one thing through the real code and leaves a JSON-able result and a table of it.
No figure of quality comes from here: what is measured on real data lies in `churn_ml.quality`::

    synthetic.py         orders and lines that are made up
    features.py          indicators, beside a bare scan of the events
    full_shop.py         all indicators of a whole shop, from a lake
    score.py             scores and exact reasons, beside XGBoost's own
    gate.py              a verdict of the promotion gate
    choice.py            the choice of offers under a budget, and its gap
    simulated_round.py   one round of a synthetic shop, and what is true of it
    choice_simulated.py  what the choice earns in such a shop, beside habits of the trade
    export.py            a first load, and a day on which one in a hundred changed
"""
