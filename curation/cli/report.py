"""`curate report`: the round in pictures."""

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say


@app.command()
def report(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="where the page goes; reports/report.html when left out")
    ] = None,
    *,
    show: Annotated[bool, typer.Option("--open", help="open it in the browser")] = False,
) -> None:
    """Write the round as one HTML page that opens from disk: images, twins, classes, model, mistakes, what to do next.

    It reports whatever stages have run. `dvc repro` writes the same page to reports/report.html.

    Example: curate report --out round-3.html --open
    """
    from curation.project import Project
    from curation.report import write_report

    project = Project.find()
    out = out or project.report_page
    sections = write_report(project, out)
    say(f"{sections} sections in {project.shown(out)}")
    if show:
        typer.launch(out.resolve().as_uri())
