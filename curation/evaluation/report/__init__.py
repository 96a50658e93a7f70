"""The round in pictures: one HTML file that opens from disk, with its images inside.

Written by the stage `report` and by `curate report`, from whatever tables there are: the same tables and images give
the same bytes. One page with the data, the model and its mistakes side by side is what Evidently makes for tables.
"""

from pathlib import Path

from curation.errors import CurationError
from curation.evaluation.report import collection, model, page, people, why
from curation.evaluation.report.round import Round
from curation.files import write_text

SECTIONS = (
    *(collection.funnel, collection.twins, collection.balance),
    *(model.training, model.quality, why.reasons, model.confusion, model.confidence, model.against),
    *(people.clusters, people.label_errors, people.pool),
)


class ReportError(CurationError):
    """A round of which nothing can be reported."""


def write_report(root: Path, path: Path) -> int:
    """Write the report of the round below `root` to `path`, whole or not at all; the number of its sections.

    ReportError when no stage has run yet.
    """
    round_ = Round(root)
    sections = [section for make in SECTIONS if (section := make(round_))]
    if not sections:
        raise ReportError(f"{root / 'data'} holds no tables to report on: run `dvc repro` first")
    sections.append(people.next_steps(round_))
    text = page.page("The round in pictures", _subtitle(round_), _cards(round_), sections)
    write_text(path, text)
    return len(sections)


def _subtitle(round_: Round) -> str:
    header = round_.header
    if header is None:
        return "No model has been trained yet."
    start = "the backbone" if round_.params.base_model == "models/backbone.safetensors" else round_.params.base_model
    return f"{header.arch}, {len(header.classes)} classes, {header.image_size} px, started from {start}."


def _cards(round_: Round) -> list[tuple[str, str, str]]:
    """The headline numbers."""
    cards = []
    if round_.images is not None:
        files = len(round_.images) + int(round_.images["copy_paths"].map(len).sum())
        cards.append((f"{files:,}", "files", f"{int((round_.images['error'] != '').sum()):,} unreadable"))
    if round_.splits is not None:
        train = round_.splits[round_.splits["split"] == "train"]
        cards.append((f"{len(train):,}", "training images", f"{train['label'].nunique()} classes"))
    for name, facts in model.measured(round_.metrics):
        if name == "test" or name.startswith("benchmark"):
            span = f"{facts.get('accuracy_low', 0):.1%} to {facts.get('accuracy_high', 1):.1%}"
            cards.append((f"{facts['accuracy']:.1%}", f"accuracy, {name.replace('/', ' ')}", span))
    if round_.errors is not None:
        cards.append(
            (
                f"{len(round_.errors):,}",
                "to review",
                f"{round_.errors['cluster'][round_.errors['cluster'] >= 0].nunique()} clusters",
            )
        )
    if round_.identified is not None:
        cards.append(
            (
                f"{len(round_.identified):,}",
                "without a label",
                f"{int((round_.identified['confidence'] >= people.SURE).sum()):,} of them sure",
            )
        )
    return cards
