"""`curate lookalikes CLASS` lists pool images that the model takes for a class but that differ from its images."""

from typing import Annotated

import typer

from curation.cli.shared import pool_options as options
from curation.cli.shared.app import app
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread


@app.command()
@spread
def lookalikes(
    label: Annotated[str, typer.Argument(metavar="CLASS", help="The class that the model takes them for.")],
    *,
    max_conf: options.MaxConf = 1.0,
    limit: options.Limit = 100,
    source: Source,
    to: Outputs,
) -> None:
    """List pool images that the model takes for CLASS but that differ from its known images.

    Use it to find a class that has no name yet, such as gazelles that the model takes for antelopes. The images are
    grouped by embedding, and the group that differs most comes first.

    Example: curate lookalikes antelope --limit 50 --html gazelles.html
    """
    from curation.pool import questions
    from curation.pool.new_class_search import lookalikes as rank

    answers = source.load().still_open()
    questions.check_class(label, answers.table, answers.classes)
    found = rank(answers.table, answers.predictions(), label, max_conf)
    to.deliver(found, f"lookalikes of {label}", answers.model, ("group", "unlike"), limit)
