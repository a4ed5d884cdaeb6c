"""Steps run in a house by a process of their own: Airflow works beside it on another core.

`python twin.py CHURN_TOML`. Each line of its input is a JSON list of steps: name, as_of, arguments;
it says `done` when they are. churn.toml is read anew for each line. A step is one of the flow, or
`doubt`: the ledger takes back what it says of those customers.
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
    for line in sys.stdin:
        house = open_house(load(Path(sys.argv[1])))
        for name, as_of, further in json.loads(line):
            if name == "doubt":
                for destination, customers in further["told"].items():
                    house.ledger.doubt(destination, customers, house.clock())
                continue
            done = getattr(flow, name)(house, parse_as_of(as_of), **further)
            print(done.in_words(), file=sys.stderr, flush=True)
        print("done", flush=True)
