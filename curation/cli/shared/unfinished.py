"""Before a command starts, complete what a killed command left half-way, or take it back."""

import sys

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import note

BY_THEMSELVES = {"doctor", "promote", "rollback"}  # doctor only looks; the other two must know what they complete


@app.callback()
def settle(context: typer.Context) -> None:
    """Settle the journal of this folder's project, and say so in one line. A page of help changes nothing."""
    if "--help" in sys.argv:
        return
    from curation.project import Project  # it loads pandas

    project = Project.find_or_here()
    if context.invoked_subcommand not in BY_THEMSELVES and project.begun and (said := project.journal.settle()):
        note(said)
