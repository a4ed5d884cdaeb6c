"""What a function of the product is made into in a worse build: each takes the real one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from churn_ml.crm import Ack, Rejection
from churn_ml.crm.means import MemoryBuckets
from churn_ml.crm.refused import Refused
from churn_ml.durable import sync
from churn_ml.errors import Unreachable
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import PLAN_ROWS, PLANS


def nothing(_: Any) -> Any:
    return lambda *_, **__: None


def finding_nobody(_: Any) -> Any:
    return lambda *_: iter(())


def in_place(_: Any) -> Any:
    return lambda path, content: path.write_bytes(content)


def syncing_the_folder_instead(_: Any) -> Any:
    """A temporary file of which the folder is synced, and not what stands in it."""

    def written(path: Path, content: bytes) -> Path:
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(content)
        sync(path.parent)
        return temporary

    return written


def syncing_the_folders_instead(_: Any) -> Any:
    """The folders of a model's files are synced, and not the files."""

    def written(folder: Path, files: Mapping[str, bytes]) -> None:
        for path, data in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(data)
        for each in sorted({(folder / path).parent for path in files} | {folder}):
            sync(each)

    return written


def forgetting_what_is_there(real: Any) -> Any:
    return lambda *args, **told: real(*args, **told | {"held": {}})


def heedless_of_older(real: Any) -> Any:
    """A plan on the newest one, whatever its as_of."""

    def planned(*args: Any, last: Any, **told: Any) -> Any:
        return real(*args, **told, last=last and (last[0], date.min))

    return planned


def with_a_pace_of_its_own(real: Any) -> Any:
    return lambda name, limit, _, *args, **told: real(name, limit, MemoryBuckets(), *args, **told)


def never_removing(real: Any) -> Any:
    def planned(*args: Any, **told: Any) -> Any:
        found = real(*args, **told)
        return replace(found, rows=tuple(row for row in found.rows if row.op == "upsert"))

    return planned


def id_of_the_try(real: Any) -> Any:
    return lambda *args: replace(real(*args), id=uuid.uuid4().hex)


def taking_silence_for_an_ack(real: Any) -> Any:
    """What was left open counts as taken: its answer will have been lost."""

    def left(outbox: Any) -> None:
        found = real(outbox)
        if found is not None:
            ids = [row.customer_id for row in found.rows]
            outbox.journal.acknowledge(found.id, ids, at=datetime(2026, 11, 21, tzinfo=UTC))

    return left


def forgetting_rejections(real: Any) -> Any:
    return lambda *args, **told: real(*args, **told | {"rejected": ()})


def counting_nobody_twice(_: Any) -> Any:
    return lambda desired, *_: frozenset(row.customer_id for row in desired)


def on_top_of_whatever_stands(_: Any) -> Any:
    def put(connection: Any, head: Any, _: Any) -> None:
        upsert(connection, PLANS, [head], update=("plan_id", "as_of"))

    return put


def covering_the_doubt(_: Any) -> Any:
    return lambda: PLAN_ROWS.c.content_hash


def without_a_quota(real: Any) -> Any:
    return lambda bucket, limit, now: real(bucket, replace(limit, per_day=None), now)


def rejecting_the_first(_: Any) -> Any:
    def guessed(rows: Sequence[Any], send: Any) -> list[Ack | Rejection]:
        try:
            return list(send(rows))
        except Refused as refused:
            first, *others = (row.customer_id for row in rows)
            return [Rejection(first, refused.code, refused.message), *map(Ack, others)]

    return guessed


def renewing_for_ever(_: Any) -> Any:
    return lambda caller, *_, **__: bool(caller.renew())


def reading_latin(real: Any) -> Any:
    def once(*args: Any) -> Any:
        response = real(*args)
        response.encoding = "latin-1"
        return response

    return once


def quoting_the_source(_: Any) -> Any:
    def read(what: str, source: Any, ids: Any) -> Any:
        try:
            return source(ids)
        except OSError as error:
            raise Unreachable(f"cannot read {what}: nothing is exported") from error

    return read
