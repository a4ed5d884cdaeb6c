"""The table that a SQL destination fills, and the one beside it that says who may.

Enters: a table name, or a table that is there. Leaves: SQLAlchemy tables with the columns of an
export, or BadConfig naming what a table lacks, before row 1. Worked example: `churn_segments` has a
column `score` of type text: it is named as mistyped, and the export has sent nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from churn_ml.crm.payload import FIELDS
from churn_ml.crm.protocol import Cell
from churn_ml.errors import BadConfig

_TYPES: dict[str, tuple[Any, tuple[type, ...]]] = {
    "text": (sa.Text(), (str,)),
    "number": (sa.Double(), (float, Decimal)),
    "date": (sa.Date(), (date,)),
}
"""Our type, and the Python types of columns that hold it."""
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def exported(name: str) -> sa.Table:
    """The table `name` with one column a field of an export; its key is customer_id.

    >>> [column.name for column in exported("churn_segments").primary_key]
    ['customer_id']
    """
    columns = (
        sa.Column(
            field.name,
            _TYPES[field.type][0],
            primary_key=field.name == "customer_id",
            nullable=field.name not in ("customer_id", "as_of"),
        )
        for field in FIELDS
    )
    return sa.Table(name, sa.MetaData(), *columns)


def owner_of(table: sa.Table) -> sa.Table:
    """The table of one row beside `table`: who feeds it, and the newest as_of it was fed with.

    >>> owner_of(exported("churn_segments")).name
    'churn_segments_owner'
    """
    return sa.Table(
        f"{table.name}_owner",
        table.metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("newest_as_of", sa.Date, nullable=False),
    )


def check_columns(inspector: sa.Inspector, name: str, where: str) -> None:
    """Raise BadConfig where the table `name` that is there cannot take an export.

    `where`: the section of churn.toml that names it.
    """
    there = {c["name"]: c["type"] for c in inspector.get_columns(name)}
    wrong = [
        field.name
        for field in FIELDS
        if field.name not in there or not _holds(there[field.name], _TYPES[field.type][1])
    ]
    key = inspector.get_pk_constraint(name)["constrained_columns"]
    if wrong or key != ["customer_id"]:
        raise BadConfig(
            f"table {name} cannot take the export",
            where=where,
            got=f"missing or mistyped: {', '.join(wrong) or 'none'}; key: {', '.join(key)}",
            expected="the columns of the export, key customer_id",
            next_step="name a table that does not exist: it is then made",
        )


def _holds(column: sa.types.TypeEngine[Any], types: tuple[type, ...]) -> bool:
    try:
        found = column.python_type
    except NotImplementedError:
        return False
    return found in types


def older(table: sa.Table, day: Any) -> sa.ColumnElement[bool]:
    """Whether a row may be replaced by one as of `day`, a date or an expression of one.

    What is no date, which SQLite lets anybody write, holds nothing up.
    """
    return sa.or_(table.c.as_of <= day, sa.func.date(table.c.as_of).is_(None))


def unholdable(cells: Mapping[str, Cell]) -> str:
    """The field with a text that no database holds; empty where there is none.

    >>> unholdable({"score": 0.6, "stage": "\\ud800", "segment": "LOST"})
    'stage'
    """
    texts = ((name, cell) for name, cell in cells.items() if isinstance(cell, str))
    return next((name for name, text in texts if _NO_TEXT.search(text)), "")
