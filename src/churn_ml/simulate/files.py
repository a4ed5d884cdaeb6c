"""A synthetic shop as files: what a shop would drop, the churn.toml for it, and the truth beside.

Enters: a plan and an empty folder. Leaves in it: `drops/TABLE/drop=DAY/TABLE.parquet` for every
canonical table, `churn.toml`, `planted.csv` (who was planted with what, from when: no source reads
it) and `SYNTHETIC.txt`. Every file says that it is synthetic. The same plan writes the same bytes.

Worked example: a shop that ends on 2018-01-01 drops its whole history on that day; each row tells
when it was known, so that its ingest as of 2018-01-01 serves every earlier day, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml.errors import BadInput
from churn_ml.simulate.shop import Plan, Shop
from churn_ml.tables import SOURCE_TABLES, table

if TYPE_CHECKING:
    from churn_ml.simulate.scenarios import Scenario

ROW_GROUP = 200_000
TRUTH = "planted.csv"
NOTE = "SYNTHETIC.txt"
SAID = "synthetic: made up by churn-ml simulate shop; no customer, order or effect is real"

_HEAD = """# {said}.
# {customers:,} customers, {days} days up to {ends}, seed {seed}; planted: {planted}.
# No figure of quality may be taken from it. Who is planted with what stands in planted.csv.
# Each table is mapped as it is called; what is not said here has its default.

[shop]
name = "Synthetic shop"
currency = "EUR"

[contract]                      # churned: no order in 45 days
name = "synthetic45"
lookback_days = 90
horizon_days = 45
min_orders = 2

[holdout]
share = 0.1                     # drawn by a keyed hash; the key is in CHURN_ML_HOLDOUT_KEY

[[offers]]
code = "REMINDER"
label = "What is new in your categories"
channel = "email"
contact_amount = 0.02
save_rate = 0.06

[[offers]]
code = "VOUCHER_10"
label = "10 EUR off the next order"
channel = "email"
cost_amount = 10.0
contact_amount = 0.02
redeem_share = 0.7
save_rate = 0.25

[destinations.crm_file]         # writing a file contacts nobody
kind = "file"
target = "exports"
first_load = "send"             # nobody is asked before the first export
ask_above = 2.0                 # nor where a month changes nearly every row
"""
_SECTION = """
[sources.{table}]
files = "drops/{table}/drop=*/*.parquet"
known_at = "known_at"
[sources.{table}.columns]
"""


def write(
    plan: Plan, folder: Path, *, say: Callable[[str], None], memory_limit: str = "1GB"
) -> dict[str, int]:
    """Write the shop of `plan` into `folder`, which is made where it is not there.

    Returns the rows by table. Raises BadInput where the folder holds something.

    >>> folder = Path(tempfile.mkdtemp())
    >>> write(Plan(customers=3), folder, say=lambda line: None)["customers"]
    3
    >>> sorted(path.name for path in folder.iterdir())
    ['SYNTHETIC.txt', 'churn.toml', 'drops', 'planted.csv']
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(
            f"{folder} is not empty: nothing is written into it",
            expected="an empty folder, or one that is not there yet",
            next_step="name another folder, or empty this one",
        )
    folder.mkdir(parents=True, exist_ok=True)
    rows, sections = {}, [_head(plan)]
    with (
        tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as spill,
        Shop(plan, memory_limit=memory_limit, spill=spill) as shop,
    ):
        for name in SOURCE_TABLES:
            rows[name] = _drop(shop, name, folder)
            sections.append(_section(name, shop.told(name)))
            say(f"  {name}: {rows[name]:,} synthetic rows")
        _truth(shop, folder)
    (folder / "churn.toml").write_text("".join(sections), encoding="utf-8")
    (folder / NOTE).write_text(f"{SAID}.\n", encoding="utf-8")
    return rows


def _drop(shop: Shop, name: str, folder: Path) -> int:
    """Write one table as one file, in the order of its times; returns its rows."""
    told, key = shop.told(name), ", ".join(table(name).key)
    place = folder / "drops" / name / f"drop={shop.plan.ends.isoformat()}"
    place.mkdir(parents=True)
    columns = ", ".join(f'"{column}"' for column in told)
    query = f"select {columns} from ({shop.as_of(name, shop.plan.ends).query})"
    target = str(place / f"{name}.parquet").replace("'", "''")
    (written,) = shop.connection.execute(
        f"copy ({query} order by occurred_at, {key}) to '{target}' (format parquet,"
        f" compression zstd, row_group_size {ROW_GROUP}, kv_metadata {{synthetic: '{SAID}'}})"
    ).fetchall()
    return int(written[0])


def _truth(shop: Shop, folder: Path) -> None:
    """Write who is planted with what; the first column of every row says what it is."""
    from pyarrow import csv

    found = shop.planted()
    marked = found.append_column("about", [["synthetic"] * found.num_rows])
    csv.write_csv(marked, folder / TRUTH)


def _head(plan: Plan) -> str:
    return _HEAD.format(
        said=SAID,
        customers=plan.customers,
        days=plan.days,
        ends=plan.ends,
        seed=plan.seed,
        planted=", ".join(_words(one) for one in plan.scenarios) or "nothing",
    )


def _words(one: Scenario) -> str:
    return f"{one.name} ({one.share:.0%})"


def _section(name: str, told: list[str]) -> str:
    mapped = [f'{column} = "{column}"' for column in told if column != "known_at"]
    return _SECTION.format(table=name) + "\n".join(mapped) + "\n"
