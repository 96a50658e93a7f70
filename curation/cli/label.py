"""`curate label` moves pool images into training by decision, also with the help of Label Studio or CVAT."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import CurateGroup, app
from curation.cli.shared.output import new_file, note, print_json, show
from curation.cli.shared.pool_options import AsJson, Source
from curation.cli.shared.reviewer import Reviewer, me
from curation.cli.shared.spread import spread
from curation.cli.shared.waiting import WaitCommand, waits

if TYPE_CHECKING:
    import pandas as pd

    from curation.labelling.accept import Stamp
    from curation.pool.answers import Answers
    from curation.project import Project

label = typer.Typer(cls=CurateGroup, help="Move images from the pool into training, by decision.", no_args_is_help=True)
app.add_typer(label, name="label")


class Tool(StrEnum):
    """The annotation tools whose files are read and written."""

    LABELSTUDIO = "labelstudio"
    CVAT = "cvat"


TITLES = {Tool.LABELSTUDIO: "Label Studio", Tool.CVAT: "CVAT"}  # as they stand in the notes of the log

Picks = Annotated[
    Path | None, typer.Argument(help="CSV or JSON that a pool command wrote. The default is every decided image.")
]
ToolOption = Annotated[Tool, typer.Option("--to", help="The tool to write for.")]
From = Annotated[Tool, typer.Option("--from", help="The tool that wrote the file.")]
RestAs = Annotated[
    str, typer.Option("--rest-as", help="Accept all undecided images as `predicted`, `unknown` or a class.")
]
Pull = Annotated[
    str, typer.Option("--pull", help="First pull the tags from the FiftyOne dataset of a command: unknowns, next ...")
]
Control = Annotated[
    str, typer.Option("--control", help="The Choices control of Label Studio that holds the class. Needed for several.")
]
Exported = Annotated[
    Path | None,
    typer.Option(help="The file that `curate label export` wrote for CVAT: it tells which tags were changed."),
]
AcceptAgreed = Annotated[
    bool, typer.Option("--accept-agreed", help="Take tags of CVAT that nobody changed as decisions, too.")
]
NewClass = Annotated[bool, typer.Option("--new-class", help="Allow a decision for a class that does not exist yet.")]


@label.command(cls=WaitCommand)
@waits
@spread
def accept(
    picks: Picks = None,
    *,
    rest_as: RestAs = "",
    pull: Pull = "",
    reviewer: Reviewer = "",
    new_class: NewClass = False,
    source: Source,
    as_json: AsJson = False,
) -> None:
    """Move the pool images that have a decision into data/raw/<class>/.

    Use it after you have decided on a proposed set. The log records who decided and what the model had said. Images
    without a decision stay in the pool; --rest-as decides on all of them.

    Example: curate next --csv picks.csv --push; curate label accept picks.csv --pull next --rest-as predicted
    """
    from curation.labelling import accept as room
    from curation.project import Project
    from curation.project.parts import Part

    with Project.find().alone(Part.IMAGES):
        answers = source.load()
        rows, stamp = answers.table, _stamp(reviewer, answers)
        chosen = room.read_picks(picks, rows) if picks else None
        pulled = _pull(answers.project, pull, stamp.reviewer, new_class) if pull else 0
        with answers.project.lock("decisions"):
            rest = _rest(answers.project, chosen, rest_as, stamp, new_class=new_class)
            moved, refused = _move(answers, chosen, stamp, rest)
    for path, reason in sorted(refused.items()):
        note(f"stayed: {path}: {reason}")
    show([{"pulled": pulled, "accepted": len(rest), "moved": moved, "stayed": len(refused)}], as_json=as_json)
    if moved:
        note("run `dvc add data/raw data/unlabelled`, then `dvc repro`, and commit data/reviews.csv")


@label.command()
@spread
def export(
    picks: Annotated[Path, typer.Argument(help="CSV or JSON that a pool command wrote.")],
    out: Annotated[Path, typer.Argument(help="The file to write.", callback=new_file)],
    *,
    to: ToolOption = Tool.LABELSTUDIO,
    source: Source,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object: file, images, interface.")] = False,
) -> None:
    """Write a proposed set as tasks for Label Studio (JSON) or as annotations for CVAT (images 1.1 XML).

    Use it when the labelling is done in one of these tools. For Label Studio, a file beside it holds the labelling
    interface.

    Example: curate label export picks.csv tasks.json --to labelstudio
    """
    from curation.files import write_text
    from curation.labelling import cvat, label_studio
    from curation.labelling.accept import read_picks

    answers = source.load()
    rows, classes = read_picks(picks, answers.table), sorted(answers.classes)
    interface = out.with_suffix(".config.xml") if to is Tool.LABELSTUDIO else None
    if interface is None:
        count = cvat.write_images(rows, out, classes)
    else:
        count = label_studio.write_tasks(rows, out, answers.model)
        write_text(interface, label_studio.config(classes))
    if as_json:
        print_json({"file": str(out), "images": count, "interface": str(interface or "")})
        return
    if interface:
        note(f"labelling interface: {interface}")
    note(f"{count:,} images: {out}")


@label.command("import")
@spread
def import_decisions(
    path: Annotated[Path, typer.Argument(help="The file that the tool exported.")],
    *,
    tool: From = Tool.LABELSTUDIO,
    control: Control = "",
    exported: Exported = None,
    accept_agreed: AcceptAgreed = False,
    reviewer: Reviewer = "",
    new_class: NewClass = False,
    source: Source,
    as_json: AsJson = False,
) -> None:
    """Add the decisions made in Label Studio (JSON, JSON-MIN) or CVAT (images 1.1) to data/reviews.csv, each once.

    Use it after the labelling, as often as you like while the project of the tool grows: only what is new or changed is
    added, and a newer decision is never undone. Then run `curate label accept` to move the files.

    Example: curate label import project.json --from labelstudio; curate label accept
    """
    from curation.decisions.log import read_reviews
    from curation.labelling import exports
    from curation.labelling.accept import record, with_provenance
    from curation.labelling.imported import new_decisions

    answers = source.load()
    log = answers.project.reviews
    if tool is Tool.CVAT:
        taken = exports.from_cvat(path, answers, exported, accept_agreed=accept_agreed)
    else:
        taken = exports.from_label_studio(path, answers, control)
    for text in taken.notes:
        note(text)
    with answers.project.lock("decisions"):
        found = new_decisions(taken.made, read_reviews(log), _stamp(reviewer, answers), TITLES[tool])
        _refuse_new_classes(answers.project, {row["label"] for row in found.rows}, allowed=new_class)
        record(with_provenance(found.rows, answers.table), log)
    counts = {"decisions": len(taken.made), "new": len(found.rows), "older": found.older}
    show([{**counts, "agreed": taken.agreed, "strange": taken.strange}], as_json=as_json)


def _rest(
    project: "Project", chosen: "pd.DataFrame | None", rest_as: str, stamp: "Stamp", *, new_class: bool
) -> list[dict[str, str]]:
    """Return the rows that decide on the undecided images of the picks."""
    from curation.decisions.fold import fold
    from curation.decisions.log import read_reviews
    from curation.labelling.accept import LabelError, accept_rest
    from curation.labelling.sampled_rows import refuse_drawn

    if not rest_as:
        return []
    if chosen is None:
        raise LabelError("--rest-as needs a file of picks: curate label accept picks.csv --rest-as predicted")
    log = read_reviews(project.reviews)
    held = fold(log)
    new = accept_rest(chosen, set(held.loc[held["word"] != "", "image_id"]), rest_as, stamp)
    if rest_as == "predicted":
        refuse_drawn((row["image_id"] for row in new), log)
    _refuse_new_classes(project, {row["label"] for row in new}, allowed=new_class)
    return new


def _move(
    answers: "Answers", chosen: "pd.DataFrame | None", stamp: "Stamp", rest: "list[dict[str, str]]"
) -> tuple[int, dict[str, str]]:
    """Add the rows `rest`, say in the log how each image was chosen and what the model had said, and move the files."""
    from curation import tables
    from curation.decisions.log import checked, read_reviews, with_rows
    from curation.labelling import accept as room
    from curation.labelling.sampled_rows import rows_of_proposed

    project = answers.project
    images = project.table(tables.IMAGES, ["image_id", "path", "copy_paths", "source"])
    log = with_rows(read_reviews(project.reviews), checked(project.reviews, rest))
    found = room.movable(images, log, None if chosen is None else set(chosen.image_id))
    found = {path: what for path, what in found.items() if project.has(path)}
    told = set(log.image_id[log.note.str.contains(room.IDENTIFIED, regex=False)])
    late = [
        stamp.row(image_id, "relabel", name) for image_id, name in sorted(set(found.values())) if image_id not in told
    ]
    proposed = rows_of_proposed((image_id for image_id, _ in found.values()), log, stamp)
    rows = [*rest, *room.with_provenance(late, answers.table), *proposed]
    return room.move(found, project.root, rows)


def _pull(project: "Project", question: str, reviewer: str, new_class: bool) -> int:
    """Add the tags that were made in the App, on the dataset of a question, to the log."""
    from curation.review import database
    from curation.review.project_queue import known_classes
    from curation.review.pull import pull

    note("Importing FiftyOne and starting its database, which can take a minute ...")
    name = f"{project.params().review.dataset}-{question}"
    dataset = database.load(database.connect(), name, project.root)
    done = pull(dataset, project, reviewer, known_classes(project), new_class)
    for image_id, reason in sorted(done.held_back.items()):
        note(f"left in the App: {image_id}: {reason}")
    return len(done.rows)


def _refuse_new_classes(project: "Project", names: set[str], *, allowed: bool) -> None:
    from curation.labelling.imported import refuse_new_classes
    from curation.review.project_queue import known_classes

    refuse_new_classes(names, known_classes(project), allowed=allowed)


def _stamp(reviewer: str, answers: "Answers") -> "Stamp":
    from curation.labelling.accept import Stamp

    return Stamp(reviewer or me(), answers.model)
