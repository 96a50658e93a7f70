"""`curate undrop` lists what each rule left out, and brings images back by a decision."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import Rows, note, print_json, show
from curation.cli.shared.reviewer import Reviewer, me

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from curation.project import Project
    from curation.selection.copies.undrop import Undropped

SHOWN = 20  # images that are listed where people read


@app.command(epilog="Examples: curate undrop --reason copy; curate undrop data/raw/zero/1f3a.png")
def undrop(
    images: Annotated[
        list[str] | None, typer.Argument(help="The images to bring back: image_ids, their first digits, or paths.")
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Only the images with this reason code, such as copy.")] = "",
    label: Annotated[str, typer.Option("--class", help="Only the images of this class.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Bring back all images of --reason and --class.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be decided, and write nothing.")] = False,
    reviewer: Reviewer = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all images.")] = False,
) -> None:
    """List what each rule left out, with examples and with what brings it back; or bring images back by a decision.

    Use it when a rule left out an image that is good. A copy comes back as no copy of its keeper, a removed image as
    it was decided before, an image in a label conflict with its own label. Where no decision helps, the setting or the
    cause is named. The decisions go to data/reviews.csv, and the next `dvc repro` applies them.
    """
    from curation.project import Project

    project = Project.find()
    left = _left_out(project)
    if not images and not every:
        _list(left, reason, label, as_json=as_json)
        return
    chosen = _chosen(project, left, images or [], (reason, label))
    with project.lock("decisions"):
        done = _plan(project, chosen)
        if done.rows and not dry_run:
            from curation.decisions.log import append_reviews

            who = reviewer or me()
            append_reviews(project.reviews, [{**row, "reviewer": who, "note": "undrop"} for row in done.rows])
    if as_json:
        print_json({"images": done.told, "decisions": done.rows, "written": bool(done.rows) and not dry_run})
    else:
        show([dict(row) for row in done.told], title="brought back", hidden={"image_id"})
        _say_next(done, dry_run)
    if not done.rows:
        raise typer.Exit(1)


def _say_next(done: "Undropped", dry_run: bool) -> None:
    if not done.rows:
        note("no decision was written")
    elif dry_run:
        note(f"a dry run: {len(done.rows):,} decisions would be written")
    else:
        note(f"{len(done.rows):,} decisions were added to data/reviews.csv; `dvc repro` applies them")


def _left_out(project: "Project") -> "pd.DataFrame":
    from curation import tables
    from curation.selection.copies.left_out import left_out

    selection = project.table(tables.SELECTION)
    splits = project.table(tables.SPLITS) if project.table_path(tables.SPLITS).exists() else None
    images = project.table(tables.IMAGES, ["image_id", "path"])
    return left_out(selection, splits, dict(zip(images["image_id"], images["path"], strict=True)))


def _filtered(left: "pd.DataFrame", reason: str, label: str) -> "pd.DataFrame":
    from curation.selection.copies.undrop import UndropError
    from curation.tables.class_names import canonical

    codes = sorted(left["reason_code"].unique())
    if reason and reason not in codes:
        raise UndropError(f"--reason {reason}: no image is left out for that reason (there are: {', '.join(codes)})")
    left = left[left["reason_code"] == reason] if reason else left
    if label and canonical(label) not in set(left["label"]):
        raise UndropError(f"--class {label}: no image of that class is left out{f' as {reason}' if reason else ''}")
    return left[left["label"] == canonical(label)] if label else left


def _list(left: "pd.DataFrame", reason: str, label: str, *, as_json: bool) -> None:
    from curation.selection.copies.left_out import by_reason

    found = _filtered(left, reason, label)
    if not reason:
        rows: Rows = [{str(key): value for key, value in row.items()} for row in by_reason(found).to_dict("records")]
        shown = [{**row, "examples": tuple(row["examples"])} for row in rows]
        show(rows if as_json else shown, as_json=as_json, title="left out")
        return
    columns = ["image_id", "path", "label", "reason_code", "reason"]
    rows = [{str(key): value for key, value in row.items()} for row in found[columns].to_dict("records")]
    show(rows if as_json else rows[:SHOWN], as_json=as_json, title="left out", hidden={"image_id", "reason_code"})
    if not as_json and len(rows) > SHOWN:
        note(f"{len(rows) - SHOWN:,} more: --json lists all")
    if not as_json:
        note("brings back: " + by_reason(found)["way_back"].iloc[0])


def _chosen(project: "Project", left: "pd.DataFrame", named: list[str], only: tuple[str, str]) -> "pd.DataFrame":
    """Return the rows to bring back: the named images, or all of a reason and class that a decision can bring back."""
    from curation import tables
    from curation.decisions.words import is_image_id
    from curation.selection.copies.undrop import UndropError, can_return
    from curation.selection.image_history import find

    if not named:
        if not any(only):
            raise UndropError("--all needs --reason or --class: it brings back all images of them")
        return can_return(_filtered(left, *only))
    if any(only):
        raise UndropError("give either images, or --all with --reason or --class")
    images = project.table(tables.IMAGES, ["image_id", "path", "copy_paths"])
    ids = [find(images, name if is_image_id(name) else project.typed(name)) for name in named]
    if kept := [name for name, one in zip(named, ids, strict=True) if one not in set(left["image_id"])]:
        raise UndropError(f"`{kept[0]}` is not left out: `curate explain {kept[0]}` tells its history")
    return left[left["image_id"].isin(ids)]


def _plan(project: "Project", chosen: "pd.DataFrame") -> "Undropped":
    from curation import tables
    from curation.decisions.log import read_reviews
    from curation.decisions.on_images import known_classes
    from curation.selection.copies.undrop import undrop as plan

    duplicates = project.table(tables.DUPLICATES, ["image_id", "keeper", "scene"])
    reviews = read_reviews(project.reviews)
    known = known_classes(project.table(tables.IMAGES, ["label"]), project.params())
    return plan(chosen, duplicates, reviews, known, lambda copies: _rivals(project, duplicates, copies))


def _rivals(project: "Project", duplicates: "pd.DataFrame", copies: "Collection[str]") -> list[tuple[str, str]]:
    """Return the further keepers whose copies these images are, by the pixels of the files."""
    from curation import tables
    from curation.decisions.fold import pairs
    from curation.decisions.log import read_reviews
    from curation.dedupe.near_duplicates import rules
    from curation.dedupe.relations.other_keepers import FACTS, other_keepers
    from curation.dedupe.verification.file_pixels import ImageFiles

    params = project.params()
    files = ImageFiles(project.root, params.ingest.background, float(params.ingest.max_megapixels))
    images, decided = project.table(tables.IMAGES, FACTS), pairs(read_reviews(project.reviews))
    return other_keepers(images, duplicates, copies, files, rules(params), decided)
