"""WORLD IN: where lots of canonical tables come from.

kinds.py         every kind of source, and the one door to all of them
protocol.py      what a source is: lots, and their rows in batches
mapping.py       what [sources.TABLE] may say
files.py         files of a shop as lots
places.py        where files are: below churn.toml, or in an object store
formats.py       CSV, Parquet and JSON lines; delimited.py and json_lines.py read the text
native.py        which types a file's column may have
propose.py       a first churn.toml; samples.py looks into the files, guesses.py knows words
postgres.py      a database as lots; postgres_rows.py reads it through
                 session.py, landing.py keeps what it said
complete_journey.py   the demo shop
"""

from churn_ml.sources.kinds import SOURCES, Kind, entries_of, open_source, resolved
from churn_ml.sources.protocol import BATCH_ROWS, LOT_COLUMNS, Entry, Lot, Source

__all__ = [
    "BATCH_ROWS",
    "LOT_COLUMNS",
    "SOURCES",
    "Entry",
    "Kind",
    "Lot",
    "Source",
    "entries_of",
    "open_source",
    "resolved",
]
