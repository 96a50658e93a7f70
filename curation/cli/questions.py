"""`curate unknowns`, `thin`, `staged`, `lookalikes`: what the model knows about the images that nobody named."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli import pool_options as options
from curation.cli.app import app
from curation.cli.pool_options import Outputs, Source, note, say_expected
from curation.cli.spread import spread

if TYPE_CHECKING:
    import pandas as pd

    from curation.pool.answers import Answers
    from curation.pool.class_needs import Need

Want = Annotated[int, typer.Option(help="Images a class should have; 0: its cutoff and cutoff.reach on top.", min=0)]
Each = Annotated[float, typer.Option(help="Candidates for each image that is missing.", min=0.1)]
Share = Annotated[
    float, typer.Option(help="Share of staged and synthetic images that makes a class count.", min=0, max=1)
]


@app.command()
@spread
def unknowns(
    *,
    min_conf: options.MinConf = 0.9,
    target_precision: options.TargetPrecision = None,
    of_class: options.OfClass = "",
    limit: options.Limit = 0,
    source: Source,
    to: Outputs,
) -> None:
    """List what nobody could name, or nobody looked at, and the model now can, surest first.

    Example: curate unknowns --min-conf 0.9 --class cat --limit 50
    """
    from curation.pool import questions

    answers = source.load().still_open()
    questions.check_class(of_class, answers.table, answers.classes)
    sure = answers.threshold(min_conf, target_precision)
    say_expected(answers, sure)
    found = questions.unknowns(answers.table, sure, of_class)
    to.deliver(found, "unknowns", answers.model, limit=limit)


@app.command()
@spread
def thin(
    *,
    want: Want = 0,
    each: Each = 2.0,
    min_conf: options.MinConf = 0.5,
    target_precision: options.TargetPrecision = None,
    of_class: options.OfClass = "",
    limit: options.Limit = 0,
    source: Source,
    to: Outputs,
) -> None:
    """List candidates for classes near or below the cutoff, by how many images each class misses.

    A class below the cutoff is not in the model: a throw-away experiment with a lower one knows it (see
    docs/throwaway.md).

    Example: dvc exp run -S cutoff.min=35 -S throwaway=true; curate thin --rev EXPERIMENT --html thin.html
    """
    from curation.pool import class_needs

    answers = source.load().still_open()
    found = class_needs.thin(_selection(answers), answers.project.params(), want)
    offers = _offers(answers, _only(found, of_class), answers.threshold(min_conf, target_precision), each)
    to.deliver(offers, "thin", answers.model, ("missing",), limit)


@app.command()
@spread
def staged(
    *,
    share: Share = 0.5,
    each: Each = 2.0,
    min_conf: options.MinConf = 0.5,
    target_precision: options.TargetPrecision = None,
    of_class: options.OfClass = "",
    limit: options.Limit = 0,
    source: Source,
    to: Outputs,
) -> None:
    """List real candidates for classes that stand on staged or synthetic images.

    Example: curate staged --share 0.3 --html staged.html
    """
    from curation.pool import class_needs

    answers = source.load().still_open()
    found = class_needs.staged(_selection(answers), share)
    offers = _offers(answers, _only(found, of_class), answers.threshold(min_conf, target_precision), each)
    to.deliver(offers, "staged", answers.model, ("missing",), limit)


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


def _offers(answers: "Answers", found: "list[Need]", min_conf: float, each: float) -> "pd.DataFrame":
    """Find candidates; say what each class misses and what was found for it."""
    from curation.pool import questions

    say_expected(answers, min_conf)
    offers = questions.candidates(answers.table, found, min_conf, each)
    counts = offers.label.value_counts()
    for need in found:
        strange = "" if need.label in answers.classes else "; the model does not know this class, see docs/throwaway.md"
        note(f"{need.label}: has {need.has}, wants {need.wants}, {counts.get(need.label, 0)} candidates{strange}")
    return offers


def _only(found: "list[Need]", label: str) -> "list[Need]":
    return [need for need in found if not label or need.label == label]


def _selection(answers: "Answers") -> "pd.DataFrame":
    from curation import tables

    return answers.round.table(tables.SELECTION)
