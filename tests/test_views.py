"""The report tells the state of the house, whatever was tried, repeated or run for a past date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from churn_ml.concluded import concluded
from churn_ml.grid import Grid
from churn_ml.ledger import NOBODY
from churn_ml.receipts import Receipt, TableCount
from churn_ml.views import report

FIRST, SECOND = date(2017, 10, 1), date(2017, 11, 1)


def promote(as_of: date, champion: str, **details: Any) -> Receipt:
    told = {"champion": champion, "decision": "keep", "challenger": "logistic-2"} | details
    return Receipt("promote", as_of, "refused", details=told)


def failed(step: str, as_of: date) -> Receipt:
    return Receipt(step, as_of, "failed", details={"error": "the disk is full"})


def test_each_further_contract_has_a_part_of_its_own_and_leaves_the_main_one_alone() -> None:
    month = {"month": "2017-09-01", "slice": "all", "word": "all", "churn_rate": 0.25}
    told = report(
        [
            promote(FIRST, "rule-1"),
            replace(promote(SECOND, "rule-9", decision="first"), step="promote@renewal"),
            Receipt("rates", FIRST, "done", details={"rates": [month]}),
            Receipt("rates@renewal", SECOND, "done", details={"rates": []}),
            replace(failed("score", SECOND), step="score@renewal"),
        ]
    )
    (renewal,) = told["contracts"]
    assert (told["champion"], renewal["champion"]) == ("rule-1", "rule-9")
    assert [v["decision"] for v in told["verdicts"]] == ["keep"]
    assert [v["decision"] for v in renewal["verdicts"]] == ["first"]
    assert (told["rates"], told["rates_as_of"]) == ([month], "2017-10-01")
    assert (renewal["rates"], renewal["rates_as_of"]) == ([], "2017-11-01")
    assert (renewal["contract"], renewal["scored_as_of"]) == ("renewal", None)
    assert len(told["steps"]) == 5


def test_a_failed_promote_leaves_the_champion_and_stands_among_the_steps_with_its_error() -> None:
    told = report([promote(FIRST, "rule-1"), failed("promote", SECOND)])
    assert told["champion"] == "rule-1"
    assert len(told["verdicts"]) == 1
    assert [(s["status"], s["error"]) for s in told["steps"]] == [
        ("refused", None),
        ("failed", "the disk is full"),
    ]


def test_a_promote_for_a_past_date_does_not_take_the_champion_back() -> None:
    told = report([promote(SECOND, "xgboost-3"), promote(FIRST, "rule-1")])
    assert told["champion"] == "xgboost-3"
    assert [v["as_of"] for v in told["verdicts"]] == ["2017-10-01", "2017-11-01"]


def test_a_failed_score_and_one_without_champion_leave_the_segments() -> None:
    segments = [{"segment": "LOST", "customers": 3}]
    scored = Receipt("score", FIRST, "done", details={"segments": segments, "consent": {"x": 1}})
    none = Receipt("score", SECOND, "no_champion")
    told = report([scored, failed("score", SECOND), none])
    assert (told["segments"], told["scored_as_of"]) == (segments, "2017-10-01")
    assert told["consent"] == {"x": 1}


def test_who_was_scored_and_who_is_outside_the_contract_are_added_up_apart() -> None:
    money = {"value_at_risk": 10.5, "offered": 2, "holdout": 3}
    nothing = {"value_at_risk": 0.0, "offered": 0, "holdout": 4}
    codes = ("HIGH_RISK_LOW_VALUE_SILENT", "LOW_RISK_LOW_VALUE_NEW", "LOST", "NEW")
    rows = [
        {"segment": code, "customers": 7} | (nothing if code in ("LOST", "NEW") else money)
        for code in codes
    ]
    told = report([Receipt("score", FIRST, "done", details={"segments": rows})])
    assert told["scored"] == {"customers": 14, "value_at_risk": 21.0, "offered": 4, "holdout": 6}
    assert told["outside"] == {"customers": 14, "value_at_risk": 0.0, "offered": 0, "holdout": 8}


def test_scoring_a_past_date_leaves_the_newest_segments() -> None:
    rows = [
        Receipt("score", day, "done", details={"segments": [{"segment": name}]})
        for day, name in ((SECOND, "NEW"), (FIRST, "LOST"))
    ]
    assert report(rows)["segments"] == [{"segment": "NEW"}]


def test_a_learn_that_found_nothing_leaves_the_realised_churn() -> None:
    learned = Receipt("learn", FIRST, "done", details={"realised": [{"risk_band": "high"}]})
    told = report([learned, Receipt("learn", SECOND, "no_data")])
    assert told["realised"] == [{"risk_band": "high"}]


def test_a_dry_run_is_not_listed_as_sent() -> None:
    counts = {"destinations": {"crm": {"sent": 7, "unchanged": 0}}}
    sent = Receipt("export", FIRST, "done", details=counts)
    told = report([sent, Receipt("export", SECOND, "dry_run", details=counts)])
    assert told["exports"] == [
        {"as_of": "2017-10-01", "destination": "crm", "sent": 7, "unchanged": 0}
    ]
    assert len(told["steps"]) == 2


def test_an_ingest_run_again_counts_once_by_its_last_receipt() -> None:
    def ingest(as_of: date, rows: int) -> Receipt:
        return Receipt("ingest", as_of, "done", details={"quarantine": [{"rows": rows}]})

    told = report([ingest(FIRST, 9), ingest(SECOND, 4), ingest(FIRST, 8), failed("ingest", FIRST)])
    assert told["quarantine"] == [
        {"as_of": "2017-10-01", "rows": 8},
        {"as_of": "2017-11-01", "rows": 4},
    ]


def judge(as_of: date, status: str, **details: Any) -> Receipt:
    told = {"decision": status, "champion_from": "rule-1", "challenger": "logistic-2"} | details
    return Receipt("judge", as_of, status, details=told)


def test_a_verdict_that_nobody_answered_is_listed_as_waiting() -> None:
    told = report([promote(FIRST, "rule-1"), judge(SECOND, "promote", reasons=["earns more"])])
    assert told["champion"] == "rule-1"
    beside = dict.fromkeys(("lane", "signs", "diagnosis", "override_only"))
    assert told["verdicts"][1] | {"interval": 0, "grade": 0} == beside | {
        "as_of": "2017-11-01",
        "decision": "promote, waiting for an answer",
        "champion": "rule-1",
        "challenger": "logistic-2",
        "reasons": ["earns more"],
        "chosen": None,
        "interval": 0,
        "grade": 0,
        "approver": None,
    }


def test_an_answered_verdict_waits_no_more_even_when_judged_again() -> None:
    judged = judge(SECOND, "promote")
    answer = promote(SECOND, "logistic-2", champion_from="rule-1", decision="promote")
    assert [v["decision"] for v in report([judged, answer])["verdicts"]] == ["promote"]
    assert [v["decision"] for v in report([judged, answer, judged])["verdicts"]] == ["promote"]
    assert [v["decision"] for v in report([judged, answer, answer])["verdicts"]] == ["promote"]


def test_a_verdict_judged_anew_with_another_end_waits_no_more() -> None:
    rows = [judge(SECOND, "promote"), judge(SECOND, "keep", evidence_hash="new")]
    assert report(rows)["verdicts"] == []


def test_a_later_verdict_lets_an_unanswered_one_lapse() -> None:
    told = report([judge(FIRST, "promote"), judge(SECOND, "promote")])
    assert [v["decision"] for v in told["verdicts"]] == [
        "promote, nobody answered",
        "promote, waiting for an answer",
    ]


def test_a_failed_answer_leaves_the_verdict_waiting() -> None:
    told = report([judge(SECOND, "promote"), failed("promote", SECOND)])
    assert [v["decision"] for v in told["verdicts"]] == ["promote, waiting for an answer"]


def test_a_no_that_nobody_said_is_told_so() -> None:
    no = promote(SECOND, "rule-1", decision="promote", kind="refuse", approver=NOBODY)
    assert [v["decision"] for v in report([no])["verdicts"]] == ["promote, nobody answered"]


def test_a_no_is_told_with_its_name() -> None:
    no = promote(SECOND, "rule-1", decision="promote", kind="refuse", approver="Ada")
    assert report([no])["verdicts"][0]["decision"] == "promote, refused by Ada"


def test_references_stand_apart_and_what_others_are_graded_against_has_no_grade() -> None:
    rule = {"name": "rule", "auc": [0.7, 0.6, 0.8], "grade": "D", "profit_per_1000": [1, 0, 2]}
    better = rule | {"name": "xgboost", "grade": "B"}
    nobody = {"name": "nobody", "profit_per_1000": [0, 0, 0], "contacted_share": 0.0}
    rows = [rule, better, nobody]
    told = report([promote(FIRST, "rule-1", models=rows, reference="rule")])
    assert [(m["name"], m["grade"]) for m in told["models"]] == [("rule", None), ("xgboost", "B")]
    assert told["references"] == [nobody]
    assert report([promote(FIRST, "rule-1", models=rows)])["models"][0]["grade"] == "D"


def test_models_come_from_the_newest_verdict_a_waiting_one_too() -> None:
    new = [{"name": "xgboost", "auc": [0.8, 0.7, 0.9], "grade": "B"}]
    told = report([judge(SECOND, "promote", models=new), promote(FIRST, "rule-1", models=[])])
    assert told["models"] == new


def test_a_step_sums_the_rows_of_its_tables() -> None:
    tables = (TableCount("orders", 10, 7, 2, 1), TableCount("order_lines", 20, 19, 1))
    step = report([Receipt("ingest", FIRST, "done", tables=tables, seconds=1.5)])["steps"][0]
    assert [step[k] for k in ("rows_in", "rows_out", "quarantined", "excluded", "seconds")] == [
        30,
        26,
        3,
        1,
        1.5,
    ]


def test_a_step_that_counts_no_rows_has_none_not_zero() -> None:
    step = report([promote(FIRST, "rule-1")])["steps"][0]
    assert (step["rows_in"], step["rows_out"], step["quarantined"], step["excluded"]) == (None,) * 4


def test_the_newest_diagnosis_stands_below_the_verdicts_with_what_it_cannot_say() -> None:
    side = {"auc": [0.72, 0.69, 0.75], "mpc": 2.354, "mpc_share": 0.527, "coverage": 0.216}
    blind = dict.fromkeys(("empc", "empc_share"), None) | {"lift": 2.16}
    told = side | blind | {"value_weighted_lift": 2.05}
    found = {"champion": told, "challenger": told, "auc_p": 1.0, "at_share": 0.1, "asked": None}
    rows = [promote(FIRST, "rule-1", diagnosis=found), promote(SECOND, "rule-1", decision="first")]
    (shown,) = [
        part
        for part in concluded(report(rows))
        if isinstance(part, Grid) and part.title.startswith("\nDiagnosis")
    ]
    assert shown.title.endswith("the first 10.0% by score")
    assert shown.rows[0] == [
        *("champion", "0.720 [0.690, 0.750]", "2.35 at 52.7%"),
        *("-", "2.16", "0.22", "2.05"),
    ]
