"""`curate summary` describes the round in five lines."""

from curation.cli.shared.app import app
from curation.cli.shared.output import say


@app.command()
def summary() -> None:
    """Describe in five lines what the last `dvc repro` made, and name the next command.

    Use it after each run.

    Example: curate summary
    """
    from curation.project import Project
    from curation.report.summary import summary as summarise

    for line in summarise(Project.find()):
        say(line)
