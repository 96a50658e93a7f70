"""`curate summary` describes the round in five lines."""

from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import print_json, say

AsJson = Annotated[
    bool, typer.Option("--json", help="Print a JSON object: images, classes, model, review, pool, in numbers.")
]


@app.command()
def summary(as_json: AsJson = False) -> None:
    """Describe in five lines what the last `dvc repro` made, and name the next command.

    Use it after each run. In JSON, `model` holds accuracy and images for each set that was measured.

    Example: curate summary
    """
    from curation.project import Project
    from curation.report.summary import in_numbers, in_words

    numbers = in_numbers(Project.find())
    if as_json:
        print_json(numbers)
        return
    for line in in_words(numbers):
        say(line)
