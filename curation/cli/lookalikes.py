"""`curate lookalikes CLASS`: pool images that are near a class but unlike its images."""

from typing import Annotated

import typer

from curation.cli.shared import pool_options as options
from curation.cli.shared.app import app
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread


@app.command()
@spread
def lookalikes(
    label: Annotated[str, typer.Argument(metavar="CLASS", help="The class that they look like.")],
    *,
    max_conf: options.MaxConf = 1.0,
    limit: options.Limit = 100,
    source: Source,
    to: Outputs,
) -> None:
    """List what is near a class but unlike its images: the gazelles among the antelopes, perhaps a class of their own.

    Grouped by embedding, the group that is most unlike anything known first.

    Example: curate lookalikes antelope --limit 50 --html gazelles.html
    """
    from curation.pool import questions
    from curation.pool.lookalikes import lookalikes as rank

    answers = source.load().still_open()
    questions.check_class(label, answers.table, answers.classes)
    found = rank(answers.table, answers.predictions(), label, max_conf)
    to.deliver(found, f"lookalikes of {label}", answers.model, ("group", "unlike"), limit)
