"""The options of `curate thin` and `curate staged`, which offer candidates for the classes that need images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared import pool_options as options
from curation.cli.shared.output import note

if TYPE_CHECKING:
    from curation.pool.answers import Answers
    from curation.pool.class_needs import Need

Each = Annotated[float, typer.Option(help="Number of candidates for each missing image.", min=0.1)]


@dataclass(frozen=True)
class Offers:
    """Which candidates are offered, and how many."""

    each: Each = 2.0
    min_conf: options.MinConf = 0.5
    target_precision: options.TargetPrecision = None
    of_class: options.OfClass = ""
    limit: options.Limit = 0

    def deliver(self, answers: "Answers", needs: "list[Need]", title: str, to: options.Outputs) -> None:
        """Find candidates for the needs and deliver them; print what each class has, should have, and was offered."""
        from curation.pool import questions

        if self.of_class and self.of_class not in {need.label for need in needs}:
            names = ", ".join(need.label for need in needs) or "none"
            note(f"--class {self.of_class}: no class of that name needs images; those that do: {names}")
        needs = [need for need in needs if not self.of_class or need.label == self.of_class]
        sure = answers.threshold(self.min_conf, self.target_precision)
        options.say_expected(answers, sure)
        found = questions.candidates(answers.table, needs, sure, self.each)
        counts = found.label.value_counts()
        for need in needs:
            known = need.label in answers.classes
            strange = "" if known else "; the model does not know this class, see docs/throwaway.md"
            note(f"{need.label}: has {need.has}, wants {need.wants}, {counts.get(need.label, 0)} candidates{strange}")
        to.deliver(found, title, answers.model, ("missing",), self.limit)
