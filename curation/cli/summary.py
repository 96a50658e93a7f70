"""`curate summary`: the round in five lines."""

import typer

from curation.cli.app import app


@app.command()
def summary() -> None:
    """Say in five lines what the last `dvc repro` made, and what to run next.

    Example: curate summary
    """
    from curation.project import Project
    from curation.report.summary import summary as summarise

    for line in summarise(Project.find()):
        typer.echo(line)
