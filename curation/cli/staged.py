"""`curate staged` finds real pool images for the classes that consist mostly of staged or synthetic images."""

from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.class_offers import Offers
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread

Share = Annotated[
    float, typer.Option(help="List classes with at least this share of staged and synthetic images.", min=0, max=1)
]


@app.command()
@spread
def staged(
    *,
    share: Share = 0.5,
    offers: Offers,
    source: Source,
    to: Outputs,
) -> None:
    """List real pool images for the classes that consist mostly of staged or synthetic images.

    Use it to replace staged images by real ones.

    Example: curate staged --share 0.3 --html staged.html
    """
    from curation import tables
    from curation.pool import class_needs

    answers = source.load().still_open()
    found = class_needs.staged(answers.round.table(tables.SELECTION), share)
    offers.deliver(answers, found, "staged", to)
