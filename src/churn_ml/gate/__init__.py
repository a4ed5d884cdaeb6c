"""The gate: what a policy earns on matured rows, and whether a challenger replaces the champion.

Enters: policies scored on one frozen evidence. Leaves: earnings with their uncertainty, a grade
against simple rules, and a verdict in money. Formulas: docs/economics.md (a) and (b).

    bootstrap.py   clustered, studentised resampling over customers
    delong.py      the AUC with its uncertainty, and the paired difference of two
    evidence.py    the frozen rows, their labels and values, and their hash
    policies.py    who is contacted with what on them
    evaluation.py  what policies earn on them, and the paired difference of two
    guards.py      what must not get worse: calibration, slices, prediction
    grade.py       A to D against the best simple rule
    notes.py       how much could have been found, said beside every verdict
    trial.py       champion against challenger: everything that a verdict is reached from
    lanes.py       what a challenger must show: profit, predictions or a refresh
    judging.py     the verdict on a trial: promote, keep or undecidable
    threshold.py   whether the champion's threshold alone is to be changed
    seasons.py     how much cut-offs differ, from four of them on
    verdicts.py    the verdict as a record that the ledger keeps
    policy_value.py  what policies would have earned, from customers left alone at random
    diagnosis.py   the field's own figures beside a verdict: DeLong, MPC, EMPC, lift

Worked example: on 2017-11-01 the evidence is the cut-off 2017-10-01; XGBoost earns 445 USD per
1,000 customers more than the champion, lower bound 104, needed 9.1: promote.
"""
