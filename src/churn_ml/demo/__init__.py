"""The demo: a real shop's 2017, told from the first file to the verdict on a challenger.

Enters: the Complete Journey data (2,469 households, one year) from its package, and the demo's
churn.toml. Leaves: everything below one folder, and the report as `report.json`::

    story.py            dates, names and chapters, in business time
    place.py            the folder, the shop's files in it, the published key
    direct.py           the story in this process, step by step
    through_airflow.py  the story through a running stack: triggered, followed, answered
    progress.py         what a task does and did, in words
    stage.py            the platform started, the story, the result, the comparison
    words.py            addresses, figures and what to look at
    leaving.py          nothing goes on, whatever ends the demo
    memory.py           the peak of its memory

Worked example: both ways end in the same content hash, which `report.json` holds. What needs the
platform is imported by who asks for it: the direct story runs without Airflow installed.
"""

from __future__ import annotations

from churn_ml.demo.direct import tell
from churn_ml.demo.place import DEMO_KEY, KEY_VARIABLE, published_key
from churn_ml.demo.story import ANSWER, APPROVER, FIRST, SECOND

__all__ = [
    "ANSWER",
    "APPROVER",
    "DEMO_KEY",
    "FIRST",
    "KEY_VARIABLE",
    "SECOND",
    "published_key",
    "tell",
]
