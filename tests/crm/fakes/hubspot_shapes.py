"""The shapes of what CRM v3 answers, as the official client's models read them."""

from __future__ import annotations

from datetime import date
from typing import Any

from .server import Reply

STAMP = "2026-11-22T12:00:00.000Z"


def described(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "fieldType": "text", "groupName": "contactinformation"}


def holds(value: Any, kind: str | None) -> bool:
    if not isinstance(value, str):
        return False
    try:
        if value and kind == "number":
            float(value)
        if value and kind == "date":
            date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) <= 65_536


def shown_as(number: str, values: dict[str, str] | None, names: list[str]) -> dict[str, Any]:
    told = {name: (values or {}).get(name) or None for name in names}
    about = {"createdAt": STAMP, "updatedAt": STAMP, "archived": False}
    return {"id": number, "properties": told | {"hs_object_id": number}, **about}


def result_of(number: str, one: dict[str, Any]) -> dict[str, Any]:
    told = shown_as(number, one["properties"], list(one["properties"]))
    return told | {"new": False, "objectWriteTraceId": one["objectWriteTraceId"]}


def batch_of(results: list[Any], errors: list[Any] | None = None) -> dict[str, Any]:
    told = {"status": "COMPLETE", "results": results, "startedAt": STAMP, "completedAt": STAMP}
    return told | ({"numErrors": len(errors), "errors": errors} if errors else {})


def row_error(category: str, message: str, context: dict[str, list[str]]) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": message, "context": context}


def refused(status: int, category: str, message: str, code: str | None = None) -> Reply:
    told: dict[str, Any] = {"status": "error", "category": category, "message": message}
    if code:
        told["errors"] = [{"code": code, "message": message}]
    return Reply(status, told)
