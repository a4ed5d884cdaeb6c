"""What the front page shows: the state of the house at a glance, from receipts alone.

Enters: every filed receipt, and the settings for the shop's name and currency. Leaves: one plain
dict for the template. No number is computed that `churn_ml.views` does not give, but the geometry
of the drawings.

Worked example: after the story of 2017 the first line says that 246 customers were scored as of
2017-11-01, and the champion stands there since 2017-10-01.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from churn_ml.config import Config
from churn_ml.ledger import Filed
from churn_ml.segments import is_scored
from churn_ml.views import Report
from churn_page import pictures, verdicts
from churn_page.receipt import line

Row = dict[str, Any]

RECENT = 10
"""Runs shown at once; the older ones unfold."""
KEPT = 100
"""Runs on the page at all; every one is in report.json."""
SHOWN_VERDICTS = 3
KEPT_VERDICTS = 40
SHOWN_DAYS = 4


def front(
    filed: Sequence[Filed], state: Report, config: Config, of_exports: Sequence[Row] = ()
) -> Row:
    """Everything the template of the front page asks for.

    `state`: the `report` of `filed`; `of_exports`: the notices of what keeps exports back.
    """
    said = verdicts.told(state, filed, config.shop.currency)
    lines = [line(each) for each in reversed(filed[-KEPT:])]
    further = [_further(part, filed, config) for part in state["contracts"]]
    waiting = [(row, part["contract"]) for part in further for row in part["waiting"]]
    return {
        "shop": config.shop,
        "horizon_days": config.contract.horizon_days,
        "champion": verdicts.champion(state, filed),
        "scored": _scored(state),
        "notices": [*of_exports, *_notices(filed, [(row, "") for row in said] + waiting)],
        "recent": lines[:RECENT],
        "older": lines[RECENT:KEPT],
        "untold": max(0, len(filed) - KEPT),
        "verdicts": said[:SHOWN_VERDICTS],
        "older_verdicts": said[SHOWN_VERDICTS:KEPT_VERDICTS],
        "metrics": verdicts.side_by_side(state),
        "models": state["models"],
        "references": state["references"],
        "segments": _segments(state),
        "rates": rates(state),
        "contracts": further,
        "consent": state["consent"],
        "realised": state["realised"],
        "reliability": pictures.reliability(state["realised"]),
        "exports": [_export(row) for row in _newest_days(state["exports"])],
        "quarantine": _newest_days(state["quarantine"]),
    }


def _newest_days(rows: Sequence[Row]) -> list[Row]:
    """The rows of the newest as_ofs, newest first; those of one day stay in their order."""
    days = sorted({row["as_of"] for row in rows}, reverse=True)[:SHOWN_DAYS]
    return [row for day in days for row in rows if row["as_of"] == day]


def _scored(state: Report) -> Row | None:
    """Whom the newest scoring spoke of, how much money is at risk, how many get an offer.

    Only customers under the contract count; the others stand below the segments.
    """
    day = state["scored_as_of"]
    return None if day is None else {"as_of": day} | state["scored"]


def _further(part: Report, filed: Sequence[Filed], config: Config) -> Row:
    """What is shown of a further contract: champion, who was scored, the last verdicts, rates."""
    said = verdicts.told(part, filed, config.shop.currency)
    known = config.contracts.get(part["contract"])
    return {
        "contract": part["contract"],
        "horizon_days": known.horizon_days if known else None,
        "champion": verdicts.champion(part, filed),
        "scored": _scored(part),
        "segments": _segments(part),
        "verdicts": said[:SHOWN_VERDICTS],
        "waiting": [row for row in said if row["waits"]],
        "rates": rates(part),
    }


def rates(part: Report) -> Row:
    """The last months of everybody, and the groups of the newest month known, churn as a bar."""
    lengths = pictures.bars([row["churn_rate"] or 0.0 for row in part["rates"]])
    rows = [row | {"bar": length} for row, length in zip(part["rates"], lengths, strict=True)]
    months = [row for row in rows if row["slice"] == "all"]
    groups = [row for row in rows if row["slice"] != "all"]
    return {"as_of": part["rates_as_of"], "months": months, "groups": groups}


def _notices(filed: Sequence[Filed], said: Sequence[tuple[Row, str]]) -> list[Row]:
    """What somebody should act on: a verdict that waits, steps that stand still.

    A step stands still where the last try of its newest as_of failed; what only showed what it
    would do is no try. An older day that failed is past: the newer one took up what it left.
    """
    waiting = [
        {"kind": "waits", **row, "dag": f"churn_promote.{line}" if line else "churn_promote"}
        for row, line in said
        if row["waits"]
    ]
    tries = [each for each in filed if each.receipt.status != "dry_run"]
    last: dict[str, Filed] = {}
    for each in sorted(tries, key=lambda f: f.receipt.as_of):  # of one day in the order of filing
        last[each.receipt.step] = each
    stopped = [line(each) for each in last.values() if each.receipt.status == "failed"]
    stopped.sort(key=lambda row: row["at"], reverse=True)
    return waiting + [{"kind": "failed", **row} for row in stopped]


def _segments(state: Report) -> Row:
    """Segments with money at risk as bars; those that are not scored, in one line."""
    scored = [row for row in state["segments"] if is_scored(row["segment"])]
    aside = [row for row in state["segments"] if not is_scored(row["segment"])]
    lengths = pictures.bars([row["value_at_risk"] for row in scored])
    shown = [row | {"bar": length} for row, length in zip(scored, lengths, strict=True)]
    return {"scored": shown, "aside": aside, "outside": state["outside"]}


def _export(row: Row) -> Row:
    """One export with its counts as parts of a bar, and what else is to be said of it."""
    parts = [(name, row.get(name) or 0) for name in ("sent", "unchanged", "removed")]
    others = ("rejected", "withheld", "older", "resumed")
    aside = {name: row[name] for name in others if row.get(name)}
    if asks := row.get("asks"):
        aside["held back"] = asks["upserts"] + asks["removals"]
    return row | {"parts": pictures.stacked(parts), "aside": aside}
