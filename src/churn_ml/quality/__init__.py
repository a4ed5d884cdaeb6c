"""Quality on public data: the real rooms, later test cut-offs, ours and the peers side by side.

Enters: the name of a task, its data and its test days. Leaves: a JSON-able result with the
champion, every candidate and every peer on the same rows.

    tasks.py     what is eligible, what counts as churned, and which days are tested
    shops.py     public data laid out and ingested as a shop's would be
    rows.py      features and labels of a day, through the real rooms
    peers.py     BG/NBD, Pareto/NBD, XGBoost as it comes, logistic on RFM
    contest.py   everybody fitted and scored; the champion chosen on earlier data
    figures.py   intervals, and paired differences
    told.py      the result, for JSON and as text
    full_training.py  what one training of every family takes

Worked example: `measure("c2-gone30", say=print)` tests on 2017-10-03, 2017-11-02 and 2017-12-02.
The value that profit is counted with is cross-fitted by customer on the training cut-offs, and a
customer is contacted where the expected gain exceeds 0: no threshold is tuned here.
"""

from churn_ml.quality.tasks import TASKS
from churn_ml.quality.told import measure, table

__all__ = ["TASKS", "measure", "table"]
