"""The options that `curate promote` and `curate rollback` share."""

from typing import Annotated

import typer

Reason = Annotated[str, typer.Option("--reason", help="The reason in words. The log and the model card keep it.")]
Commit = Annotated[
    bool,
    typer.Option(
        help="Commit the change and tag the version. Nothing is committed while there are other uncommitted changes."
    ),
]
