"""The lake: the only room that opens it, and the place where time is cut.

Enters: `pyarrow.Table`s, one partition at a time. Leaves: `ibis.Table`s on DuckDB, made of exactly
the partition versions that the ledger published. A killed or overtaken attempt may leave commits
that nobody published: readers never see them, because they ask for versions by name.

A table is a Delta table partitioned by `ingest_key` (canonical) or `as_of` (derived). A write
replaces one partition in one commit. Vacuum is never called and the log never expires: every
published version stays readable.

    place.py      where a lake lies
    content.py    what rows say, as one hash
    conform.py    rows made to fit the schema of their table, sorted, or refused
    handle.py     the fence: one attempt's right to replace a partition
    commits.py    which files a partition had at a version
    spill.py      DuckDB, and room for what does not fit into memory
    lake.py       Warehouse: handle, replace, read
    validity.py   the newest row of each key

Worked example: the ingest keyed 2017-10-01 brings one order, placed on 2017-09-30. It became known
on 2017-10-01 at 00:00, so it counts as of 2017-10-01 but not as of 2017-09-30.

>>> import pyarrow as pa, tempfile
>>> from datetime import date, datetime
>>> from decimal import Decimal
>>> from churn_ml.tables import table
>>> order = {"order_id": "o1", "customer_id": "h1", "status": "completed", "currency": "USD",
...          "net_amount": Decimal("12.50"), "occurred_at": datetime(2017, 9, 30, 17),
...          "day": date(2017, 9, 30), "known_at": datetime(2017, 10, 1), "known_from": "drop",
...          "lot": "5d1c", "lot_row": 1}
>>> orders = pa.Table.from_pylist([order], table("orders").schema()).drop_columns(["ingest_key"])
>>> warehouse = Warehouse(tempfile.mkdtemp())
>>> written = warehouse.replace(warehouse.handle("orders"), date(2017, 10, 1), orders)
>>> published = {"2017-10-01": written.version}
>>> for as_of in (date(2017, 9, 30), date(2017, 10, 1)):
...     print(warehouse.read("orders", published, as_of=as_of).count().to_pyarrow().as_py())
0
1
"""

from churn_ml.warehouse.conform import Rows
from churn_ml.warehouse.content import content_hash
from churn_ml.warehouse.handle import Handle, Written
from churn_ml.warehouse.lake import Versions, Warehouse
from churn_ml.warehouse.validity import latest

__all__ = ["Handle", "Rows", "Versions", "Warehouse", "Written", "content_hash", "latest"]
