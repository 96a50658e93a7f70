"""`curate versions` lists what was promoted and rolled back."""

from pathlib import Path

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import new_file, note, show


@app.command()
def versions(
    register: bool = typer.Option(False, "--register", help="Tag the current version on the last commit, as GTO does."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    csv: Path | None = typer.Option(None, "--csv", help="Write a CSV file as well.", callback=new_file),
) -> None:
    """List every promotion and rollback, newest first, with the measured accuracies.

    Use it to see what was in production when, and to find a version for `curate rollback`.

    Example: curate versions --json
    """
    from curation.project import Project
    from curation.registry.versions import listed, read_log

    project = Project.find()
    log = read_log(project)
    if register and log:
        from curation.registry.register import tag

        for line in tag(project, log[-1]):
            note(line)
    show(listed(log), as_json=as_json, csv=csv, title="versions")
