"""The destinations: where the segments go.

Enters: the sections [destinations.NAME]. Leaves: a `Destination` for each name, whose kind is a row
of kinds.py. Worked example: the segments of 2017-10-01 go to a folder of CSV files, which contacts
nobody by itself.

>>> told = Destination(kind="file", target="out")
>>> told.format, told.delivers
('csv', False)
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from churn_ml.config.kinds import EVERY_KIND, kind_of
from churn_ml.config.section import ConnectionName, Section

TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,55}")
"""What the table of a SQL destination may be called, with room for the `_owner` beside it."""
_DATABASE = re.compile(r"(sqlite|postgresql)(\+\w+)?://|\$\{\w+\}")
"""How the URL of a database begins that is known, or that only the environment holds."""

DestinationName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""What a destination may be called: it stands in questions, on the page and in commands."""


class Destination(Section):
    """One place the scored segments go: a folder of files, a SQL table or a CRM.

    `target` of a file or sql destination is a folder, or a database URL that may hold `${NAME}` for
    the environment's value, and `table` the SQL table. A CRM has in its place a `connection` (an
    Airflow connection's name; `AIRFLOW_CONN_NAME` holds it where there is no Airflow), which holds
    its address and secrets. `object` and `key` name what is filled there and its unique field that
    holds customer_id, where they are not the kind's own. `format` is that of a file destination's
    files. `delivers` is True only where an acknowledged row means that the customer was contacted.
    Scores are told in steps of `score_step`. `contract` names one of [contracts] whose segments it
    gets; the main contract's otherwise. An export that would change a larger share of the customers
    it holds than `ask_above`, and 100 rows or more, waits for a person's yes; so does the first,
    while it holds nobody, unless `first_load` is "send".

    `batch_size`: rows sent at once; a kind's own where absent. All workers together make at most
    `requests_per_10_seconds` (100 where absent, 1,000 of Tryton) and, in a day of UTC,
    `requests_per_day` requests; the latter is what you leave to this export of what the vendor
    allows you. A customer's record that a person has deleted there is made anew only with
    `recreate`. `test_host` lets a CRM be on this very machine and without https, for tests;
    `private_network` lets one that you run yourself be in your own network. `page` is where people
    look at the target: Airflow's export tasks link to it.
    """

    kind: Annotated[str, AfterValidator(lambda name: kind_of(name).name)]
    target: str = ""
    format: Literal["csv", "parquet"] = "csv"
    connection: ConnectionName = ""
    table: str = "churn_segments"
    object: str = ""
    key: str = ""
    delivers: bool = False
    score_step: Annotated[float, Field(gt=0, le=1)] = 0.05
    contract: str | None = None
    ask_above: Annotated[float, Field(ge=0)] = 0.3
    first_load: Literal["ask", "send"] = "ask"
    batch_size: Annotated[int, Field(gt=0)] | None = None
    requests_per_10_seconds: Annotated[int, Field(ge=2)] | None = None
    requests_per_day: Annotated[int, Field(gt=0)] | None = None
    recreate: bool = False
    test_host: bool = False
    private_network: bool = False
    page: str = ""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Destination:
        """A place named the wrong way, or a setting that the kind does not know, is an error.

        A setting that says its default changes nothing: `churn-ml config check` prints every one.
        """
        kind = kind_of(self.kind)
        if not getattr(self, kind.needs):
            raise ValueError(f"a destination of kind {self.kind} needs {kind.needs}")
        default = {name: field.default for name, field in type(self).model_fields.items()}
        said = {name for name in self.model_fields_set if getattr(self, name) != default[name]}
        odd = sorted(said - EVERY_KIND - kind.knows - {kind.needs})
        if odd:
            raise ValueError(f"a destination of kind {self.kind} knows no {', '.join(odd)}")
        return self

    @model_validator(mode="after")
    def _leads_where_its_kind_goes(self) -> Destination:
        """A URL for a folder, or a URL or a table no statement could be sure of, is an error.

        The target is never shown: it may hold a password.
        """
        fills = kind_of(self.kind).fills
        if fills == "folder" and "://" in self.target:
            raise ValueError(f"target of a destination of kind {self.kind} is a folder, not a URL")
        if fills == "database" and not _DATABASE.match(self.target):
            raise ValueError(
                f"target of a destination of kind {self.kind} is sqlite:///FILE or"
                " postgresql://HOST/DATABASE, its password as ${NAME}"
            )
        if fills == "database" and not TABLE_NAME.fullmatch(self.table):
            raise ValueError(
                "table is no name of a table: letters, digits and underscores, 56 at most"
            )
        return self

    @property
    def object_filled(self) -> str:
        """`object`, or the kind's own where it is not said."""
        return self.object or kind_of(self.kind).object

    def place(self, root: Path) -> tuple[str, ...]:
        """What is filled: two destinations with the same would undo each other's exports.

        `root`: the folder that a relative target lies below. What a connection or `${NAME}` stands
        for is not looked up, and who signs in to a database makes it no other one.

        >>> one = Destination(kind="sql", target="postgresql://ada:x@db/bi")
        >>> one.place(Path("/shop"))
        ('database', 'db:5432/bi', 'churn_segments')
        >>> one.place(Path()) == Destination(kind="sql", target="postgresql://db:5432/bi").place(Path())
        True
        """
        kind = kind_of(self.kind)
        if kind.fills == "folder":
            return kind.fills, os.path.realpath(root / self.target)
        if kind.fills == "database":
            return kind.fills, _database(self.target, root), self.table
        return kind.name, self.connection, self.object_filled


def _database(url: str, root: Path) -> str:
    """The database of a URL without who signs in to it; of SQLite the file."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        return os.path.realpath(root / rest.removeprefix("/").partition("?")[0])
    server, _, name = rest.rpartition("@")[2].partition("/")
    with_port = server if ":" in server else f"{server}:5432"
    return f"{with_port.lower()}/{name.partition('?')[0]}" if scheme != url else url
