"""What the tests of Tryton stand on: a root category of one test's own, and its customers."""

from __future__ import annotations

from datetime import date
from typing import Any

from churn_ml.crm.payload import NAMES, hashed, removal
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row

from .server import Server

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)


class Place:
    """A root category of one test's own, with customers whose codes are no other test's."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.root = server, name
        self.crm = server.destination(name)
        self.crm.preflight()

    def code(self, customer: str) -> str:
        return f"{self.root}:{customer}"

    def upsert(self, customer: str, as_of: date = OCTOBER, **cells: Cell) -> Row:
        code = self.code(customer)
        told: dict[str, Cell] = {**dict.fromkeys(NAMES), "segment": "SILENT", "score": 0.6}
        told |= {"offer": "COUPON", "customer_id": code, "as_of": as_of.isoformat(), **cells}
        return Row(code, "upsert", as_of, told, hashed(told, delivers=False))

    def remove(self, customer: str, as_of: date = NOVEMBER) -> Row:
        return removal(self.code(customer), as_of)

    def send(self, *rows: Row) -> list[Ack | Rejection]:
        return self.crm.send(batch(*rows))

    def held(self) -> dict[str, str]:
        """The content hash of every customer held, as reconcile sees it."""
        cells = [dict(row) for row in self.crm.holds()]
        hashes = {str(row["customer_id"]): hashed(row, delivers=False) for row in cells}
        assert len(hashes) == len(cells)
        return hashes

    def parties(self, *customers: str) -> list[dict[str, Any]]:
        codes = [self.code(customer) for customer in customers]
        return self.ask("party.party.search_read", [["code", "in", codes]], fields=["name", "code"])

    def notes(self) -> list[dict[str, Any]]:
        """Every attachment that an export has made below this root."""
        domain = [["name", "=", self.root]]
        return self.ask("ir.attachment.search_read", domain, fields=["resource", "description"])

    def ask(self, method: str, domain: Any, fields: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.crm.crm.call(method, domain, 0, None, None, fields)
        return found


def batch(*rows: Row) -> Batch:
    return Batch("b", "p", rows[0].as_of, rows)


def hashes(*rows: Row) -> dict[str, str]:
    return {row.customer_id: row.content_hash for row in rows}
