"""A Salesforce org on loopback: Bulk API 2.0 ingest, SOQL, describe, with the real one's habits.

Written from the public documentation. Habits kept on purpose: a CR in the data fails a job declared
LF; an unknown column fails the job whole; results are UTF-8 and do not say so; a file is taken
once; a job goes on while nobody looks, and stays when it is done. What a restart loses: the jobs.

Of the faults, `partial` and `refuse_whole` are meant for an upload (path="batches"), and
`missing_property` for describe.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from churn_ml.connections import Endpoint
from churn_ml.crm.means import Buckets, Means, MemoryBuckets, MemoryJobs
from churn_ml.crm.remote import TIMEOUT
from churn_ml.crm.salesforce import SalesforceDestination
from churn_ml.crm.salesforce.org import Org
from churn_ml.limits import Limit

from .faults import Fault
from .rig import Clock, Rig
from .salesforce_records import KEY, Job, Record, Records
from .server import Asked, Fake, Reply, main

VERSION = "/services/data/v59.0"
TOKEN = "fake-token-00D"


class Salesforce(Fake):
    """An org with the records of one object.

    `polls`: how often a job is asked about before it is done. `stops_after`: the rows after which
    an administrator aborts the next job. `page`: the records that one answer to a query has.
    `words`: what it says in a refusal.
    """

    def __init__(
        self, folder: Path | None = None, port: int = 0, *, records: Records | None = None
    ) -> None:
        self.records = records or Records()
        self.polls, self.page = 1, 2000
        self.stops_after: int | None = None
        self.token, self.words = TOKEN, "fake"
        self.jobs: dict[str, Job] = {}
        self.spoilers: tuple[str, ...] = ()
        self.found: dict[str, list[Record]] = {}
        super().__init__(folder, port)

    @property
    def connection(self) -> str:
        """The URL of a connection that is signed in."""
        return f"salesforce:///?instance_url={self.url}&session_id={self.token}"

    def answer(self, asked: Asked, fault: Fault) -> Reply:
        """Do what the request asks."""
        parts = asked.path.removeprefix(VERSION).strip("/").split("/")
        known = asked.headers.get("authorization") == f"Bearer {self.token}"
        if fault.kind == "expired" or not known:
            return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        match asked.method, parts:
            case "GET", ["sobjects", name, "describe"] if name == self.records.object:
                if fault.kind == "missing_property":
                    self.records.forget(fault.name)
                return Reply(200, {"name": name, "fields": self.records.fields})
            case "GET", ["query" | "queryAll" as kind]:
                return self._query(asked.query["q"], deleted=kind == "queryAll")
            case "GET", ["query", locator]:
                return self._page(*locator.split("-", 1))
            case "POST", ["composite"]:
                (one,) = asked.json["compositeRequest"]
                told = dict(parse_qsl(urlsplit(one["url"]).query))
                inner = self._query(told["q"], deleted=False)
                found = {"body": inner.body, "httpStatusCode": inner.status}
                return Reply(200, {"compositeResponse": [found]})
            case "POST", ["jobs", "ingest"]:
                return self._create(asked.json)
            case _, ["jobs", "ingest", job_id, *rest] if job_id in self.jobs:
                where = [one.lower() for one in rest]
                return self._job(asked, fault, self.jobs[job_id], where)
        return _error(404, "NOT_FOUND", "The requested resource does not exist")

    def apply(self, write: dict[str, Any]) -> None:
        """One row that was accepted."""
        self.records.put(write["id"], write["cells"])

    def limited(self, fault: Fault) -> Any:
        """The limit of the day is a 403 here, which says so."""
        code = "REQUEST_LIMIT_EXCEEDED" if fault.daily else "SERVER_UNAVAILABLE"
        return _error(fault.status, code, self.words).body

    def finish(self) -> None:
        """What Salesforce does while nobody looks."""
        for job in self.jobs.values():
            while job.state in ("UploadComplete", "InProgress"):
                self._looked_at(job)

    def _create(self, asked: dict[str, str]) -> Reply:
        if asked["object"] != self.records.object:
            return _error(400, "INVALIDENTITY", f"The entity {asked['object']} is not supported")
        named = f"750{len(self.jobs):015d}"
        by = asked.get("externalIdFieldName", "Id")
        job = Job(named, asked["operation"], asked["object"], by, asked.get("lineEnding", "LF"))
        self.jobs[job.id] = job
        return Reply(200, job.info())

    def _job(self, asked: Asked, fault: Fault, job: Job, rest: list[str]) -> Reply:
        match asked.method, rest:
            case "PUT", ["batches"] if job.state == "Open" and job.data is None:
                job.data = asked.body.decode("utf-8")
                job.refuses = fault.ids if fault.kind == "partial" else ()
                self.spoilers += fault.ids if fault.kind == "refuse_whole" else ()
                return Reply(201)
            case "PUT", ["batches"]:
                return _error(400, "INVALIDJOBSTATE", "Found multiple contents for job")
            case "PATCH", []:
                return self._patched(job, asked.json["state"])
            case "GET", []:
                self._looked_at(job)
                return Reply(200, job.info())
            case "GET", ["successfulresults"]:
                return _csv(["sf__Id", "sf__Created", *job.columns], job.done)
            case "GET", ["failedresults"]:
                return _csv(["sf__Id", "sf__Error", *job.columns], job.failed)
            case "GET", ["unprocessedrecords"]:
                return _csv(job.columns, job.unprocessed)
        return _error(405, "METHOD_NOT_ALLOWED", "not allowed")

    def _patched(self, job: Job, state: str) -> Reply:
        legal = {"UploadComplete": ("Open",), "Aborted": ("Open", "UploadComplete", "InProgress")}
        if job.state not in legal[state] or (state == "UploadComplete" and job.data is None):
            return _error(400, "INVALIDJOBSTATE", f"the job is {job.state}")
        job.state = state
        return Reply(200, job.info())

    def _looked_at(self, job: Job) -> None:
        """One look takes a job that waits one state on; at the last its rows are done."""
        if job.state not in ("UploadComplete", "InProgress"):
            return
        job.state, job.polls = "InProgress", job.polls + 1
        if job.polls >= self.polls:
            self._work(job)

    def _work(self, job: Job) -> None:
        job.columns, *rows = csv.reader(io.StringIO(job.data or "", newline=""))
        job.message = self._spoilt(job, rows)
        if job.message:
            job.state = "Failed"
            return
        some = len(rows) if self.stops_after is None else self.stops_after
        place = job.columns.index(job.key)
        keys = Counter(row[place] for row in rows)
        for row in rows[:some]:
            self._take(job, row, row[place], twice=keys[row[place]] > 1)
        job.unprocessed = rows[some:]
        job.state = "JobComplete" if self.stops_after is None else "Aborted"
        self.stops_after = None

    def _spoilt(self, job: Job, rows: list[list[str]]) -> str:
        """Why no row of the job is taken; empty where they are."""
        if job.line_ending == "LF" and "\r" in (job.data or ""):
            wrong = "LineEnding is invalid on user data. Current LineEnding setting is LF"
            return f"ClientInputError : {wrong}"
        unknown = set(job.columns) - self.records.names
        if unknown:
            return f"InvalidBatch : Field name not found : {min(unknown)}"
        spoilt = any(one in row for row in rows for one in self.spoilers)
        return "ClientInputError : CSV not parsable" if spoilt else ""

    def _take(self, job: Job, row: list[str], key: str, *, twice: bool) -> None:
        told = dict(zip(job.columns, row, strict=True))
        record_id, error, made = self.records.judged(told, job.key, job.operation)
        if twice:
            error = f"DUPLICATE_VALUE:Duplicate external id specified: {key}:--"
        if key in job.refuses:
            error = f"FIELD_CUSTOM_VALIDATION_EXCEPTION:{key} is not wanted:{job.key} --"
        if error:
            job.failed.append([record_id, error, *row])
            return
        job.done.append([record_id, str(made).lower(), *row])
        self.accept({"id": record_id, "job": job.id, "cells": self.records.typed(told)})

    def _query(self, soql: str, *, deleted: bool) -> Reply:
        found = self.records.query(soql, deleted=deleted)
        if found is None:
            return _error(400, "MALFORMED_QUERY", f"cannot run {soql}")
        locator = f"01g{len(self.found):015d}"
        self.found[locator] = found
        return self._page(locator, "0")

    def _page(self, locator: str, start: str) -> Reply:
        rows, end = self.found[locator], int(start) + self.page
        told = {"totalSize": len(rows), "done": end >= len(rows)}
        more = {"nextRecordsUrl": f"{VERSION}/query/{locator}-{end}"} if end < len(rows) else {}
        return Reply(200, {**told, "records": rows[int(start) : end], **more})


def _csv(columns: list[str], rows: list[list[str]]) -> Reply:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([columns, *rows])
    return Reply(200, text.getvalue().encode("utf-8"), {"Content-Type": "text/csv"})


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, [{"errorCode": code, "message": message}])


@contextmanager
def rigged(_: Path) -> Iterator[Rig]:
    """An org for the contract test."""
    with Salesforce() as fake:
        clock, jobs = Clock(), MemoryJobs()

        def opened(
            owner: str,
            timeout: tuple[float, float] = TIMEOUT,
            limit: Limit = Limit(1000),  # noqa: B008 - frozen
            buckets: Buckets | None = None,
        ) -> SalesforceDestination:
            means = Means(owner, jobs=jobs, buckets=buckets or MemoryBuckets())
            endpoint = Endpoint.of(fake.connection, "here")
            pace = {"clock": clock, "sleep": clock.sleep}
            more = {"test_host": True, "timeout": timeout, **pace}
            org = Org("crm", endpoint, limit, means.buckets, **more)
            return SalesforceDestination("crm", org, "Contact", KEY, means, **pace)

        yield Rig(opened, {"segment": "x" * 256}, fake, "batches", clock)


if __name__ == "__main__":
    main(Salesforce)
