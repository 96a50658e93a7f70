"""`curate explain IMAGE` tells the history of one image in plain words."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import Rows, print_json, say
from curation.errors import CurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from curation.project import Project
    from curation.selection.image_history import RoundTables
    from curation.tables import Table


@app.command(epilog="Example: curate explain data/raw/zero/1f3a.png")
def explain(
    image: Annotated[str, typer.Argument(help="An image_id, at least its first 4 digits, or a path.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: image_id, and history, a list of step and text.")
    ] = False,
) -> None:
    """Tell the history of one image: its origin, near-duplicates, decisions, cutoff, split, and predictions.

    Use it when you want to know why an image is in the model or is left out. It reads the tables that exist; a stage
    that has not run adds nothing.
    """
    from curation import tables
    from curation.decisions.words import is_image_id
    from curation.project import Project
    from curation.selection.image_history import find, history

    columns = [name for name in tables.IMAGES.columns if name not in {"hash", "thumbnail"}]
    project = Project.find()
    images = project.table(tables.IMAGES, columns)
    image_id = find(images, image if is_image_id(image) else project.typed(image))
    told = history(_tables(project, images), image_id)
    if as_json:
        print_json({"image_id": image_id, "history": told})
    else:
        say(f"{image_id}\n" + _paragraphs(told))


def _tables(project: "Project", images: "pd.DataFrame") -> "RoundTables":
    from curation import tables
    from curation.decisions.log import read_reviews
    from curation.selection.image_history import RoundTables

    few = ["image_id", "predicted", "label", "confidence", "top_labels", "top_confidences"]
    few += ["base_predicted", "base_confidence"]
    return RoundTables(
        images=images,
        duplicates=_if_made(project, tables.DUPLICATES),
        reviews=read_reviews(project.reviews),
        selection=_if_made(project, tables.SELECTION),
        splits=_if_made(project, tables.SPLITS),
        predictions=_if_made(project, tables.PREDICTIONS, few),
        identified=_if_made(project, tables.IDENTIFIED, ["image_id", "label", "confidence", "near_duplicate_of"]),
        lineage=_lineage(project),
    )


def _if_made(project: "Project", table: "Table", columns: list[str] | None = None) -> "pd.DataFrame | None":
    return project.table(table, columns) if project.table_path(table).exists() else None


def _lineage(project: "Project") -> "Mapping[str, str]":
    """Return the lineage of the base model; without a base model the history has no lineage."""
    from curation.model.header import read_header

    try:
        return read_header(project.base_model(project.params())).lineage
    except CurationError:
        return {}


def _paragraphs(told: Rows) -> str:
    lines, last = [], ""
    for row in told:
        lines.append(f"{row['step'] if row['step'] != last else '':<17}{row['text']}")
        last = row["step"]
    return "\n".join(lines)
