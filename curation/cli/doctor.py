"""`curate doctor` checks that everything that the pipeline needs is there, and says how to fix what is not."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import note, say, show
from curation.errors import CurationError

MARKS = {"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}


@app.command()
def doctor(
    mend: Annotated[
        bool, typer.Option("--mend", help="First mend what killed processes left: see the checks below.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list of objects: name, state, found, fix.")
    ] = False,
) -> None:
    """Check Python, torch, FiftyOne, DVC, git, the disk and the data, and say how to fix each problem.

    Use it after the installation, or when a command fails. The exit code is 1 when something is broken; a note is only
    advice. Outside of a project only the machine is checked.

    --mend completes an interrupted command (or takes it back where its files were changed since), removes drafts and
    locks that killed processes left, and tags versions that have no tag. It changes nothing else.

    Examples: curate doctor; curate doctor --mend
    """
    from curation.cli import checks
    from curation.project import Project

    found, project = [], Project.find_or_here()
    if mend and project.begun:
        _mend(project.root)
    of_project = (*checks.REPOSITORY_CHECKS, *checks.DATA_CHECKS, *checks.LEFTOVER_CHECKS)
    questions = (*checks.MACHINE_CHECKS, *(of_project if project.begun else (checks.no_project,)))
    for check in checks.run_checks(project.root, questions):
        found.append(check)
        if not as_json:
            say(f"{MARKS[check.state]}  {check.name:<10} {check.found}")
            if check.fix:
                say(f"{'':<18} -> {check.fix}")
    if as_json:
        show([asdict(check) for check in found], as_json=True)
    raise typer.Exit(any(check.state is checks.State.BROKEN for check in found))


def _mend(root: Path) -> None:
    from curation.cli.checks import MENDS

    for repair in MENDS:
        try:
            for line in repair(root):
                note(f"mended: {line}")
        except CurationError as error:
            note(f"not mended: {error}")
