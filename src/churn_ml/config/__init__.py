"""churn.toml: one file, one frozen tree of settings; an unknown key is an error.

Enters: the text of a churn.toml. Leaves: a `Config`, its types, ranges and cross-references within
the file checked here. What only other rooms know (columns, model families, rules, segment codes)
`churn_ml.checks` checks before the first step.

Paths and SQLite URLs are relative to the folder of churn.toml. Secrets never stand here: the
holdout key comes from the variable that `[holdout] key_env` names, and a database URL takes its
password as `${NAME}` from the environment when it is opened; neither is stored, hashed or shown.
Every number has its unit in its name; defaults are proposals, not measurements.

    shop.py          [shop] [consent]
    sources.py       [sources.TABLE] [validation]
    contract.py      [contract]
    money.py         [economics] [catalogue] [[offers]] [policy] [holdout] [segments]
    modelling.py     [features] [training] [gate]
    running.py       [paths] [schedule]
    destinations.py  [destinations.NAME]
    kinds.py         the kinds of destination
    section.py       what every section is made of
    tree.py          the sections together: `Config`
    reading.py       from text to `Config`

>>> config = from_text('''
... [shop]
... name = "Corner shop"
... currency = "EUR"
... [contract]
... name = "gone90"
... lookback_days = 180
... horizon_days = 90
... ''')
>>> config.contract.gap_days, config.economics.save_rate_mean
(0, 0.3)
"""

from churn_ml.config.contract import Contract
from churn_ml.config.destinations import Destination
from churn_ml.config.modelling import Features, Gate, Training
from churn_ml.config.money import Economics, Experiment, Offer, Policy, Segments
from churn_ml.config.reading import from_text, load, named
from churn_ml.config.running import Schedule
from churn_ml.config.section import content_hash
from churn_ml.config.shop import Consent, Shop
from churn_ml.config.sources import SourceTable, Validation
from churn_ml.config.tree import NOT_WRITTEN, READS, Config

__all__ = [
    "NOT_WRITTEN",
    "READS",
    "Config",
    "Consent",
    "Contract",
    "Destination",
    "Economics",
    "Experiment",
    "Features",
    "Gate",
    "Offer",
    "Policy",
    "Schedule",
    "Segments",
    "Shop",
    "SourceTable",
    "Training",
    "Validation",
    "content_hash",
    "from_text",
    "load",
    "named",
]
