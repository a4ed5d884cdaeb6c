"""The HubSpot hook: the connection type HubSpot, and the client that the export itself uses.

Enters: an Airflow connection of type hubspot. Leaves: HubSpot's official client, or whether the
connection is good. How its form looks is said in `churn_ml.provider`, as Airflow 3.2 and later
want it.

Worked example: a task of yours that reads the deals of the account that churn_ml feeds:
`HubSpotHook("hubspot_crm").get_conn().crm.deals.basic_api.get_page(limit=10)`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from churn_ml.errors import ChurnError

if TYPE_CHECKING:
    from churn_ml.crm.hubspot.client import Session


class HubSpotHook(BaseHook):
    """Connects to HubSpot by a private app's token, or an OAuth app's refresh token."""

    conn_name_attr = "hubspot_conn_id"
    default_conn_name = "hubspot_default"
    conn_type = "hubspot"
    hook_name = "HubSpot"

    def __init__(
        self, hubspot_conn_id: str = default_conn_name, *, test_host: bool = False
    ) -> None:
        super().__init__()
        self.hubspot_conn_id = hubspot_conn_id
        self.test_host = test_host

    def get_conn(self) -> Any:
        """The official client, with a token; raises BadConfig or Unreachable where there is none.

        It asks at its own pace: a task that asks much keeps HubSpot's limits itself.
        """
        session = self._session
        if session.renewable:
            session.renew()
        return session.client

    def test_connection(self) -> tuple[bool, str]:
        """Whether HubSpot takes the token and lets it see the contacts' properties."""
        try:
            session = self._session
            asked = session.properties.get_all
            found = session.must("read the properties", asked, "contacts").results
        except ChurnError as error:
            return False, str(error)
        return True, f"HubSpot answers: contacts have {len(found)} properties"

    @cached_property
    def _session(self) -> Session:
        from churn_ml.connections import Endpoint
        from churn_ml.crm.hubspot.client import Session, trouble
        from churn_ml.crm.means import MemoryBuckets
        from churn_ml.crm.remote import Caller
        from churn_ml.limits import Limit

        where = f"the Airflow connection {self.hubspot_conn_id}"
        endpoint = Endpoint.of(self.get_connection(self.hubspot_conn_id).get_uri(), where)
        caller = Caller("hubspot", Limit(100), MemoryBuckets(), trouble, failures_in_a_row=2)
        return Session(endpoint, where, caller, test_host=self.test_host)
