"""The report of a round: one HTML file that opens from disk, with its images inside.

The stage `report` and `curate report` write it, from the tables that exist. The same tables and images give the same
bytes. The idea of one page with the data, the model and its errors is that of Evidently for tables.
"""

from collections.abc import Iterator
from pathlib import Path

from curation.errors import CurationError
from curation.evaluation.headline import measured
from curation.project import Project
from curation.report import collection_part, counting, model_part, page, people_part, why_part
from curation.report.round_data import Round
from curation.tables.codes import Split

THUMBNAIL = 96  # pixels
SECTIONS = (
    *(collection_part.warnings, collection_part.funnel, collection_part.near_duplicates, collection_part.balance),
    *(
        model_part.training,
        model_part.quality,
        why_part.by_metadata,
        why_part.reasons,
        model_part.confusion,
        model_part.confidence,
        model_part.against,
    ),
    *(people_part.clusters, people_part.label_errors, people_part.pool),
)


class ReportError(CurationError):
    """There is nothing to report, because no stage has run yet."""


def write_report(project: Project, path: Path) -> int:
    """Write the report of the project's round to `path`, whole or not at all. Return the number of its sections.

    Raises ReportError when no stage has run yet.
    """
    round_ = Round(project)
    sections = [section for make in SECTIONS if (section := make(round_))]
    if not sections:
        raise ReportError(f"{project.data} holds no tables to report on: run `dvc repro` first")
    sections.append(people_part.next_steps(round_))
    values = {"subtitle": _subtitle(round_), "cards": list(_cards(round_)), "sections": sections}
    page.write(path, "report.html", THUMBNAIL, title="The round in pictures", **values)
    return len(sections)


def _subtitle(round_: Round) -> str:
    header = round_.header
    if header is None:
        return "No model has been trained yet."
    base = round_.params.base_model
    start = "the backbone" if round_.project.file(base) == round_.project.backbone else base
    return f"{header.arch}, {len(header.classes)} classes, {header.image_size} px, started from {start}."


def _cards(round_: Round) -> Iterator[page.Card]:
    """Yield the headline numbers."""
    if round_.images is not None:
        bad = counting.unreadable(round_.images)
        yield page.Card(f"{counting.files(round_.images):,}", "files", f"{bad:,} unreadable")
    if round_.splits is not None:
        train = int((round_.splits["split"] == Split.TRAIN).sum())
        yield page.Card(f"{train:,}", "training images", f"{counting.in_model(round_.splits):,} classes")
    for name, facts in measured(round_.metrics):
        if name == "test" or name.startswith("benchmark"):
            span = f"{facts.get('accuracy_low', 0):.1%} to {facts.get('accuracy_high', 1):.1%}"
            yield page.Card(f"{facts['accuracy']:.1%}", f"accuracy, {name.replace('/', ' ')}", span)
    if round_.errors is not None:
        clusters = f"{counting.clusters(round_.errors):,} clusters"
        yield page.Card(f"{len(round_.errors):,}", "queued for review", clusters)
    if round_.identified is not None:
        sure = len(counting.sure(round_.identified))
        yield page.Card(f"{len(round_.identified):,}", "without a label", f"{sure:,} of them sure")
