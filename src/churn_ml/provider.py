"""What Airflow is told of the connection types that churn_ml brings.

Enters: nothing. Leaves: the description that Airflow reads by the entry point
`apache_airflow_provider`, to offer the type in Admin > Connections and to find its hook. Airflow is
not imported here; the hooks lie in the plugins folder.

Worked example: the form of a HubSpot connection asks for a token and hides what HubSpot has not.

>>> [told["connection-type"] for told in provider_info()["connection-types"]]
['hubspot']
"""

from __future__ import annotations

from typing import Any


def provider_info() -> dict[str, Any]:
    """The provider as Airflow's own are described, in JSON's types."""
    return {
        "package-name": "churn-ml",
        "name": "churn_ml",
        "description": "Churn early warning and win-back: hooks of the CRMs it exports to",
        "connection-types": [
            {
                "connection-type": "hubspot",
                "hook-class-name": "churn_hooks.hubspot.HubSpotHook",
                "hook-name": "HubSpot",
                "conn-fields": {
                    "refresh_token": {
                        "label": "Refresh token (OAuth apps only)",
                        "schema": {"type": ["string", "null"], "format": "password"},
                    }
                },
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "port", "extra"],
                    "relabeling": {
                        "password": "Token of the private app, or client secret",
                        "login": "Client ID (OAuth apps only)",
                    },
                    "placeholders": {"host": "api.hubapi.com", "password": "pat-eu1-..."},
                },
            }
        ],
    }
