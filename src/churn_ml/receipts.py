"""Receipts: what a step says it did, in counts and references.

Every step of the hall returns one receipt. The ledger stores it beside the wall clock, XCom and
`report.json` carry it, and the page shows it. It enters as plain values and leaves as plain JSON:
no rows, no customer ids, no clock.

Worked example: the ingest keyed 2017-10-01 read 1,000 order lines, put 3 into quarantine and left
out 12 without a customer; 985 were accepted.

>>> lines = TableCount("order_lines", rows_in=1000, rows_out=985, quarantined=3, excluded=12)
>>> receipt = Receipt("ingest", date(2017, 10, 1), "done", tables=(lines,), seconds=1.25)
>>> receipt.rows_in, receipt.rows_out, receipt.quarantined
(1000, 985, 3)
>>> Receipt.from_json(receipt.to_json()) == receipt
True
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from churn_ml.errors import BadInput


@dataclass(frozen=True)
class TableCount:
    """The rows of one table that a step took in, gave out, quarantined and excluded."""

    table: str
    rows_in: int
    rows_out: int
    quarantined: int = 0
    excluded: int = 0


@dataclass(frozen=True)
class Receipt:
    """What one step did for one as_of.

    `status` is one word: done, unchanged, no_champion, no_data, failed... `seconds` is how long it
    took. `versions` names what was published, table -> partition -> version; `details` holds
    further counts and references, never a customer id. `attempt` is the number of its fencing
    token: with step and as_of it is the `reference` that XCom carries and the page shows.
    """

    step: str
    as_of: date
    status: str
    tables: tuple[TableCount, ...] = ()
    seconds: float = 0.0
    versions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 0

    @property
    def reference(self) -> str:
        """What this receipt is called, wherever only its name travels.

        >>> Receipt("score", date(2017, 10, 1), "done", attempt=3).reference
        'score/2017-10-01/3'
        """
        return f"{self.step}/{self.as_of.isoformat()}/{self.attempt}"

    @property
    def counted(self) -> TableCount:
        """What the step counted, as one row: the sum over its tables.

        The tables of a scoring speak of the same customers and are not added up: all of the cohort
        go in, those under the contract come out, and the others are excluded.

        >>> people, scored = TableCount("cohort", 2446, 2446), TableCount("scores", 2036, 2036)
        >>> Receipt("score", date(2017, 10, 1), "done", tables=(people, scored)).counted
        TableCount(table='all', rows_in=2446, rows_out=2036, quarantined=0, excluded=410)
        """
        named = {count.table: count for count in self.tables}
        if {"cohort", "scores"} <= named.keys():
            people, scored = named["cohort"].rows_in, named["scores"].rows_out
            return TableCount("all", people, scored, excluded=people - scored)
        return TableCount(
            "all",
            sum(count.rows_in for count in self.tables),
            sum(count.rows_out for count in self.tables),
            sum(count.quarantined for count in self.tables),
            sum(count.excluded for count in self.tables),
        )

    @property
    def rows_in(self) -> int:
        """Rows taken in; see `counted`."""
        return self.counted.rows_in

    @property
    def rows_out(self) -> int:
        """Rows given out; see `counted`."""
        return self.counted.rows_out

    @property
    def quarantined(self) -> int:
        """Rows put into quarantine; see `counted`."""
        return self.counted.quarantined

    @property
    def excluded(self) -> int:
        """Rows left out; see `counted`."""
        return self.counted.excluded

    def in_words(self) -> str:
        """The receipt as one line a person reads; a step that counts no rows speaks of none.

        >>> day = date(2017, 10, 1)
        >>> Receipt("judge", day, "keep", seconds=0.62).in_words()
        'judge as of 2017-10-01: keep, 0.6 s'
        >>> people, scored = TableCount("cohort", 2446, 2446), TableCount("scores", 2036, 2036)
        >>> Receipt("score", day, "done", tables=(people, scored)).in_words()
        'score as of 2017-10-01: done, 2,446 customers, 2,036 scored, 410 outside the contract, ...'
        >>> Receipt("learn", day, "done", details={"watermark": "2017-11-01"}).in_words()
        'learn for 2017-11-01: outcomes of 2017-10-01: done, 0.0 s'
        """
        told = (self.status, *self._rows_in_words(), f"{self.seconds:.1f} s")
        day, known = self.as_of.isoformat(), self.details.get("watermark")
        about = f"for {known}: outcomes of {day}" if known else f"as of {day}"
        return f"{self.step} {about}: {', '.join(told)}"

    def _rows_in_words(self) -> list[str]:
        """What was counted, each count with its name; nothing where no rows were."""
        counted = self.counted
        if self.step == "export":
            return [f"{count.rows_out:,} changed in {count.table}" for count in self.tables]
        if self.step == "score" and self.tables:
            outside = f"{counted.excluded:,} outside the contract"
            return [f"{counted.rows_in:,} customers", f"{counted.rows_out:,} scored", outside]
        if not self.tables:
            return []
        aside = {"quarantined": counted.quarantined, "excluded": counted.excluded}
        told = [f"{count:,} {name}" for name, count in aside.items() if count]
        return [f"{counted.rows_in:,} rows in", f"{counted.rows_out:,} out", *told]

    def to_json(self) -> str:
        """The receipt as one line of JSON with sorted keys.

        Returns: text that `from_json` reads back to an equal receipt.

        >>> Receipt("score", date(2017, 10, 1), "no_champion").to_json()
        '{"as_of":"2017-10-01","attempt":0,"details":{},"seconds":0.0,"status":"no_champion",...}'
        """
        return json.dumps(
            asdict(self) | {"as_of": self.as_of.isoformat()}, sort_keys=True, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """The receipt that `to_json` wrote as `text`.

        Raises: BadInput where the text is not a receipt.

        >>> Receipt.from_json('{"step": "score"}')
        Traceback (most recent call last):
        ...
        churn_ml.errors.BadInput: this is not a receipt | got: KeyError: 'as_of' | expected: ...
        """
        try:
            fields = json.loads(text)
            fields["as_of"] = date.fromisoformat(fields["as_of"])
            fields["tables"] = tuple(TableCount(**count) for count in fields["tables"])
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(
                "this is not a receipt",
                got=f"{type(error).__name__}: {error}",
                expected="the JSON that Receipt.to_json writes",
            ) from error


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule said of the lots of a table; `rule` is the table's name for all it accepted.

    `rows` of `of_rows` broke it, in `lots` lots; `worst_share` is the share of the lot with most,
    `tolerance` the share allowed (None where the rule stops nothing).
    """

    table: str
    rule: str
    severity: str
    verdict: str
    rows: int
    of_rows: int
    lots: int
    worst_lot: str | None
    worst_share: float
    tolerance: float | None
    passed: bool
