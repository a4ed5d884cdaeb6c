"""Salesforce: the records of one object in an org, through Bulk API 2.0.

    destination.py  what is barred, sent, cleared and read; the opener
    fields.py       the fields that the object must have
    jobs.py         one job a file: made, noted, waited for, adopted after a crash
    file.py         the CSV of a job, and that of its results
    org.py          describe and SOQL, over a session that is kept signed in
    login.py        signing in, by Airflow's hook or by the connection's fields
    session.py      HTTP: pace, retries, what an error means

Worked example: `kind = "salesforce"` in churn.toml is opened by `open_salesforce`. This package
imports simple-salesforce, which takes half a second: it is imported where it is named alone.
"""

from churn_ml.crm.salesforce.destination import SalesforceDestination, open_salesforce

__all__ = ["SalesforceDestination", "open_salesforce"]
