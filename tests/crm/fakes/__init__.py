"""Servers that behave like a vendor's CRM, with state, on this machine alone.

faults.py   what goes wrong, request by request
served.py   an HTTP server from the begin of a `with` to its end
server.py   the HTTP server that all fakes are: state, write log, faults
https.py    the hosts of a vendor by https, for a client that insists on both
hubspot.py  HubSpot's contacts and properties
salesforce.py  an object of a Salesforce org, and the ingest jobs of Bulk API 2.0

A fake is used in the test's own process (`with HubSpot() as crm: crm.url`), or as one of its own:
`python -m tests.crm.fakes.hubspot PORT FOLDER`, where FOLDER keeps `writes.jsonl`, the log that
its state is made from at the start, and `faults.jsonl`, one fault a line, read as it grows.
"""
