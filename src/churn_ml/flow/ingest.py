"""Ingest: the world in. Lots are landed, validated and published, all tables or none.

Worked example: the ingest keyed 2017-11-01 takes the 31 daily drops of October, those that no
other ingest has claimed. Run again, it takes the very same lots; a file that changed meanwhile is
refused by name.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import BadInput
from churn_ml.house import House
from churn_ml.tables import QUARANTINE, SOURCE_TABLES, context

if TYPE_CHECKING:
    from pathlib import Path

    from churn_ml.receipts import Receipt
    from churn_ml.sources.protocol import Lot, Source
    from churn_ml.validate import Rates, Validated

FX_RATES = context.FX_RATES.name


def ingest(house: House, as_of: date, *, repin: bool = False) -> Receipt:
    """Land, validate and publish every lot dropped up to `as_of` that no other ingest has taken.

    Reads the files of [sources]; writes the canonical tables and the quarantine, keyed by this
    `as_of`. Nothing is published where one table fails, or where nothing was dropped: the receipt
    then says `no_data`. Raises BadInput, OverTolerance.
    """
    from churn_ml.sources import open_source

    writes = (*house.config.sources, QUARANTINE.name)
    with attempt(house, "ingest", as_of, writes, repin=repin) as trial:
        source = open_source(house.config, connections=house.addresses.connections)
        if trial.former is None:
            source.land(as_of, say=house.say, anew=repin)
        trial.pins |= {"after": _after(trial), "loaded": _loaded(trial)}
        lots = _dated(trial, _lots(trial, source.lots()))
        if lots:
            _land(trial, source, lots)
        else:
            trial.leave("no_data")
    return trial.receipt


def _land(trial: Attempt, source: Source, lots: list[Lot]) -> None:
    """Judge every table, the exchange rates first, then write them all."""
    checked: list[Validated] = []
    with trial.house.warehouse.scratch() as staging:
        for name in (FX_RATES, *(name for name in SOURCE_TABLES if name != FX_RATES)):
            if mine := [lot for lot in lots if lot.table == name]:
                rates = _rates(trial, checked)
                checked.append(_judged(trial, source, name, mine, rates, staging))
        checked.sort(key=lambda result: SOURCE_TABLES.index(result.table))
        _write(trial, checked)
    trial.lots = [(lot.table, lot.sha256) for lot in lots]
    shop = trial.house.config.shop
    trial.shop = (shop.currency, shop.time_zone)
    trial.details |= {"lots": len(lots), "quarantine": _set_aside(checked)}
    if elsewhere := {name: rows for name, rows in source.left_out.items() if rows}:
        trial.details["left_out_by_where"] = elsewhere


def _lots(trial: Attempt, found: list[Lot]) -> list[Lot]:
    """The lots of this ingest: those it claimed before on a re-run, else all free ones dropped."""
    claims = trial.house.ledger.claimed()
    mine = {claim for claim, key in claims.items() if key == trial.as_of}
    if trial.former is not None:
        lots = [lot for lot in found if (lot.table, lot.sha256) in mine]
        _check_all_there(trial.as_of, mine - {(lot.table, lot.sha256) for lot in lots})
        return lots
    theirs = set(claims) - mine
    free = [lot for lot in found if (lot.table, lot.sha256) not in theirs]
    return [lot for lot in free if lot.drop_on is None or lot.drop_on <= trial.as_of]


def _dated(trial: Attempt, lots: list[Lot]) -> list[Lot]:
    """The lots with the day they were known: a late one became known by this ingest, not before.

    A lot dropped at or before the key of an ingest that ran earlier was not there when that ran:
    whatever its folder says, what it holds was not known then. Worked example: November is
    ingested, then a file dropped in September arrives and the ingest of October runs for the first
    time: what the file holds is known from November on.
    """
    earlier = trial.pins["after"]
    late = {lot for lot in lots if earlier and lot.drop_on and lot.drop_on.isoformat() <= earlier}
    if not earlier or not late:
        return lots
    known_on = _arrived(trial)
    trial.house.say(f"  {len(late)} late lots: known from {known_on.isoformat()} on")
    trial.details["late_lots"] = len(late)
    return [replace(lot, known_on=known_on) if lot in late else lot for lot in lots]


def _after(trial: Attempt) -> str | None:
    """The newest key ingested before this one ran first, of an earlier as_of or a later one.

    A re-run takes what was pinned; None is an answer too: nothing was ingested before it. With
    `repin` ingests of later keys do not count, for they ran after this one, unless they are pinned.
    """
    if trial.former is not None:
        return trial.former.pins.get("after")
    ledger = trial.house.ledger
    published = ledger.publication("ingest", trial.as_of)
    upto = trial.as_of - timedelta(days=1) if published else None
    newest = ledger.newest("ingest", upto=upto)
    found = [newest.as_of.isoformat()] if newest else []
    pinned = published.pins.get("after") if published else None
    return max([*found, pinned] if pinned else found, default=None)


def _loaded(trial: Attempt) -> list[str]:
    """The tables that an ingest before this one published; a re-run takes what was pinned."""
    if trial.former is not None:
        return list(trial.former.pins.get("loaded", ()))
    ledger = trial.house.ledger
    published = ledger.publication("ingest", trial.as_of)
    upto = trial.as_of - timedelta(days=1) if published else None
    found = {name for name, keys in ledger.versions(SOURCE_TABLES, upto=upto).items() if keys}
    return sorted(found | set(published.pins.get("loaded", ()) if published else ()))


def _arrived(trial: Attempt) -> date:
    """The day from which on this ingest's late lots are known."""
    after = trial.pins["after"]
    return max(trial.as_of, date.fromisoformat(after)) if after else trial.as_of


def _floors(trial: Attempt, lots: list[Lot]) -> dict[str, date]:
    """The lots without a drop date of a table that was loaded before: not there before this day.

    A first load without drop dates counts from its events, by `lag_days`. A file that grew since,
    or came in its place, cannot say which of its rows were there before.
    """
    undated = [lot for lot in lots if lot.drop_on is None and lot.table in trial.pins["loaded"]]
    if undated:
        known_on = _arrived(trial)
        trial.house.say(
            f"  {len(undated)} lots without a drop date: known from {known_on.isoformat()} on,"
            " unless known_at says when"
        )
        trial.details["undated_lots"] = trial.details.get("undated_lots", 0) + len(undated)
    return {lot.id: _arrived(trial) for lot in undated}


def _check_all_there(as_of: date, gone: set[tuple[str, str]]) -> None:
    """Refuse a re-run whose files changed or went: it would publish something else."""
    if gone:
        raise BadInput(
            f"{len(gone)} lots of the ingest keyed {as_of.isoformat()} changed or are gone",
            where=", ".join(sorted(f"{table} {sha256[:16]}" for table, sha256 in gone)[:3]),
            expected="the very bytes that were published",
            next_step="restore the files, or publish the new ones:"
            f" churn-ml ingest --as-of {as_of.isoformat()} --repin",
        )


def _judged(
    trial: Attempt, source: Source, name: str, lots: list[Lot], rates: Rates, staging: Path
) -> Validated:
    """The lots of one table, read and validated; raises OverTolerance."""
    from churn_ml.sources import resolved
    from churn_ml.validate import check_tolerance, outcomes, validate

    house, config = trial.house, trial.house.config
    house.say(f"  {name}: {len(lots)} lots")
    now, seen = house.clock(), house.ledger.register_lot
    checked = validate(
        source.batches(lots),
        name,
        resolved(name, config.sources[name]),
        shop=config.shop,
        rates=rates,
        seen={lot.id: seen(lot.sha256, name, lot.where, now) for lot in lots},
        floors=_floors(trial, lots),
        staging=staging,
    )
    judged = outcomes(checked, config.validation)
    house.ledger.record_validation(trial.token, judged, now)
    check_tolerance(checked, config.validation, {lot.id: lot.where for lot in lots})
    return checked


def _rates(trial: Attempt, checked: list[Validated]) -> Rates:
    """The exchange rates known before this ingest, restated ones too, and those it brings."""
    import pyarrow as pa

    from churn_ml.validate import Rates

    own = trial.as_of.isoformat()
    versions = {k: v for k, v in trial.versions(FX_RATES).items() if k != own}
    trial.inputs[FX_RATES] = versions
    columns = Rates.none().rows.schema
    known = trial.house.warehouse.read(FX_RATES, versions, as_of=trial.as_of, updates=True)
    parts = [known.select(*columns.names).to_pyarrow().cast(columns)]
    own_rows = [r.accepted.batches().read_all() for r in checked if r.table == FX_RATES]
    parts += [rows.select(columns.names) for rows in own_rows]
    return Rates.newest(pa.concat_tables(parts), trial.house.config.validation.rate_days)


def _write(trial: Attempt, checked: list[Validated]) -> None:
    """Every table's accepted rows, and one quarantine for all."""
    from churn_ml.validate import together

    for result in checked:
        # files without a row say nothing: they move no watermark
        if result.rows_in:
            trial.write(result.table, result.accepted)
        trial.count(
            result.table,
            result.rows_in,
            result.accepted.rows,
            quarantined=result.quarantined,
            excluded=result.excluded,
        )
    if checked:
        trial.write(QUARANTINE.name, together([r.quarantine for r in checked]))


def _set_aside(checked: list[Validated]) -> list[dict[str, Any]]:
    """Rows per rule that did not pass, most first, without a value."""
    totals: dict[tuple[str, str, str], int] = {}
    for result in checked:
        for broken in result.broken:
            key = (broken.verdict, broken.rule, broken.reason)
            totals[key] = totals.get(key, 0) + broken.rows
    names = ("verdict", "rule", "reason")
    return [
        dict(zip(names, key, strict=True)) | {"rows": rows}
        for key, rows in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    ]
