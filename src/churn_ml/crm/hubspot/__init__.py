"""HubSpot: the contacts of one account, through HubSpot's own client.

    destination.py  what is read, what is sent, what is refused; the opener
    schema.py       the properties there, made or checked, and who feeds them
    client.py       one session: pace, retries, what an error means
    rows.py         rows as HubSpot takes them, and its answers row by row
    properties.py   the names of what the house owns there

Worked example: `kind = "hubspot"` in churn.toml is opened by `open_hubspot`; nothing of HubSpot's
client is imported before the first request.
"""

from churn_ml.crm.hubspot.destination import HubSpotDestination, open_hubspot

__all__ = ["HubSpotDestination", "open_hubspot"]
