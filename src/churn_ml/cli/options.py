"""Options: what several commands take, named and explained once.

Enters: nothing. Leaves: annotated types for the commands' parameters. Worked example: every step
takes `as_of: AsOf`, which a shell writes as `--as-of 2017-10-01`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The shop's churn.toml.")]
AsOf = Annotated[
    str, typer.Option("--as-of", help="End of the known world, exclusive: YYYY-MM-DD, 00:00 UTC.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON and nothing else; warnings go to stderr.")
]
Repin = Annotated[
    bool,
    typer.Option("--repin", help="On a re-run take new lots, versions, model and configuration."),
]
ContractName = Annotated[
    str,
    typer.Option("--contract", help="Name of a further contract; the main one where left out."),
]
DestinationName = Annotated[
    str, typer.Argument(help="The destination, by its name in [destinations].")
]
Limit = Annotated[
    int | None,
    typer.Option(min=0, help="Dry run: rows of each kind to show; 0 is all. 5, in JSON all."),
]
RowsFile = Annotated[
    Path | None,
    typer.Option(
        "--rows", help="Dry run: a new CSV file for every row, a line for each changed field."
    ),
]
Approver = Annotated[str | None, typer.Option(help="Who answers a verdict to promote.")]
DEFAULT_CONFIG = Path("churn.toml")
