"""`curate report`: the round in pictures."""

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.app import app


@app.command()
def report(
    out: Annotated[Path, typer.Option("--out", "-o", help="where the page goes")] = Path("reports/report.html"),
    *,
    show: Annotated[bool, typer.Option("--open", help="open it in the browser")] = False,
) -> None:
    """Write the round as one HTML page that opens from disk: images, twins, classes, model, mistakes, what to do next.

    It reports whatever stages have run. `dvc repro` writes the same page to reports/report.html.

    Example: curate report --out round-3.html --open
    """
    from curation.report import write_report

    sections = write_report(Path(), out)
    typer.echo(f"{sections} sections in {out}")
    if show:
        typer.launch(out.resolve().as_uri())
