"""`curate doctor` checks that everything that the pipeline needs is there, and says how to fix what is not."""

from dataclasses import asdict
from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say, show

MARKS = {"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}


@app.command()
def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list of objects: name, state, found, fix.")
    ] = False,
) -> None:
    """Check Python, torch, FiftyOne, DVC, git, the disk and the data, and say how to fix each problem.

    Use it after the installation, or when a command fails. The exit code is 1 when something is broken; a note is only
    advice. Outside of a project only the machine is checked.

    Example: curate doctor
    """
    from curation.cli.checks import DATA_CHECKS, MACHINE_CHECKS, REPOSITORY_CHECKS, State, no_project, run_checks
    from curation.project import Project

    found, project = [], Project.find_or_here()
    of_project = (*REPOSITORY_CHECKS, *DATA_CHECKS) if project.begun else (no_project,)
    for check in run_checks(project.root, (*MACHINE_CHECKS, *of_project)):
        found.append(check)
        if not as_json:
            say(f"{MARKS[check.state]}  {check.name:<10} {check.found}")
            if check.fix:
                say(f"{'':<18} -> {check.fix}")
    if as_json:
        show([asdict(check) for check in found], as_json=True)
    raise typer.Exit(any(check.state is State.BROKEN for check in found))
