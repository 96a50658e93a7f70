"""`curate summary` describes the round in five lines."""

from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import note, print_json, say

AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print JSON, an object: images, classes, model, review, pool, warnings."),
]


@app.command()
def summary(as_json: AsJson = False) -> None:
    """Describe in five lines what the last `dvc repro` made, and name the next command.

    Use it after each run. Warnings about images that may be lost come last. In JSON, `model` holds accuracy and images
    for each set that was measured.

    Example: curate summary
    """
    from curation.project import Project
    from curation.report.summary import in_numbers, in_words, warned

    numbers = in_numbers(Project.find())
    if as_json:
        print_json(numbers)
        return
    for line in in_words(numbers):
        say(line)
    for warning in warned(numbers):
        note(warning)
