"""Steps of a house that no scheduler runs, in a process of their own, beside Airflow's.

`python twin.py CHURN_TOML STEP...`, each STEP a JSON list: its name, its as_of, its arguments.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from churn_ml import flow
from churn_ml.config import load
from churn_ml.house import open_house
from churn_ml.timeline import parse_as_of

if __name__ == "__main__":
    house = open_house(load(Path(sys.argv[1])))
    for step in sys.argv[2:]:
        name, as_of, further = json.loads(step)
        print(getattr(flow, name)(house, parse_as_of(as_of), **further).in_words(), flush=True)
