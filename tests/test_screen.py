"""The report on one screen, however long the house has been in use."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from rich.console import Console

from churn_ml.grid import WIDTH
from churn_ml.receipts import Receipt, TableCount
from churn_ml.screen import show
from churn_ml.views import report

FIRST = date(2017, 1, 1)
SEGMENTS = [
    {"segment": f"LOW_RISK_LOW_VALUE_S{i}", "customers": 10, "value_at_risk": 2.5}
    | {"offered": 3, "holdout": 1}
    for i in range(18)
] + [{"segment": "LOST", "customers": 417, "value_at_risk": 0.0, "offered": 0, "holdout": 44}]
METRIC = [0.8412, 0.83, 0.852]


def shown(told: dict[str, Any], width: int = WIDTH) -> list[str]:
    text = io.StringIO()
    show(told, Console(width=width, highlight=False, markup=False, file=text))
    return text.getvalue().splitlines()


def year() -> list[Receipt]:
    """Fifty weeks of every step."""
    model = {"auc": METRIC, "pr_auc": METRIC, "brier": METRIC, "lift10": METRIC, "grade": "B"}
    told: dict[str, dict[str, Any]] = {
        "ingest": {
            "quarantine": [{"verdict": "quarantined", "rule": "r", "reason": "why", "rows": 1}]
        },
        "train": {},
        "promote": {
            "decision": "keep",
            "champion": "rule-1",
            "reasons": ["it earns less", "one season"],
            "models": [
                *({"name": n, "profit_per_1000": [1, 0, 2]} | model for n in ("champion", "rule")),
                {"name": "oracle", "profit_per_1000": [9, 8, 10], "contacted_share": 0.1},
            ],
        },
        "score": {"segments": SEGMENTS},
        "export": {"destinations": {"crm": {"sent": 1, "unchanged": 2, "removed": 0}}},
        "learn": {
            "realised": [
                {
                    "as_of": "2017-10-01",
                    "risk_band": "high",
                    "customers": 0,
                    "mean_score": None,
                    "churned": [None, 0.0, 1.0],
                }
            ]
        },
    }
    return [
        Receipt(step, FIRST + timedelta(weeks=week), "done", (TableCount("t", 1, 1),), 1.0, {}, d)
        for week in range(50)
        for step, d in told.items()
    ]


def test_a_year_of_receipts_fits_one_screen() -> None:
    lines = shown(report(year()))
    assert 24 <= len(lines) <= 60
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize("width", [50, 72, 80, 100, WIDTH])
def test_no_cell_is_broken_however_narrow_the_terminal(width: int) -> None:
    lines = shown(report(year()), width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for cell in ("0.841 [0.830, 0.852]", "LOW_RISK_LOW_VALUE_S4", "quarantined", "1 [0, 2]"):
        assert cell in text, cell
    assert text.count("0.841 [0.830, 0.852]") == 4, "two metrics with three digits of two models"


def test_on_72_columns_the_steps_are_a_table_without_what_can_be_spared() -> None:
    heads = next(line.split() for line in shown(report(year()), 72) if line.startswith("step "))
    assert heads[-2:] == ["quarantined", "seconds"]
    wide = next(line.split() for line in shown(report(year())) if line.startswith("step "))
    assert wide[-3:] == ["quarantined", "excluded", "seconds"]


def test_the_command_to_go_on_is_one_line_to_be_copied() -> None:
    said = {"settings": "demo/churn.toml", "lake": "demo/lake"}
    told = report(year()) | {"places": said, "seconds_after_install": 1.0, "peak_pss_mb": 1.0}
    command = "export KEY=complete-journey-demo-key; churn-ml report --config demo/churn.toml"
    assert f"  {command}" in shown(told | {"go_on": command}, 40)


def test_a_plan_that_waits_is_counted_among_the_exports_with_what_shows_it() -> None:
    asks = {"upserts": 60, "removals": 10, "refused": False}
    zero = {"sent": 0, "unchanged": 0, "removed": 0, "rejected": 0, "older": 3}
    told = {"destinations": {"crm": {**zero, "asks": asks}}}
    lines = shown(report([Receipt("export", FIRST, "asks", details=told)]))
    assert "Exports; what waits: churn-ml export waiting" in "\n".join(lines)
    assert [line.split() for line in lines if " crm " in line] == [
        [FIRST.isoformat(), "crm", "0", "0", "0", "0", "3", "70"]
    ]


def test_the_newest_two_as_ofs_of_each_step_are_shown() -> None:
    lines = shown(report(year()))
    score = [line.split()[1] for line in lines if line.startswith("score ")]
    assert score == ["2017-12-03", "2017-12-10"]


def test_the_segments_add_up_to_who_was_scored_and_the_others_stand_apart() -> None:
    lines = [" ".join(line.split()) for line in shown(report(year()))]
    assert "LOW_RISK_LOW_VALUE_S4 10 2.50 3 1" in lines
    assert "and 13 more in the report 130 32.50 39 13" in lines
    assert "all who were scored 180 45.00 54 18" in lines
    assert "outside the contract 417 - - 44" in lines
    assert not any(line.startswith("LOST") for line in lines)


def test_a_failed_step_is_shown_with_its_reason_until_it_succeeds() -> None:
    why = {"error": "no file for table orders | next step: correct the glob"}
    failed = Receipt("ingest", FIRST, "failed", details=why)
    assert any("next step: correct the glob" in line for line in shown(report([failed])))
    again = shown(report([failed, Receipt("ingest", FIRST, "done")]))
    assert not any("failed" in line or "glob" in line for line in again)


def test_a_model_without_grade_shows_a_dash_and_references_stand_below() -> None:
    lines = shown(report([*year(), Receipt("promote", date(2018, 1, 1), "refused", details={
        "models": [{"name": "rule", "auc": METRIC, "grade": "D"},
                   {"name": "nobody", "profit_per_1000": [0, 0, 0]}],
        "reference": "rule",
    })]))  # fmt: skip
    assert next(line for line in lines if line.startswith("rule ")).split()[1] == "-"
    assert "For comparison, profit per 1,000: nobody 0" in lines


def test_brackets_in_a_reason_are_printed_as_they_are() -> None:
    told = {"decision": "keep", "reasons": ["raise [gate] resamples"], "champion": None}
    lines = shown(report([Receipt("promote", FIRST, "refused", details=told)]))
    assert any("raise [gate] resamples" in line for line in lines)


def rate(month: str, of: str = "all", word: str = "all") -> dict[str, Any]:
    shares = {"churn_rate": 0.25, "retention_rate": 0.75, "repurchase_rate": None}
    return {"month": month, "slice": of, "word": word, "customers": 1234, "buyers": 9} | shares


def test_rates_and_every_contract_fit_eighty_columns() -> None:
    word = "MEDIUM_RISK_MEDIUM_VALUE_RETURNING"
    rates = [rate("2017-08-01"), rate("2017-09-01"), rate("2017-09-01", "segment", word)]
    receipts = [
        Receipt("rates", FIRST, "done", details={"rates": rates}),
        Receipt("score@renewal", FIRST, "done", details={"segments": SEGMENTS}),
        Receipt("promote@renewal", FIRST, "promoted", details={"champion": "rule-0123456789ab"}),
        Receipt("rates@renewal", FIRST, "done", details={"rates": rates[:1]}),
    ]
    lines = shown(report(receipts), 80)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    main, renewal = text.split("Under the contract renewal:")
    assert f"segment {word}" in " ".join(main.split())
    for part in ("2017-08", "25.0%", "75.0%", "1,234"):
        assert part in main, part
        assert part in renewal, part
    assert "champion: rule-0123456789ab" in renewal
    assert "all who were scored" in renewal


def test_an_empty_house_shows_nothing() -> None:
    assert shown(report([])) == []
