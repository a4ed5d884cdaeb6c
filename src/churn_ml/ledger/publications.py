"""Publications: what is visible, and from what it was made.

A step takes a token before it does anything else (tokens.py). Publishing is one transaction: it
checks that no newer token was taken, replaces the former publication of the same (step, as_of), and
files the receipt. What is not published does not exist for a reader, whatever the lake holds.

Worked example: attempt 1 of `score` as of 2017-10-01 hangs, attempt 2 takes token 2 and publishes.
When attempt 1 wakes up, its publication is refused as StaleAttempt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, select

from churn_ml.errors import BrokenPromise
from churn_ml.ledger.database import Database, canonical_json, remember_shop, stored
from churn_ml.ledger.lots import claim_lots
from churn_ml.ledger.receipts import file_receipt
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import PARTITIONS, PUBLICATIONS
from churn_ml.ledger.tokens import Token, check_token
from churn_ml.receipts import Receipt

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from churn_ml.warehouse import Versions, Written


@dataclass(frozen=True)
class Publication:
    """What (step, as_of) made visible, from what, and what a re-run must use again."""

    step: str
    as_of: date
    token: int
    written: Versions
    inputs: Versions
    pins: Mapping[str, Any] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


class Publications(Database):
    """The part of the ledger that readers of the lake go through."""

    def publish(
        self,
        token: Token,
        *,
        receipt: Receipt,
        at: datetime,
        caller: str | None = None,
        written: Sequence[Written] = (),
        inputs: Versions | None = None,
        pins: Mapping[str, Any] | None = None,
        lots: Iterable[tuple[str, str]] = (),
        shop: tuple[str, str] | None = None,
    ) -> Publication:
        """Make what this attempt wrote visible, all of it at once, and file its receipt.

        `written` are the partitions, at most one a table; `inputs` the versions that were read;
        `pins` what a re-run must use again (model, config hash, contract...), as JSON values;
        `lots` the (table, sha256) pairs that an ingest claims; `shop` the currency and time zone
        that it wrote in, which the first one settles. `at` is the wall clock, aware;
        `caller` who asked, kept beside the receipt. The former publication of the same step and
        as_of is replaced.

        Raises: StaleAttempt where a newer token was taken, BrokenPromise where another step owns
        one of the partitions.
        """
        publication = _publication(token, written, inputs or {}, pins or {})
        with self.writing() as connection:
            check_token(connection, token)
            _replace_partitions(connection, token, written)
            row = {
                "step": token.step,
                "as_of": token.as_of,
                "token": token.number,
                "inputs": canonical_json(publication.inputs),
                "pins": canonical_json(publication.pins),
                "published_at": stored(at),
            }
            upsert(connection, PUBLICATIONS, [row], update=list(row))
            claim_lots(connection, lots, token.as_of)
            if shop:
                remember_shop(connection, shop)
            file_receipt(connection, receipt, token, at, caller)
        return publication

    def publication(self, step: str, as_of: date) -> Publication | None:
        """What (step, as_of) published last, or None."""
        mine = and_(PUBLICATIONS.c.step == step, PUBLICATIONS.c.as_of == as_of)
        with self.reading() as connection:
            row = connection.execute(select(PUBLICATIONS).where(mine)).one_or_none()
            return None if row is None else _read(connection, row)

    def newest(self, step: str, *, upto: date | None = None) -> Publication | None:
        """The publication of `step` with the latest as_of, at most `upto`; or None."""
        query = select(PUBLICATIONS).where(PUBLICATIONS.c.step == step)
        if upto is not None:
            query = query.where(PUBLICATIONS.c.as_of <= upto)
        with self.reading() as connection:
            row = connection.execute(query.order_by(PUBLICATIONS.c.as_of.desc())).first()
            return None if row is None else _read(connection, row)

    def versions(
        self, tables: Iterable[str], *, upto: date | None = None
    ) -> dict[str, dict[str, int]]:
        """The published partitions of `tables`, at most `upto`, each with its version.

        Returns: table -> "YYYY-MM-DD" -> version; a table without any gets an empty mapping.
        """
        found: dict[str, dict[str, int]] = {name: {} for name in tables}
        query = select(PARTITIONS).where(PARTITIONS.c.table_name.in_(list(found)))
        if upto is not None:
            query = query.where(PARTITIONS.c.partition <= upto)
        with self.reading() as connection:
            for row in connection.execute(query.order_by(PARTITIONS.c.partition)):
                found[row.table_name][row.partition.isoformat()] = row.version
        return found

    def contents(self) -> dict[str, dict[str, str]]:
        """The content hash of every published partition: table -> "YYYY-MM-DD" -> sha256.

        Two installations that were told the same have the same contents, whatever database,
        versions and attempts it took.

        >>> from churn_ml.ledger import Ledger
        >>> Ledger.open("sqlite://").contents()
        {}
        """
        found: dict[str, dict[str, str]] = {}
        query = select(PARTITIONS).order_by(PARTITIONS.c.table_name, PARTITIONS.c.partition)
        with self.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.table_name, {})[row.partition.isoformat()] = row.content_hash
        return found


def _publication(
    token: Token, written: Sequence[Written], inputs: Versions, pins: Mapping[str, Any]
) -> Publication:
    """The publication as `publication()` will read it back: JSON values throughout."""
    names = [one.table for one in written]
    if len(set(names)) != len(names):
        raise BrokenPromise("a step publishes two partitions of one table", where=token.step)
    return Publication(
        token.step,
        token.as_of,
        token.number,
        {one.table: {one.partition.isoformat(): one.version} for one in written},
        json.loads(canonical_json(inputs)),
        json.loads(canonical_json(pins)),
        {one.table: one.content_hash for one in written},
    )


def _replace_partitions(connection: Connection, token: Token, written: Sequence[Written]) -> None:
    """Take the former publication's partitions out and put `written` in."""
    former = and_(PARTITIONS.c.step == token.step, PARTITIONS.c.as_of == token.as_of)
    connection.execute(delete(PARTITIONS).where(former))
    for one in written:
        place = and_(PARTITIONS.c.table_name == one.table, PARTITIONS.c.partition == one.partition)
        other = connection.execute(select(PARTITIONS).where(place)).first()
        if other is not None:
            raise BrokenPromise(
                f"table {one.table}, partition {one.partition.isoformat()}, has two owners",
                where="ledger",
                got=token.step,
                expected=f"{other.step} as of {other.as_of.isoformat()}",
            )
        connection.execute(insert(PARTITIONS), [_partition(token, one)])


def _partition(token: Token, one: Written) -> dict[str, Any]:
    return {
        "table_name": one.table,
        "partition": one.partition,
        "step": token.step,
        "as_of": token.as_of,
        "version": one.version,
        "row_count": one.rows,
        "content_hash": one.content_hash,
    }


def _read(connection: Connection, row: Row[Any]) -> Publication:
    """The publication of a stored row, with the partitions that belong to it."""
    mine = and_(PARTITIONS.c.step == row.step, PARTITIONS.c.as_of == row.as_of)
    parts = connection.execute(select(PARTITIONS).where(mine).order_by(PARTITIONS.c.table_name))
    written, hashes = {}, {}
    for part in parts:
        written[part.table_name] = {part.partition.isoformat(): part.version}
        hashes[part.table_name] = part.content_hash
    inputs, pins = json.loads(row.inputs), json.loads(row.pins)
    return Publication(row.step, row.as_of, row.token, written, inputs, pins, hashes)
