"""`curate thin` finds pool images for the classes that have too few images."""

from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.class_offers import Offers
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread

Want = Annotated[
    int, typer.Option(help="Images that a class should have; 0 means its cutoff plus cutoff.reach.", min=0)
]


@app.command()
@spread
def thin(
    *,
    want: Want = 0,
    offers: Offers,
    source: Source,
    to: Outputs,
) -> None:
    """List pool images that may fill the classes near or below the cutoff, those of the neediest class first.

    Use it to bring a class over the cutoff. A class below the cutoff is not in the model; a throw-away experiment with
    a lower cutoff trains a model that knows it (see docs/throwaway.md).

    Example: dvc exp run -S cutoff.min=35 -S throwaway=true; curate thin --rev EXPERIMENT --html thin.html
    """
    from curation import tables
    from curation.pool import class_needs

    answers = source.load().still_open()
    found = class_needs.thin(answers.round.table(tables.SELECTION), answers.project.params(), want)
    offers.deliver(answers, found, "thin", to)
