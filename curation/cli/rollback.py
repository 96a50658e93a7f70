"""`curate rollback` makes an earlier version the production model again."""

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say
from curation.cli.shared.registry_options import AsJson, Commit, Reason, print_outcome
from curation.cli.shared.waiting import WaitCommand, waits


@app.command(cls=WaitCommand)
@waits
def rollback(
    version: str = typer.Argument(
        "", help="A version that `curate versions` lists. The default is the one before the current."
    ),
    reason: Reason = "",
    commit: Commit = True,
    as_json: AsJson = False,
) -> None:
    """Make the version before the current one, or the version that you name, the production model again.

    Use it when the current model turns out to be worse than the one before.

    Example: curate rollback --reason "dogs are taken for wolves"
    """
    from curation.project import Project
    from curation.registry.gate_check import Choice
    from curation.registry.promote import rollback as roll_back

    done = roll_back(Project.find(), version or None, Choice(reason=reason, commit=commit))
    if as_json:
        print_outcome(done)
        return
    say(f"{done.entry.version} is production again.")
    for note in done.notes:
        say(note)
