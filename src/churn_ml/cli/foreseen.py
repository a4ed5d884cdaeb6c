"""A dry run of an export on the screen, in a file, or as JSON: what would change, and for whom.

Enters: what `flow.foresee` shows of each destination. Leaves: counts, what stands in the way and
the first rows of each kind; every row where a file or JSON is asked for. Worked example: as of
2017-11-01 the screen says that `h1` would be moved from SILENT to LOST in `crm`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import typer

from churn_ml.cli.judged import draw
from churn_ml.cli.typed import here
from churn_ml.errors import BadInput
from churn_ml.grid import Grid, grid

if TYPE_CHECKING:
    from churn_ml.crm import Change
    from churn_ml.crm.protocol import Cell
    from churn_ml.flow.foreseeing import Shown
    from churn_ml.ledger import Approval

SHOWN = 5
"""Rows of each kind on the screen, where nobody asks for more or fewer."""
WIDEST = 40
"""Characters of a value on the screen; a file and JSON hold it whole."""
HEADER = ("destination", "customer_id", "change", "why", "field", "before", "after")
_FIRST = ("segment", "offer", "arm", "score", "value_at_risk", "cause")
"""What the screen says of a customer who is created or removed."""
_BESIDE = ("model", "threshold", "evidence", "named_segments")
"""Fields that make no change of their own: told on the screen where nothing else is."""


def pairs(fields: Mapping[str, tuple[Cell, Cell]]) -> str:
    """Fields with the value on either side, in one line.

    >>> pairs({"segment": ("NEW", "LOST"), "cause": ("FX", None)})
    'segment: NEW -> LOST; cause: FX -> nothing'
    """
    return "; ".join(f"{name}: {_cell(a)} -> {_cell(b)}" for name, (a, b) in fields.items())


class Screen:
    """Where the rows of a dry run go: to the screen, into a file, or into JSON.

    `limit`: rows of each kind, None where nobody said: SHOWN on the screen, all in JSON; 0 is all.
    `rows`: a new file for every row. Raises BadInput where it is there already, BadParameter where
    either is asked for without a dry run.
    """

    def __init__(
        self, limit: int | None, rows: Path | None, *, as_json: bool, dry_run: bool
    ) -> None:
        if not dry_run and (limit is not None or rows is not None):
            raise typer.BadParameter("go with --dry-run only", param_hint="--limit and --rows")
        self._as_json, self._told = as_json, dict[str, Any]()
        self._limit = None if limit == 0 or (limit is None and as_json) else limit or SHOWN
        self._parts: list[Grid | str | None] = []
        self._file = Rows(rows) if rows else None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the file."""
        if self._file:
            self._file.close()

    def take(self, shown: Shown) -> None:
        """Take what would change at one destination, and what stands in the way."""
        self._parts += [] if self._as_json else lines(shown)
        self.rows_of(shown)

    def rows_of(self, shown: Shown) -> None:
        """Take the rows alone."""
        if self._as_json:
            self._told[shown.destination] = as_told(shown, self._limit)
        else:
            rest = _rest(shown, self._limit)
            self._parts += [table(shown.changes(self._limit)), rest]
        if self._file:
            self._file.take(shown.destination, shown.changes(None))

    def show(self, head: str, told: Mapping[str, Any]) -> None:
        """Print all that was taken, below `head`; in JSON beside `told`, as `plans`."""
        if self._as_json:
            plans = {"plans": self._told} if self._told else {}
            print(json.dumps({**told, **plans}, default=str))
            return
        for part in (head, *self._parts):
            if isinstance(part, str):
                print(here(part))  # not wrapped: it may hold a command to copy
            else:
                draw([part])
        if self._file:
            print(f"{self._file.count:,} rows are in {self._file.path}")


def lines(shown: Shown) -> Iterator[str]:
    """What would change at one destination, in counts, and what stands in its way."""
    from churn_ml.crm.radius import LEAST

    creates, updates, removals = (f"{count:,}" for count in shown.kinds.values())
    sends = shown.kinds["create"] + shown.kinds["update"]
    yield (
        f"\n{shown.destination}: would {'ask about' if shown.asks else 'send'} {sends:,}"
        f" ({creates} to create, {updates} to update), remove {removals},"
        f" leave {shown.unchanged:,}"
    )
    held = f"{shown.of_rows:,} customers it holds would change" if shown.share is not None else ""
    share = f"{100 * (shown.share or 0):.1f} % of the {held}" if held else "it holds nobody yet"
    rule = f"above {100 * shown.ask_above:g} % of what it holds, from {LEAST} rows on"
    yield f"  {share}; a person is asked {rule}{_first_load(shown)}"
    if shown.older:
        yield f"  nothing of {shown.older:,} rows: a newer date was sent there already"
    if shown.resumed:
        yield f"  first of them the {shown.resumed:,} rows that an earlier export left"
    yield from _in_the_way(shown)


def table(changes: Iterable[Change]) -> Grid | None:
    """The rows with what changes in words; None where there are none."""
    told = ((one.kind, one.customer_id, in_words(one)) for one in changes)
    return grid("", ("change", "customer", "what"), told)


def in_words(change: Change) -> str:
    """What changes of one customer: each field with its former and its new value.

    >>> from churn_ml.crm import Change
    >>> in_words(Change("h1", "update", {"segment": ("NEW", "LOST"), "score": (.2, .6)}))
    'segment: NEW -> LOST; score: 0.2 -> 0.6'
    >>> in_words(Change("h2", "remove", {"segment": ("NEW", None)}, "suppressed"))
    'held: segment NEW (suppressed)'
    """
    fields, why = change.fields, f" ({change.why})" if change.why else ""
    if change.kind != "update":
        at = 0 if change.kind == "remove" else 1
        known = {name: fields[name][at] for name in _FIRST if name in fields}
        told = ", ".join(
            f"{name} {_cell(cell)}" for name, cell in known.items() if cell is not None
        )
        return f"{'held: ' if at == 0 and told else ''}{told or 'nothing known of it'}{why}"
    shown = {name: pair for name, pair in fields.items() if name not in _BESIDE} or fields
    return f"{pairs(shown) or 'as it was told before'}{why}"


def records(shown: Shown, limit: int | None) -> list[dict[str, Any]]:
    """The rows as they stand in JSON."""
    told = (asdict(one) for one in shown.changes(limit))
    return [{**one, "fields": {k: list(v) for k, v in one["fields"].items()}} for one in told]


def as_told(shown: Shown, limit: int | None) -> dict[str, Any]:
    """All that is shown of one destination, for JSON."""
    counts = ("kinds", "unchanged", "older", "of_rows", "share", "ask_above", "at_once", "resumed")
    told: dict[str, Any] = {name: getattr(shown, name) for name in (*counts, "lacks")}
    for name in ("asks", "stop", "waiting", "answer"):
        found = getattr(shown, name)
        told[name] = asdict(found) if found else None
    return told | {"changes": records(shown, limit)}


def _first_load(shown: Shown) -> str:
    return "" if shown.of_rows or not shown.asks else ", and before a first load"


def _rest(shown: Shown, limit: int | None) -> str | None:
    """How many rows are not on the screen, and how to see them."""
    rest = 0 if limit is None else sum(max(0, n - limit) for n in shown.kinds.values())
    return f"  and {rest:,} more: --limit 0, or --rows FILE.csv" if rest else None


class Rows:
    """A CSV file that takes the rows of one destination after the other, a line a changed field.

    It is safe to open in a spreadsheet: text that would run as a formula has an apostrophe before.
    Raises: BadInput where the file is there already, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        try:
            self._file = path.open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise BadInput(
                "cannot make the file for the rows",
                where=str(path),
                got=type(error).__name__,
                next_step="name a new file in a folder that is there: --rows FILE.csv",
            ) from error
        self._lines = csv.writer(self._file)
        self._lines.writerow(HEADER)

    def take(self, destination: str, changes: Iterable[Change]) -> None:
        """Write the rows."""
        from churn_ml.crm.file_rows import safe

        for one in changes:
            self.count += 1
            head = [safe(cell) for cell in (destination, one.customer_id, one.kind, one.why)]
            fields: Mapping[str, Sequence[Cell]] = one.fields or {"": (None, None)}
            for name, (before, after) in fields.items():
                self._lines.writerow([*head, name, safe(before), safe(after)])

    def close(self) -> None:
        """End the file."""
        self._file.close()


def _in_the_way(shown: Shown) -> Iterator[str]:
    """A stop, a question, or an answer: one line each, with what lifts it."""
    name, asks, waiting = shown.destination, shown.asks, shown.waiting
    if shown.lacks:
        yield f"  an export could not send it: {shown.lacks}"
    if shown.stop:
        lifts = f"churn-ml export allow{shown.stop.named}"
        yield f"  {shown.stop.in_words()}; nothing goes there until: {lifts}"
    if shown.at_once and asks:
        yield f"  {shown.at_once:,} of the removals go at once: who may not be told about any more"
    if asks and asks.refused:
        by = f", by {shown.answer.who}" if shown.answer else ""
        yield f"  kept back after a no{by}; the export of another day asks anew"
    elif asks:
        yield f"  a person has to say yes first to plan {asks.plan_id}"
    elif shown.answer:
        yield f"  plan {shown.answer.plan_id} was approved by {shown.answer.who}: it would be sent"
    if waiting and (asks is None or waiting.plan_id != asks.plan_id):
        yield f"  {_other(waiting)}"
    elif waiting:
        yield f"  it waits already: churn-ml export approve {name} --plan {waiting.plan_id}"


def _other(waiting: Approval) -> str:
    at = f"{waiting.asked_at:%Y-%m-%d %H:%M} UTC"
    return f"another plan, {waiting.plan_id} as of {waiting.as_of}, waits for an answer since {at}"


def _cell(cell: Cell) -> str:
    """A value on the screen, cut where it is long.

    >>> _cell(None), _cell(50.0), _cell("x" * 50)
    ('nothing', '50', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    if cell is None:
        return "nothing"
    told = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    return told if len(told) <= WIDEST else f"{told[: WIDEST - 1]}…"
