"""A HubSpot account of our own: contacts and their properties, as CRM v3 answers for them.

Written from the official client's models and the public documentation, for that client to speak to.
It has one object (contacts), property groups and properties, batch read and batch upsert by a
property of unique values, pages of contacts, and tokens. `multi_status` chooses which of HubSpot's
two ways it answers a batch with a bad row: row by row (207), or by refusing it whole (400).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from churn_ml.crm import HubSpotDestination, Means
from churn_ml.crm.means import Buckets, MemoryBuckets
from churn_ml.crm.remote import TIMEOUT
from churn_ml.limits import Limit

from .faults import Fault
from .hubspot_shapes import (
    batch_of,
    described,
    holds,
    refused,
    result_of,
    row_error,
    shown_as,
)
from .rig import Clock, Rig
from .server import Asked, Fake, Reply, main

TOKEN = "fake-token"  # a token of the fake's own
_BATCH = 100
_OBJECTS, _PROPERTIES = "/crm/v3/objects/contacts", "/crm/v3/properties/contacts"


class HubSpot(Fake):
    """One account. `contacts`: id -> properties; `archived`: ids that a person deleted."""

    def __init__(self, folder: Path | None = None, port: int = 0) -> None:
        self.contacts: dict[str, dict[str, str]] = {}
        self.properties: dict[str, dict[str, Any]] = {
            "email": described("email", "string"),
            "hs_email_optout": described("hs_email_optout", "bool"),
        }
        self.groups: set[str] = {"contactinformation"}
        self.multi_status = True
        self.scoped = True
        self.tokens = {TOKEN}
        self.poison: set[str] = set()
        """Customer ids that a fault makes every later batch be refused for."""
        self._ids: dict[tuple[str, str], str] = {}
        super().__init__(folder, port)

    @property
    def connection(self) -> str:
        """The URL of the connection that leads here."""
        return f"hubspot://:{TOKEN}@127.0.0.1:{self.port}"

    def contact(self, customer_id: str, key: str = "customer_ref") -> dict[str, str] | None:
        """The properties of the customer's contact."""
        found = self._ids.get((key, customer_id))
        return None if found is None else self.contacts[found]

    def edit(self, customer_id: str, **values: str) -> None:
        """What a person does in the CRM's own pages."""
        self.accept({"edit": customer_id, "values": values})

    def delete(self, customer_id: str) -> None:
        """A person deletes the contact, or merges it into another."""
        self.accept({"delete": customer_id})

    def applied(self, customer_id: str) -> int:
        """How many writes of batches the customer's contact has seen."""
        return sum(write.get("upsert") == customer_id for write in self.writes)

    def apply(self, write: dict[str, Any]) -> None:
        if "group" in write:
            self.groups.add(write["group"])
        elif "property" in write:
            told = write["property"]
            self.properties[told["name"]] = self.properties.get(told["name"], {}) | told
        elif "delete" in write:
            self.contacts.pop(self._ids.pop(("customer_ref", write["delete"])))
        elif "edit" in write:
            self.contacts[self._ids["customer_ref", write["edit"]]] |= write["values"]
        else:
            place = (write["key"], write["upsert"])
            number = self._ids.setdefault(place, str(len(self.writes) + 1000))
            self.contacts.setdefault(number, {}).update(write["values"])

    def limited(self, fault: Fault) -> Any:
        policy = "DAILY" if fault.daily else "TEN_SECONDLY_ROLLING"
        return {"status": "error", "message": "limit", "policyName": policy}

    def answer(self, asked: Asked, fault: Fault) -> Reply:
        if asked.path == "/oauth/v1/token":
            return self._token(asked)
        if fault.kind == "expired":
            self.tokens.clear()
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return refused(401, "INVALID_AUTHENTICATION", "the token is expired")
        if not self.scoped and asked.method != "GET":
            return refused(403, "MISSING_SCOPES", "This app hasn't been granted all scopes")
        if fault.kind == "missing_property":
            self.properties.pop(fault.name, None)
        if asked.path.startswith(_PROPERTIES):
            return self._schema(asked, asked.path.removeprefix(_PROPERTIES).strip("/"))
        if asked.path == f"{_OBJECTS}/batch/read":
            return self._read(asked.json)
        if asked.path == f"{_OBJECTS}/batch/upsert":
            return self._upsert(asked.json["inputs"], fault)
        if asked.path == _OBJECTS and asked.method == "GET":
            return self._page(asked)
        return refused(404, "OBJECT_NOT_FOUND", "no such path")

    def _token(self, asked: Asked) -> Reply:
        if b"refresh_token=fresh" not in asked.body or b"client_secret=secret" not in asked.body:
            return refused(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        self.tokens.add("renewed")
        return Reply(200, {"access_token": "renewed", "token_type": "bearer", "expires_in": 1800})

    def _schema(self, asked: Asked, name: str) -> Reply:
        if name == "groups" and asked.method == "POST":
            if asked.json["name"] in self.groups:
                return refused(409, "OBJECT_ALREADY_EXISTS", "the group exists")
            self.accept({"group": asked.json["name"]})
            return Reply(201, asked.json | {"archived": False})
        if not name and asked.method == "GET":
            return Reply(200, {"results": list(self.properties.values())})
        if not name:
            return self._make(asked.json)
        if name not in self.properties:
            return refused(404, "OBJECT_NOT_FOUND", "no such property")
        if asked.method == "PATCH":
            self.accept({"property": {"name": name, **asked.json}})
        return Reply(200, self.properties[name])

    def _make(self, told: dict[str, Any]) -> Reply:
        if told["name"] in self.properties:
            return refused(409, "OBJECT_ALREADY_EXISTS", "the property exists")
        if told["groupName"] not in self.groups or not re.fullmatch(
            r"[a-z][a-z0-9_]*", told["name"]
        ):
            return refused(400, "VALIDATION_ERROR", "no such group, or no name")
        self.accept({"property": told})
        return Reply(201, self.properties[told["name"]])

    def _read(self, told: dict[str, Any]) -> Reply:
        key, ids = told["idProperty"], [one["id"] for one in told["inputs"]]
        if len(ids) > _BATCH or not self.properties.get(key, {}).get("hasUniqueValue"):
            return refused(400, "VALIDATION_ERROR", "too many inputs, or no key")
        found = [
            (self._ids[key, one], self.contact(one, key)) for one in ids if (key, one) in self._ids
        ]
        results = [shown_as(number, values, told["properties"]) for number, values in found]
        missing = [one for one in ids if (key, one) not in self._ids]
        if not missing:
            return Reply(200, batch_of(results))
        error = row_error("OBJECT_NOT_FOUND", "could not get some objects", {"ids": missing})
        return Reply(207, batch_of(results, [error]))

    def _upsert(self, inputs: list[dict[str, Any]], fault: Fault) -> Reply:
        ids = [one["id"] for one in inputs]
        if len(set(ids)) < len(ids) or len(ids) > _BATCH:
            return refused(400, "VALIDATION_ERROR", "duplicate ids, or too many inputs")
        if fault.kind == "refuse_whole":
            self.poison |= set(fault.ids)
            if not fault.ids:
                return refused(400, "VALIDATION_ERROR", f"cannot take {ids[0]}")
        unknown = {n for one in inputs for n in one["properties"]} - self.properties.keys()
        if unknown:
            told = f'Property "{min(unknown)}" does not exist'
            return refused(400, "VALIDATION_ERROR", told, code="PROPERTY_DOESNT_EXIST")
        wrong = {n: name for n, one in enumerate(inputs) if (name := self._invalid(one, fault))}
        if self.poison & set(ids) or (wrong and not self.multi_status):
            told = f"{ids[0]}: values were not valid: {next(iter(wrong.values()), '')}"
            return refused(400, "VALIDATION_ERROR", told)
        good = [one for number, one in enumerate(inputs) if number not in wrong]
        for one in good:
            write = {"upsert": one["id"], "key": one["idProperty"], "values": one["properties"]}
            self.accept(write)
        results = [
            result_of(self._ids[one["idProperty"], one["id"]], one) for one in reversed(good)
        ]
        errors = [
            row_error(
                "VALIDATION_ERROR",
                f"{inputs[number]['id']}: {name} was not valid",
                {"objectWriteTraceId": [inputs[number]["objectWriteTraceId"]]},
            )
            for number, name in wrong.items()
        ]
        return Reply(207 if errors else 200, batch_of(results, errors))

    def _invalid(self, one: dict[str, Any], fault: Fault) -> str | None:
        """The first property of an input that HubSpot cannot hold; None where all is well."""
        if fault.kind == "partial" and one["id"] in fault.ids:
            return "churn_ml_segment"
        found = ((n, v, self.properties[n].get("type")) for n, v in one["properties"].items())
        return next((name for name, value, kind in found if not holds(value, kind)), None)

    def _page(self, asked: Asked) -> Reply:
        limit, after = int(asked.query["limit"]), int(asked.query.get("after", "0"))
        names = asked.query.get("properties", "").split(",")
        numbers = sorted(self.contacts, key=int)
        shown = [number for number in numbers if int(number) > after][:limit]
        body: dict[str, Any] = {
            "results": [shown_as(number, self.contacts[number], names) for number in shown]
        }
        if shown and shown[-1] != numbers[-1]:
            body["paging"] = {"next": {"after": shown[-1], "link": "there"}}
        return Reply(200, body)


@contextmanager
def rigged(_: Path) -> Iterator[Rig]:
    """A HubSpot account for the contract test."""
    with HubSpot() as fake:
        clock = Clock()

        def opened(
            owner: str,
            timeout: tuple[float, float] = TIMEOUT,
            limit: Limit = Limit(1000),  # noqa: B008 - frozen
            buckets: Buckets | None = None,
        ) -> HubSpotDestination:
            paced = buckets or MemoryBuckets()
            means = Means(owner, {"hubspot_crm": fake.connection}, buckets=paced)
            return HubSpotDestination(
                "crm",
                "hubspot_crm",
                means,
                limit,
                test_host=True,
                timeout=timeout,
                clock=clock,
                sleep=clock.sleep,
            )

        too_long = {"segment": "x" * 65_537}
        yield Rig(opened, too_long, fake, "batch/upsert", clock)


if __name__ == "__main__":
    main(HubSpot)
