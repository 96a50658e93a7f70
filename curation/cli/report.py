"""`curate report` writes the HTML report of the round."""

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import new_file, print_json, say


@app.command()
def report(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write. The default is reports/report.html.", callback=new_file),
    ] = None,
    *,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object: page, sections.")] = False,
) -> None:
    """Write one HTML page about the round: images, near-duplicates, classes, model, errors, and what to do next.

    Use it to look at a round or to send it to a colleague; the page opens from disk. It reports the stages that have
    run. `dvc repro` writes the same page to reports/report.html.

    Example: curate report --out round-3.html --open
    """
    from curation.project import Project
    from curation.report.round_page import write_report

    project = Project.find()
    out = out or project.report_page
    sections = write_report(project, out)
    if as_json:
        print_json({"page": project.shown(out), "sections": sections})
    else:
        say(f"{sections} sections in {project.shown(out)}")
    if show:
        typer.launch(out.resolve().as_uri())
