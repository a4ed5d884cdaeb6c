"""Who may be told about right now: suppression, consent, contacts, read again when it is sent.

A plan may be hours old when it is sent, or days when it is resumed. Before every batch the guard
asks the sources again (fault P3) and names the customers whose row must not go: the outbox then
sends a removal in its place. Suppression bars every row, and an objection to profiling every row
that was scored. A missing consent, to contact or to the offer's channel, bars the rows with an
offer that needs one; a contact under another contract, less than [policy] contact_window_days away,
bars the rows that would be a contact: of them the outbox plans the rest, without an offer. A source
that cannot be read stops the export: it fails closed (P4).

Worked example: `h1` was given a coupon as of 2017-10-01 and withdrew consent on 2017-10-02, before
the export ran: his row is withheld, `h2`'s without an offer is not.

>>> guard = Guard(suppressed=lambda ids: set(), consents=lambda ids: {"h1": False, "h2": False},
...               consent_default=True, free_offers=frozenset({"NONE"}))
>>> from datetime import date
>>> day = date(2017, 10, 1)
>>> guard.withheld([Row("h1", "upsert", day, {"offer": "COUPON"}, "9f"),
...                 Row("h2", "upsert", day, {"offer": "NONE"}, "b1")])
{'h1': 'no_consent'}
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from churn_ml.actions import NONE
from churn_ml.config import Config
from churn_ml.crm.desired import Desired
from churn_ml.crm.protocol import Row
from churn_ml.errors import ChurnError, Unreachable
from churn_ml.segments import OPTED_OUT

RECENT = "recently_contacted"
"""Why a row that would be a contact must not go: the one reason that spares the rest of the row."""
Found = TypeVar("Found")
Suppressed = Callable[[Sequence[str]], Collection[str]]
Consents = Callable[[Sequence[str]], Mapping[str, bool]]
Purposes = Callable[[Sequence[str]], Mapping[str, Mapping[str, bool]]]
Recent = Callable[[Sequence[str], date], Collection[str]]
PROFILING = "profiling"


def nobody(_: Sequence[str], __: date) -> Collection[str]:
    """The recent contacts of a shop with one contract: its own are known when it scores."""
    return ()


def nothing(_: Sequence[str]) -> Mapping[str, Mapping[str, bool]]:
    """What a shop's customers say of profiling and of single channels where it does not ask."""
    return {}


@dataclass(frozen=True)
class Guard:
    """The sources that are asked before every batch.

    `suppressed(customer_ids)` gives those of them who must never be touched, merged references
    among them; `consents(customer_ids)` whether contact is consented, where known;
    `consent_default` holds where it is not; `free_offers` are the offers that need no consent, NONE
    among them; `recent(customer_ids, as_of)` who was contacted under another contract within the
    window around `as_of`; `purposes(customer_ids)` the newest word on profiling and on each channel
    by customer, `channels` the channel of each offer.
    """

    suppressed: Suppressed
    consents: Consents
    consent_default: bool
    free_offers: frozenset[str]
    recent: Recent = nobody
    purposes: Purposes = nothing
    channels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        config: Config,
        *,
        suppressed: Suppressed,
        consents: Consents,
        recent: Recent = nobody,
        purposes: Purposes = nothing,
    ) -> Guard:
        """The guard with the offers and the default of churn.toml.

        >>> from churn_ml.config import Shop
        >>> shop = Config(shop=Shop(name="s", currency="EUR"))
        >>> Guard.of(shop, suppressed=lambda ids: (), consents=lambda ids: {}).consent_default
        False
        """
        free = frozenset({NONE} | {o.code for o in config.offers if not o.needs_consent})
        default = config.consent.default == "assumed"
        channels = {offer.code: offer.channel for offer in config.offers}
        return cls(suppressed, consents, default, free, recent, purposes, channels)

    def withheld(self, rows: Sequence[Row]) -> dict[str, str]:
        """customer_id -> why, of the upserts that must not go now.

        Why: "suppressed", "profiling_opt_out", "no_consent" or "recently_contacted", the first that
        holds.

        Raises: Unreachable where a source cannot be read; nothing may be sent then.

        >>> def down(ids):
        ...     raise OSError("no route to host")
        >>> Guard(down, lambda ids: {}, True, frozenset()).withheld([])
        Traceback (most recent call last):
        ...
        churn_ml.errors.Unreachable: cannot read suppression: nothing is exported | ... OSError ...
        """
        upserts = _upserts(rows)
        ids = upserts.customer_ids
        barred = frozenset(_read("suppression", self.suppressed, ids))
        given = _read("consents", self.consents, ids)
        said = _read("consents", self.purposes, ids)
        offered = zip(ids, upserts.offers, strict=True)
        asked = ((c, str(offer)) for c, offer in offered if offer not in self.free_offers)
        refused = (c for c, offer in asked if not self._may(c, offer, given, said))
        against = {c for c, words in said.items() if words.get(PROFILING) is False}
        placed = zip(ids, upserts.segments, strict=True)
        objecting = (c for c, segment in placed if c in against and segment != OPTED_OUT)
        return (
            dict.fromkeys(self._recently_contacted(upserts), RECENT)
            | dict.fromkeys(refused, "no_consent")
            | dict.fromkeys(objecting, "profiling_opt_out")
            | {customer_id: "suppressed" for customer_id in ids if customer_id in barred}
        )

    def _may(
        self,
        customer_id: str,
        offer: str,
        given: Mapping[str, bool],
        said: Mapping[str, Mapping[str, bool]],
    ) -> bool:
        """Whether the offer may be made: the word on its channel, unless all is refused."""
        contact = given.get(customer_id)
        if contact is False:
            return False
        general = self.consent_default if contact is None else contact
        channel = self.channels.get(offer, "")
        return said.get(customer_id, {}).get(channel, general)

    def _recently_contacted(self, upserts: Desired) -> list[str]:
        """Whom a contact would reach too soon after one under another contract, or before it."""
        found: set[str] = set()
        contacts = upserts.made([n for n, contact in enumerate(upserts.contacts) if contact])
        for day in {row.as_of for row in contacts}:  # a plan is of one as_of

            def recent(ids: Sequence[str], day: date = day) -> Collection[str]:
                return self.recent(ids, day)

            asked = [row.customer_id for row in contacts if row.as_of == day]
            found |= set(asked) & set(_read("contacts", recent, asked))
        return sorted(found)


def _upserts(rows: Sequence[Row]) -> Desired:
    """The upserts among the rows; what shall be held is of no others."""
    if isinstance(rows, Desired):
        return rows
    return Desired.of([row for row in rows if row.op == "upsert"])


def _read(what: str, source: Callable[[Sequence[str]], Found], ids: Sequence[str]) -> Found:
    try:
        return source(ids)
    except ChurnError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong, nobody may be sent
        kind, place = type(error).__name__, _raised_at(error)
    # Outside of the except: the source's own words may quote a customer or a secret, and would be
    # printed as the context of ours (S8, S9). Not knowing who objects means that nobody is sent.
    raise Unreachable(
        f"cannot read {what}: nothing is exported",
        where=place,
        got=kind,
        next_step="run the export again when the source answers; the plan is kept",
    )


def _raised_at(error: Exception) -> str:
    """File and line where it was raised: what helps to find a defect, and quotes nobody."""
    *_, last = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{Path(last.filename).name}:{last.lineno}"
