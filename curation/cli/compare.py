"""`curate compare` compares two rounds, image by image."""

from pathlib import Path
from typing import Any

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import new_file, note, show

BY = {"set": "test and every benchmark set", "class": "every class", "image": "the images that changed"}


@app.command()
def compare(
    rev_a: str = typer.Argument("HEAD", help="The older round: a commit, tag, branch or experiment, or `workspace`."),
    rev_b: str = typer.Argument("workspace", help="The newer round."),
    by: str = typer.Option("set", "--by", help="The rows to show: set, class or image."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    csv: Path | None = typer.Option(None, "--csv", help="Write a CSV file as well.", callback=new_file),
) -> None:
    """Compare two rounds on the images that both held out, of the classes that both models know, with a test.

    Use it before you promote a model, or to see what an experiment changed.

    Example: curate compare main exp-rusty-duck --by class
    """
    if by not in BY:
        raise typer.BadParameter(f"`{by}` is none of {', '.join(BY)}", param_hint="--by")
    from curation.evaluation.comparison.compare_rounds import compare as compare_rounds
    from curation.evaluation.comparison.compare_rounds import read_revision
    from curation.project import Project

    project = Project.find()
    found = compare_rounds(read_revision(project, rev_a), read_revision(project, rev_b))
    rows: list[dict[str, Any]] = [{"set": name, **result.as_dict()} for name, result in found.sets.items()]
    if by != "set":
        table = found.classes if by == "class" else found.changed
        rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    show(rows, as_json=as_json, csv=csv, title=BY[by])
    if found.other_classes:
        note(f"{found.other_classes:,} images of classes that one of the two models does not know are left out.")
    if found.left_out or found.relabelled:
        note(
            f"{found.left_out:,} images that only one of the two held out are left out; "
            f"{found.relabelled:,} have a new label, which counts as the truth for both.",
        )
