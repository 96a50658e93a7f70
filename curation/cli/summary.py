"""`curate summary`: the round in five lines."""

from curation.cli.shared.app import app
from curation.cli.shared.output import say


@app.command()
def summary() -> None:
    """Say in five lines what the last `dvc repro` made, and what to run next.

    Example: curate summary
    """
    from curation.project import Project
    from curation.report.summary import summary as summarise

    for line in summarise(Project.find()):
        say(line)
