"""A first churn.toml from the headers of a folder of files, for a person to read and correct.

Enters: a folder with CSV, JSON lines or Parquet files. Leaves: the text of a churn.toml that
`config.from_text` accepts, with a glob and a column mapping per table that was recognised by its
name or header, and a comment wherever it is a guess. Nothing of the files is shown but column
names, currency codes and status words.

Worked example: `export/sales_2017-10.csv` with `invoice_no, client, date, total, state` becomes
`[sources.orders]` with `files = "export/sales_*.csv"`, `order_id = "invoice_no"` and so on; no
column looks like a currency, so the constant EUR is written with the comment "a guess".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from churn_ml import config
from churn_ml.sources import grouped
from churn_ml.sources.closing import CLOSING
from churn_ml.sources.guesses import column_of, status_of, table_of
from churn_ml.sources.looks import Looks, looks_of
from churn_ml.sources.samples import Sample, samples_of
from churn_ml.tables import SOURCE_TABLES, Column, table

_ORDER = ("order_id", "customer_id", "occurred_at", "net_amount")
_CONSTANTS = {"status": "completed", "purpose": "contact", "quantity": "1"}


def propose(folder: Path) -> str:
    """The text of a churn.toml for the files below `folder`; paths in it are relative to `folder`.

    Raises BadInput where there is no file to read.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "sales_2017-10.csv").write_text("invoice_no,client,date\\n1,h1,2017-10-01\\n")
    >>> print(propose(folder))
    # A first churn.toml for ...
    files = "sales_[0-9]*.csv"...
    order_id = "invoice_no"
    customer_id = "client"
    occurred_at = "date"...
    """
    samples = samples_of(folder)
    named = _named(samples)
    currency, sure = _currency(named)
    parts = [
        _opening(folder, currency, sure),
        *(_section(name, named[name], currency) for name in SOURCE_TABLES if name in named),
        *_orders_of_lines(named, currency),
        _unused(samples, named),
        CLOSING,
    ]
    text = "\n".join(part for part in parts if part)
    config.from_text(text)
    return text


def _named(samples: list[Sample]) -> dict[str, Sample]:
    """The table that each group of files looks like: by its path, else by its header."""
    named: dict[str, Sample] = {}
    for sample in samples:
        if sample.columns and (name := table_of(sample.pattern, named)) is not None:
            named[name] = sample
    for sample in samples:
        if sample.columns and sample not in named.values() and (name := _by_header(sample, named)):
            named[name] = sample
    return named


def _by_header(sample: Sample, taken: dict[str, Sample]) -> str | None:
    """The free table whose needs are in the header, with the most of its other columns beside."""
    told = {
        name: {c.name for c in table(name).mapped if column_of(name, c.name, sample.columns)}
        for name in SOURCE_TABLES
        if name not in taken
    }
    fits = [name for name in told if _needs_of(name) <= told[name]]
    return max(fits, key=lambda name: len(told[name]), default=None)


def _needs_of(name: str) -> set[str]:
    """The columns of its key, and the required ones, that no default stands in for."""
    spec = table(name)
    stands_in = {*_CONSTANTS, "currency"} - {*spec.key}
    needed = {*spec.key, *(c.name for c in spec.mapped if c.required and c.name != "occurred_at")}
    return {c for c in needed - stands_in if spec.column(c).default is None}


def _currency(named: dict[str, Sample]) -> tuple[str, bool]:
    """The commonest currency code in the samples, and whether one was seen at all."""
    codes: Counter[str] = Counter()
    for name, sample in named.items():
        if column := column_of(name, "currency", sample.columns):
            codes.update(v for v in sample.columns[column] if re.fullmatch(r"[A-Z]{3}", v))
    return (codes.most_common(1)[0][0], True) if codes else ("EUR", False)


def _opening(folder: Path, currency: str, sure: bool) -> str:
    guess = "" if sure else "   # a guess: no column holds currency codes"
    return f"""\
# A first churn.toml for {_one_line(folder.resolve().name)}:
# read it, correct it, put it into that folder, then run: churn-ml config check
# Left of each mapping stands our column, right of it yours. "a guess" marks what needs your eyes.

[shop]
name = {_toml(folder.resolve().name)}
currency = "{currency}"{guess}
time_zone = "UTC"               # a guess: where your days begin, such as Europe/Berlin; times
                                # of files that tell no zone are read in it

[contract]                      # churned: no order in horizon_days
name = "gone90"
lookback_days = 180
horizon_days = 90
"""


def _section(name: str, sample: Sample, currency: str) -> str:
    """`[sources.TABLE]` with its glob, how its values read, constants and mapping."""
    columns = list(table(name).mapped)
    found = {c.name: their for c in columns if (their := column_of(name, c.name, sample.columns))}
    looks = looks_of({c: sample.columns[found[c.name]] for c in columns if c.name in found})
    computed = grouped.amount(name, found)
    lines = [
        f"[sources.{name}]   # files: {sample.files}",
        f"files = {_toml(sample.pattern)}",
        *([] if "drop=" in sample.pattern or "occurred_at" in found else [_undated(name)]),
        *looks.settings(sample.encoding),
        *_constants(columns, found, currency),
        f"[sources.{name}.columns]",
        *(_mapped(c, found[c.name], looks) for c in columns if c.name in {*found} - {*computed}),
        *_missing(columns, found),
        *grouped.section(name, computed),
        *_status(name, found, sample),
    ]
    return "\n".join(lines) + "\n"


def _orders_of_lines(named: dict[str, Sample], currency: str) -> Iterator[str]:
    """`[sources.orders]` as groups of the lines, where there are lines and no orders."""
    if "orders" in named or "order_lines" not in named:
        return
    sample = named["order_lines"]
    text = grouped.orders(sample, currency)
    if text:
        yield text


def _toml(text: str) -> str:
    """`text` as a TOML string."""
    return json.dumps(text, ensure_ascii=False)


def _one_line(text: str) -> str:
    """`text` fit for a comment, whatever a header holds."""
    return " ".join(text.split())[:300]


def _undated(name: str) -> str:
    """What dates rows; only versions, never events, may all be given the same day."""
    told = "# nothing dates these rows: put each delivery into a folder drop=YYYY-MM-DD, or map"
    held = '# or, where they have always held: constants = { occurred_at = "2017-01-01" }'
    return (
        f"{told} occurred_at,\n{held}"
        if "occurred_at" in table(name).key
        else f"{told} occurred_at"
    )


def _constants(columns: list[Column], found: dict[str, str], currency: str) -> Iterator[str]:
    """Constants for required columns that every shop knows without a column."""
    known = _CONSTANTS | {"currency": currency}
    values = {
        c.name: known[c.name]
        for c in columns
        if c.required and c.name not in found and c.name in known
    }
    if values:
        told = ", ".join(f"{name} = {_toml(value)}" for name, value in values.items())
        yield f"constants = {{ {told} }}   # a guess: no column looks like it"


def _mapped(column: Column, their: str, looks: Looks) -> str:
    """One line of the mapping, with a comment where the values do not look as they should."""
    line = f"{column.name} = {_toml(their)}"
    doubt = looks.doubts.get(column.name)
    return f"{line}   # a guess: some values are not {doubt}" if doubt else line


def _missing(columns: list[Column], found: dict[str, str]) -> Iterator[str]:
    """A comment for each column that nothing was found for; the required ones marked."""
    for column in columns:
        if column.name in found or (column.required and column.name in {*_CONSTANTS, "currency"}):
            continue
        if column.name == "occurred_at":
            yield "# occurred_at = ?   # without it a row counts from the day it was dropped"
        elif column.required:
            yield f"# {column.name} = ?   # REQUIRED, and no column looks like it: {column.meaning}"
        else:
            yield f"# {column.name} = ?   # {column.meaning}"


def _status(name: str, found: dict[str, str], sample: Sample) -> Iterator[str]:
    """The translation of the shop's status words, where there are some."""
    if name != "orders" or "status" not in found:
        return
    words = sorted({v for v in sample.columns[found["status"]] if v})[:20]
    theirs = [word for word in words if word not in {"completed", "cancelled", "returned"}]
    if theirs:
        yield "[sources.orders.values.status]   # your word = completed, cancelled or returned"
    for word in theirs:
        ours = status_of(word)
        line = f"{_toml(word)} = {_toml(ours or 'completed')}"
        yield line if ours else f"{line}   # a guess"


def _unused(samples: list[Sample], named: dict[str, Sample]) -> str:
    """Comments about files that no table claims, and about orders that nothing looks like."""
    lines = []
    if not {"orders", "order_lines"} & set(named):
        lines += ["# REQUIRED: no file looks like orders; write it by hand (docs/tables.md):"]
        lines += ["# [sources.orders]", '# files = "YOUR_FILE.csv"', "# [sources.orders.columns]"]
        lines += [f'# {name} = "THEIRS"' for name in _ORDER]
    for sample in samples:
        if sample not in named.values():
            told = _one_line(", ".join(sample.columns)) or "not readable"
            lines.append(f"# not used: {sample.pattern} ({told})")
    return "\n".join(lines) + "\n" if lines else ""
