"""`curate summary`: the round in five lines."""

from pathlib import Path

import typer

from curation.cli.app import app


@app.command()
def summary() -> None:
    """Say in five lines what the last `dvc repro` made, and what to run next.

    Example: curate summary
    """
    from curation.report.summary import summary as summarise

    for line in summarise(Path()):
        typer.echo(line)
