"""`curate rollback`: return to the version that was production before."""

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say
from curation.cli.shared.registry_options import Commit, Reason


@app.command()
def rollback(
    version: str = typer.Argument("", help="A version of `curate versions`; the one before the present when left out."),
    reason: Reason = "",
    commit: Commit = True,
) -> None:
    """Return to the version that was production before.

    Example: curate rollback --reason "dogs are taken for wolves"
    """
    from curation.project import Project
    from curation.registry.promote import Choice
    from curation.registry.promote import rollback as roll_back

    done = roll_back(Project.find(), version or None, Choice(reason=reason, commit=commit))
    say(f"{done.entry.version} is production again.")
    for note in done.notes:
        say(note)
