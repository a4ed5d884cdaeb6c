"""Decisions: who became champion, when, why, and every refusal; append-only, in one hash chain.

Each row holds the hash of the row before it; the head row holds the hash of the last one and is
locked while a row is appended, so two deciders queue. A byte changed, a row removed or added by
another hand breaks the chain, and `verify` says where. No customer ids.

Worked example: the rule is made first champion as of 2017-10-01; on 2017-11-01 the challenger
earns no more and is refused. The champion as of 2017-11-01 is still the rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import and_, func, insert, select, update

from churn_ml.errors import BadInput, StaleAttempt
from churn_ml.ledger.chain import broken, row_hash
from churn_ml.ledger.database import Database, canonical_json, stored, told
from churn_ml.ledger.schema import DECISION_HEAD, DECISIONS, MODELS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

Kind = Literal["first", "promote", "threshold", "refuse", "rollback", "override"]
ASKED = ("promote", "threshold")
"""Verdicts that change something only where a person says yes."""
TAU = "tau_to"
"""Where the verdict of a `threshold` holds the champion's new one, shop currency."""
NOBODY = "nobody answered"
"""Who refuses a verdict to promote that no person answered in time."""
_PROMOTING = ("first", "promote", "rollback", "override")


@dataclass(frozen=True)
class Decision:
    """One row of the chain. `champion_to` is the model that was judged.

    It became champion unless `kind` is `refuse`, or `threshold`: then the champion stays and works
    with another threshold, `verdict["tau_to"]`. `as_of` is the business date, `at` the wall clock.
    """

    number: int
    as_of: date
    kind: Kind
    champion_from: str | None
    champion_to: str | None
    evidence_hash: str | None
    verdict: Mapping[str, Any]
    alpha_spent: float
    who: str
    at: datetime
    hash: str

    @property
    def promotes(self) -> bool:
        """True where `champion_to` became champion by it."""
        return self.kind in _PROMOTING


class Decisions(Database):
    """The part of the ledger that says who is champion."""

    def decide(
        self,
        as_of: date,
        kind: Kind,
        *,
        champion_from: str | None,
        champion_to: str | None,
        who: str,
        at: datetime,
        evidence_hash: str | None = None,
        verdict: Mapping[str, Any] | None = None,
        alpha_spent: float = 0.0,
    ) -> Decision:
        """Append one decision to the chain; the same pair on the same evidence is decided once.

        Everything happens under the lock of the chain's head: the row already there is returned,
        and nobody is promoted over another champion than the one that was weighed.

        `as_of` is the business date it holds from; `champion_to` the model judged; `verdict` is
        JSON without NaN; `who` a person or step; `at` the wall clock, aware.

        Raises: BadInput for an unknown kind or a promotion without a model, StaleAttempt where
        `champion_from` is no longer champion.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger = Ledger.open("sqlite://")
        >>> decision = ledger.decide(date(2017, 10, 1), "first", champion_from=None,
        ...     champion_to="rule-0a", who="train", at=datetime(2026, 11, 21, tzinfo=UTC))
        >>> ledger.champion(date(2017, 9, 30)), ledger.champion(date(2017, 10, 1))
        (None, 'rule-0a')
        """
        _check(kind, champion_to)
        row: dict[str, Any] = {
            "as_of": as_of,
            "kind": kind,
            "champion_from": champion_from,
            "champion_to": champion_to,
            "evidence_hash": evidence_hash,
            "verdict": canonical_json(verdict or {}),
            "alpha_spent": float(alpha_spent),
            "who": who,
            "decided_at": stored(at),
        }
        with self.writing() as connection:
            head = connection.execute(select(DECISION_HEAD).with_for_update()).one()
            if evidence_hash and (same := _same(connection, row)) is not None:
                return _decision(same)
            if kind in _PROMOTING or kind == "threshold":
                _check_current(connection, row)
            row |= {"number": head.number + 1, "previous_hash": head.hash}
            row["hash"] = row_hash(row)
            connection.execute(insert(DECISIONS), [row])
            moved = {"number": row["number"], "hash": row["hash"]}
            connection.execute(update(DECISION_HEAD).values(**moved))
            return _decision(_row(connection, row["number"]))

    def champion(self, as_of: date, *, contract: str | None = None) -> str | None:
        """The model that is champion as of `as_of`, for any date; None before the first.

        `contract`: only models of that contract's stamp count; a new contract has no champion yet.
        """
        with self.reading() as connection:
            found: str | None = connection.execute(_reigning(as_of, contract)).scalar()
            return found

    def tau(self, model_id: str, as_of: date) -> float | None:
        """The threshold decided for a model as of a date; None where its own holds."""
        changed = and_(
            DECISIONS.c.kind == "threshold",
            DECISIONS.c.champion_from == model_id,
            DECISIONS.c.as_of <= as_of,
        )
        newest = (DECISIONS.c.as_of.desc(), DECISIONS.c.number.desc())
        query = select(DECISIONS.c.verdict).where(changed).order_by(*newest).limit(1)
        with self.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else float(json.loads(found)[TAU])

    def decisions(self) -> list[Decision]:
        """Every decision, oldest first."""
        with self.reading() as connection:
            rows = connection.execute(select(DECISIONS).order_by(DECISIONS.c.number)).all()
        return [_decision(row) for row in rows]

    def stored_verdict(
        self, champion: str | None, challenger: str, evidence_hash: str
    ) -> Decision | None:
        """The decision already taken on this pair and this evidence, the first one; or None."""
        pair = {"champion_from": champion, "champion_to": challenger}
        with self.reading() as connection:
            row = _same(connection, pair | {"evidence_hash": evidence_hash})
        return None if row is None else _decision(row)

    def alpha_spent(self, year: int, *, contract: str | None = None) -> float:
        """The alpha that the decisions of a business year have spent.

        `contract`: only decisions on models of the contract of that name, whatever its settings.
        """
        query = select(func.coalesce(func.sum(DECISIONS.c.alpha_spent), 0.0)).where(
            DECISIONS.c.as_of.between(date(year, 1, 1), date(year, 12, 31))
        )
        if contract is not None:
            stamp = MODELS.c.contract  # the name, a hyphen, 8 characters of its hash
            name = func.substr(stamp, 1, func.length(stamp) - 9)
            query = query.where(
                DECISIONS.c.champion_to.in_(select(MODELS.c.id).where(name == contract))
            )
        with self.reading() as connection:
            return float(connection.execute(query).scalar_one())

    def verify(self) -> int:
        """Recompute the chain from its first row.

        Returns: how many decisions it holds.
        Raises: Tampered naming the first decision that does not fit.
        """
        with self.reading() as connection:
            head = connection.execute(select(DECISION_HEAD)).one()
            rows = connection.execute(select(DECISIONS).order_by(DECISIONS.c.number)).all()
        previous = "0" * 64
        for number, row in enumerate(rows, start=1):
            stored_row = dict(row._mapping)
            intact = row.number == number and row.previous_hash == previous
            if not intact or row.hash != row_hash(stored_row):
                raise broken(f"decision {row.number}", got=row_hash(stored_row), expected=row.hash)
            previous = row.hash
        if (head.number, head.hash) != (len(rows), previous):
            raise broken("the end of the chain", got=len(rows), expected=head.number)
        return len(rows)


def _check(kind: str, champion_to: str | None) -> None:
    if kind not in get_args(Kind):
        raise BadInput("unknown kind of decision", got=kind, expected=", ".join(get_args(Kind)))
    if champion_to is None:
        raise BadInput(f"a decision {kind!r} names no model", expected="champion_to")


def _same(connection: Connection, asked: Mapping[str, Any]) -> Row[Any] | None:
    """The first decision on the same pair and evidence."""
    names = ("champion_from", "champion_to", "evidence_hash")
    same = and_(*(DECISIONS.c[name] == asked[name] for name in names))
    return connection.execute(select(DECISIONS).where(same).order_by(DECISIONS.c.number)).first()


def _reigning(as_of: date, contract: str | None) -> Select[Any]:
    """The query for the champion as of a date, of one contract's line of models or of all."""
    promoted = and_(DECISIONS.c.kind.in_(_PROMOTING), DECISIONS.c.as_of <= as_of)
    if contract is not None:
        line = select(MODELS.c.id).where(MODELS.c.contract == contract)
        promoted = and_(promoted, DECISIONS.c.champion_to.in_(line))
    newest = (DECISIONS.c.as_of.desc(), DECISIONS.c.number.desc())
    return select(DECISIONS.c.champion_to).where(promoted).order_by(*newest).limit(1)


def _check_current(connection: Connection, row: Mapping[str, Any]) -> None:
    """Raise StaleAttempt where another model became champion since the verdict."""
    its = select(MODELS.c.contract).where(MODELS.c.id == row["champion_to"])
    contract = connection.execute(its).scalar()
    current = connection.execute(_reigning(row["as_of"], contract)).scalar()
    if current != row["champion_from"]:
        raise StaleAttempt(
            "the champion changed since the verdict",
            where=f"as of {row['as_of'].isoformat()}",
            got=current,
            expected=row["champion_from"],
            next_step="judge again: churn-ml promote",
        )


def _row(connection: Connection, number: int) -> Row[Any]:
    return connection.execute(select(DECISIONS).where(DECISIONS.c.number == number)).one()


def _decision(row: Row[Any]) -> Decision:
    said = dict(row._mapping) | {"verdict": json.loads(row.verdict), "at": told(row.decided_at)}
    names = Decision.__dataclass_fields__
    return Decision(**{name: value for name, value in said.items() if name in names})
