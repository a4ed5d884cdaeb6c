"""The page of churn_ml inside Airflow: what the house did and decided, from receipts alone.

Enters: receipts of the ledger. Leaves: HTML and JSON for whoever may read the runs of the DAGs.

    places.py    the paths of the page and the names of the DAGs
    access.py    who may read
    source.py    the settings and the ledger, found once a process
    words.py     numbers, names and times as a person reads them
    pictures.py  geometry of the drawings
    front.py     what the front page shows
    verdicts.py  what it shows of champion, models and verdicts
    exports.py   what it shows of exports that wait for a yes, or are stopped
    receipt.py   what the page of one receipt shows
    app.py       routes, headers, readable errors
    links.py     links on task instances

No customer is ever read: the lake and the delivery tables stay closed.
"""
