"""`curate versions` lists what was promoted and rolled back."""

from pathlib import Path

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import new_file, note, show, write_csv
from curation.cli.shared.waiting import WaitCommand, waits


@app.command(cls=WaitCommand)
@waits
def versions(
    register: bool = typer.Option(False, "--register", help="Tag the current version on the last commit, as GTO does."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    csv: Path | None = typer.Option(None, "--csv", help="Write a CSV file as well.", callback=new_file),
) -> None:
    """List every promotion and rollback, newest first, with the measured accuracies and the change over the versions.

    Use it to see what was in production when, and to find a version for `curate rollback`. Accuracies of different
    versions are of other images and classes. The change is not: each promotion compared two models on the same images
    and on the classes that both knew, and these differences are added up, in points with a 95% interval.

    Example: curate versions --json
    """
    import pandas as pd

    from curation.project import Project
    from curation.registry import benchmark_use
    from curation.registry.versions import read_log
    from curation.registry.versions_listed import listed, shown

    project = Project.find()
    log = read_log(project)
    if register and log:
        from curation.project.parts import Part
        from curation.registry.register import tag

        with project.alone(Part.REGISTRY):
            log = read_log(project)
            lines = tag(project, log[-1])
        for line in lines:
            note(line)
    rows = listed(log)
    if csv:
        write_csv(pd.DataFrame(rows), csv)
    show(rows if as_json else shown(rows), as_json=as_json, title="versions")
    for words in benchmark_use.sentences(project, log[-1].metrics) if log else []:
        note(words)
