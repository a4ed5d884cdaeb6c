"""Tryton: the parties of a database of a server that the shop runs itself, by JSON-RPC.

    destination.py  a batch in parts, two requests at once; the opener
    writer.py       how rows become parties and attachments
    rights.py       what the user of an export has to be allowed
    parties.py      parties found, made, put into their categories
    tree.py         the categories, and the one that says who feeds them
    notes.py        the attachment with every cell
    cells.py        what a row is in Tryton, and back again
    rpc.py          one call, one transaction; what an error means

Worked example: `kind = "tryton"` in churn.toml is opened by `open_tryton`.
"""

from churn_ml.crm.tryton.destination import TrytonDestination, open_tryton

__all__ = ["TrytonDestination", "open_tryton"]
