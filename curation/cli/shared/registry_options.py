"""The options that `curate promote` and `curate rollback` share."""

from typing import Annotated

import typer

Reason = Annotated[str, typer.Option("--reason", help="Why, in words. It is kept in the log and in the model card.")]
Commit = Annotated[
    bool,
    typer.Option(help="Commit the change and tag the version. Nothing is committed while other changes are pending."),
]
