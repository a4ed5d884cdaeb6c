"""Where the page stands in Airflow, and which DAGs it speaks of.

Worked example: under `[api] base_url = http://127.0.0.1:8080` the receipt score/2017-10-01/1 is at
http://127.0.0.1:8080/plugin/churn/churn/receipts/score/2017-10-01/1, inside Airflow's own frame.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

PREFIX = "/churn"
"""Below this the routes are mounted."""
ROUTE = "churn"
"""The page's name in the UI: /plugin/churn."""
DAGS = (
    "churn_ingest",
    "churn_score",
    "churn_export",
    "churn_learn",
    "churn_train",
    "churn_promote",
)
_REFERENCE = re.compile(
    r"[a-z_]{1,40}(?:@[a-z][a-z0-9_]{0,31})?/[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{1,9}"
)
_TASK = re.compile(r"/dags/([\w.~-]+)/runs/[^/]+(?:/tasks/([\w.~-]+))?")


def base_url() -> str:
    """The address of Airflow, without a slash at the end; "" where none is configured."""
    from airflow.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def root() -> str:
    """The path that Airflow stands below, without a slash at the end; "" at the top of a host."""
    return urlsplit(base_url()).path.rstrip("/")


def is_reference(text: object) -> bool:
    """Whether `text` can be the name of a receipt: STEP/AS_OF/ATTEMPT.

    >>> is_reference("score/2017-10-01/3"), is_reference("score/2017-10-01/99999999999999999999")
    (True, False)
    """
    return isinstance(text, str) and _REFERENCE.fullmatch(text) is not None


def receipt_url(reference: object) -> str:
    """Where the UI shows the receipt called `reference`; "" where that is no reference.

    >>> receipt_url("javascript:alert(1)")
    ''
    """
    if not is_reference(reference):
        return ""
    return f"{base_url()}/plugin/{ROUTE}{root()}{PREFIX}/receipts/{reference}"


def web_url(text: object) -> str:
    """`text` where it is an http(s) URL with a host, else "": nothing else becomes a link.

    >>> web_url("http://127.0.0.1:5000/#/experiments/1")
    'http://127.0.0.1:5000/#/experiments/1'
    >>> web_url("javascript:alert(1)"), web_url("//evil.example"), web_url(None)
    ('', '', '')
    """
    if not isinstance(text, str) or text != text.strip():
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in {"http", "https"} and parts.hostname else ""


def asker(caller: str | None) -> str:
    """Who asked for a step, in a few words.

    >>> asker("http://127.0.0.1:8080/dags/churn_score/runs/manual__1/tasks/score?try_number=1")
    'churn_score, task score'
    >>> asker(None), asker("nightly cron")
    ('a shell', 'nightly cron')
    """
    found = _TASK.search(caller or "")
    if not found:
        return caller or "a shell"
    dag, task = found.groups()
    return f"{dag}, task {task}" if task else dag
