"""### Ingest: the world in.

Takes every file the shop dropped up to a day, judges each row, and publishes the tables of that
day: all of them or none.

* **When**: at `[schedule] cron` of churn.toml (UTC). The day of the run is its partition key and
  its *as_of*: what is known ends where that day begins.
* **Reads** the files of `[sources]`. **Writes** the canonical tables and the quarantine to the
  lake, the receipt to the ledger, and an event of the asset `canonical`, which score, learn and
  train follow with the same key. Nothing dropped: skipped with a receipt `no_data`.
* **When it fails**: nothing is published. Too many bad rows, a missing column or a changed file
  fail at once, and the log names the file and the next step; what may pass by itself is tried
  again. After mending, clear the task: twice is once.
* **A past day**: trigger the DAG and fill in the partition key, as in `2017-10-01`. A first load is
  one run with the last day as its key: it takes the whole history.
* **A range of days**: a backfill with *max active runs* 1, for each day takes what the day before
  left; with more (10 where the API is not told) its runs fail and say so. Its end is a moment, not
  a day: to include a day, end it on the next day at 00:00.
"""

from __future__ import annotations

from airflow.sdk import dag, task

import door


@dag(
    schedule=door.DAILY,
    params={"repin": door.REPIN},
    **door.policy(__doc__, "daily"),
)
def churn_ingest() -> None:
    """One task: it lands, validates and publishes in one bracket."""

    # a run by hand may stand beside a backfill's: of two that want the same files the ledger lets
    # one have them and the other is tried again, so no limit on tasks is needed here
    @task(outlets=[door.CANONICAL])
    def ingest() -> door.Told:
        """Land, validate and publish what was dropped up to the as_of."""
        from churn_ml import flow

        door.in_order()
        receipt = flow.ingest(door.house(), door.as_of(), repin=door.param("repin"))
        return door.hand_on(receipt, door.CANONICAL)

    ingest()


churn_ingest()
