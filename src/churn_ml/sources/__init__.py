"""WORLD IN: where lots of canonical tables come from.

A new source is a file here and a row in `kinds.py`.

    kinds.py         every kind of source, and the one door to all of them
    protocol.py      what a source is: lots, and their rows in batches
    mapping.py       what [sources.TABLE] may say
    expressions.py   the small language of churn.toml; nodes.py lists what it may hold,
                     computing.py has DuckDB compute it
    files.py         files of a shop as lots; mapped.py maps, chooses and groups their rows,
                     packing.py makes batches of them
    untimed.py       columns brought without the time they wait for
    places.py        where files are: below churn.toml, or in an object store
    formats.py       one file to rows; text.py, delimited.py and json_lines.py read text,
                     header.py finds the columns, native.py knows their types
    postgres.py      a database as lots; postgres_settings.py says what it may be told,
                     postgres_rows.py reads it through session.py, landing.py keeps what it said
    complete_journey.py, cdnow.py, online_retail.py   public data sets, one file each
    propose.py       a first churn.toml; samples.py looks into the files, guesses.py knows words,
                     german.py and italian.py those of these languages,
                     closing.py has what no file tells
    skeleton.py      a first file, test and page of a new source
"""

from churn_ml.sources.kinds import SOURCES, Kind, entries_of, open_source, resolved
from churn_ml.sources.protocol import BATCH_ROWS, LOT_COLUMNS, Entry, Lot, Source
from churn_ml.sources.untimed import untimed

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
    "untimed",
]
