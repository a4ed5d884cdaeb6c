"""Commands on sources: which kinds there are, and the skeleton of a new one.

Enters: nothing, or the name of a new kind. Leaves: a list on the screen, or three files in a
checkout: preset, test and page. Worked example: `churn-ml source new corner_shop` writes
`src/churn_ml/sources/corner_shop.py`, `tests/sources/test_corner_shop.py` and
`docs/sources-corner-shop.md`, and says which row to add where.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from churn_ml.cli.options import Json

app = typer.Typer(help="Where rows can come from, and how to add a source.", no_args_is_help=True)


@app.command("list")
def listed(as_json: Json = False) -> None:
    """Print every kind of source with what it reads.

    Reads: nothing. Writes: nothing.
    """
    from churn_ml.sources import SOURCES

    if as_json:
        print(json.dumps({name: kind.about for name, kind in SOURCES.items()}, indent=1))
        return
    width = max(map(len, SOURCES))
    for name, kind in SOURCES.items():
        print(f"{name:<{width}}  {kind.about}")


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The kind's name: lower case, with underscores.")],
    checkout: Annotated[Path, typer.Option(help="The folder of a churn_ml checkout.")] = Path(),
) -> None:
    """Write the skeleton of a new source into a checkout: preset, test and page.

    Reads: the checkout. Writes: three files, never over one that is there.
    """
    from churn_ml.sources.skeleton import write

    for path in write(name, checkout):
        print(f"wrote {path}")
    print(
        f"now add {name} to SOURCES in src/churn_ml/sources/kinds.py, a place to PLACES in"
        " tests/sources/test_contract.py, and a line to docs/sources.md"
    )
