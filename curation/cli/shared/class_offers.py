"""Find candidates for the classes that need images; `curate thin` and `curate staged` use it."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.output import note
from curation.cli.shared.pool_options import say_expected

if TYPE_CHECKING:
    import pandas as pd

    from curation.pool.answers import Answers
    from curation.pool.class_needs import Need

Each = Annotated[float, typer.Option(help="Number of candidates for each missing image.", min=0.1)]


def offers_for(answers: "Answers", found: "list[Need]", of_class: str, min_conf: float, each: float) -> "pd.DataFrame":
    """Find candidates for the needs, or for one class, and print what each class has, should have, and was offered."""
    from curation.pool import questions

    found = [need for need in found if not of_class or need.label == of_class]
    say_expected(answers, min_conf)
    offers = questions.candidates(answers.table, found, min_conf, each)
    counts = offers.label.value_counts()
    for need in found:
        strange = "" if need.label in answers.classes else "; the model does not know this class, see docs/throwaway.md"
        note(f"{need.label}: has {need.has}, wants {need.wants}, {counts.get(need.label, 0)} candidates{strange}")
    return offers
