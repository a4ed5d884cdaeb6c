"""How fast an export fills a Tryton server: customers who are new there, and all of them changed.

    python benchmarks/tryton.py --rows 5000
    python benchmarks/tryton.py --rows 20000 --json

Starts PostgreSQL and trytond on this machine, as the tests do (their first start takes a minute),
and exports synthetic customers the whole way: payload, plan and acknowledgement in a ledger, and
the destination as churn.toml opens it. Then every customer changes segment, and reconcile reads all
of them back. Seconds depend on the machine and on what else it does: beside them stand the load and
the processor's seconds of the exporter and of both servers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.crm.tryton.server import Server, running

from churn_ml import crm
from churn_ml.bench.export import DAY, SCORE_STEP, customers, later_of
from churn_ml.config import from_text
from churn_ml.ledger import Ledger

CHURN_TOML = """
shop = {name = "the benchmark", currency = "EUR"}
[destinations.erp]
kind = "tryton"
connection = "erp"
test_host = true
"""


def measure(rows: int) -> dict[str, Any]:
    """Rows a second of each step, with the processor's milliseconds a row on both sides."""
    tables = customers(rows)
    with running() as server, tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.sqlite")
        means = crm.Means("the benchmark", {"erp": server.url})
        target = crm.open_destination("erp", from_text(CHURN_TOML), means=means)
        guard = crm.Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))
        outbox = crm.Outbox(target, ledger, guard, clock=lambda: datetime.now(UTC))

        def export(frames: Any, day: int) -> Callable[[], int]:
            as_of = DAY + timedelta(days=day)
            held = (frames[name] for name in ("scores", "segments", "actions"))
            desired = crm.rows(*held, as_of=as_of, tau=0.0, score_step=SCORE_STEP)
            return lambda: outbox.export(desired, as_of).sent

        def reconcile() -> int:
            found = crm.reconciled(target.holds(), ledger.state("erp"), delivers=False)
            assert found.whole, f"{len(found.doubtful)} of {rows} differ"
            return found.agreeing

        told = {
            "new": _timed(export(tables, 0), rows, server),
            "changed": _timed(export(later_of(tables, rows), 1), rows, server),
            "reconciled": _timed(reconcile, rows, server),
        }
    return {"rows": rows, "load": round(os.getloadavg()[0], 1), **told}


def _timed(step: Callable[[], int], rows: int, server: Server) -> dict[str, float]:
    began, ours, theirs = time.monotonic(), time.process_time(), server.seconds()
    done = step()
    assert done == rows, f"{done} rows of {rows}"
    wall = time.monotonic() - began
    return {
        "rows_per_s": round(rows / wall),
        "exporter_cpu_ms_a_row": round(1000 * (time.process_time() - ours) / rows, 2),
        "servers_cpu_ms_a_row": round(1000 * (server.seconds() - theirs) / rows, 2),
    }


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=5000)
    asked.add_argument("--json", action="store_true")
    wanted = asked.parse_args()
    told = measure(wanted.rows)
    if wanted.json:
        print(json.dumps(told))
        return
    print(f"{told['rows']:,} customers, load {told['load']}")
    for step in ("new", "changed", "reconciled"):
        of = told[step]
        print(
            f"{step}: {of['rows_per_s']:,} rows/s; processor ms a row:"
            f" {of['exporter_cpu_ms_a_row']} exporter, {of['servers_cpu_ms_a_row']} servers"
        )


if __name__ == "__main__":
    main()
