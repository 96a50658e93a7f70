"""The choices that a file of Label Studio or CVAT holds on the images of a project, and what is to be said of the rest.

Images that moved into data/raw since, or that left the project, do not stop an import: the former are known by their
old paths too, the latter are counted.
"""

from dataclasses import dataclass
from pathlib import Path

from curation import tables
from curation.labelling import cvat
from curation.labelling.accept import LabelError, moved_before
from curation.labelling.imported import Choice
from curation.labelling.label_studio import read_annotations
from curation.pool.answers import Answers


@dataclass(frozen=True)
class Taken:
    """Choices by image_id; how many tags nobody changed; how many images or tasks are strange; notes for the person."""

    made: dict[str, Choice]
    agreed: int
    strange: int
    notes: list[str]


def from_label_studio(path: Path, answers: Answers, control: str = "") -> Taken:
    """Take the newest choices of an export; see `label_studio.read_annotations` for `control`.

    Raises LabelError when no image of it is in the project.
    """
    export, known = read_annotations(path, control), set(known_images(answers).values())
    strange = sorted(set(export.choices) - known)
    if strange and len(strange) == len(export.choices):
        raise LabelError(f"{path}: image {strange[0]} (and {len(strange) - 1} more) is not an image of this project")
    notes = []
    if strange:
        notes.append(f"passed over: {len(strange)} images that are not (or no longer) in the project, as {strange[0]}")
    if export.strange:
        notes.append(f"passed over: {export.strange} tasks without an image_id, not of `curate label export`")
    made = {one: choice for one, choice in export.choices.items() if one in known}
    return Taken(made, 0, len(strange) + export.strange, notes)


def from_cvat(path: Path, answers: Answers, exported: Path | None, *, accept_agreed: bool) -> Taken:
    """Take the tags of a file. `exported` is the file that was given to CVAT, by default the present predictions."""
    table, known = answers.table, known_images(answers)
    proposed = dict(zip(table.image_id, table.label, strict=True))
    tags = cvat.read_tags(path, known, cvat.read_written(exported, known) if exported else proposed)
    notes = []
    if tags.changed and not exported:
        notes.append(
            f"{tags.changed} tags differ from what the model predicts now, and count as changed by a person. Where the "
            "task was made with an earlier model, give the file of that time: --exported FILE"
        )
    if tags.agreed and not accept_agreed:
        notes.append(f"{len(tags.agreed)} tags are as they were written, and no decisions; --accept-agreed takes them")
    if tags.unknown:
        found = f"{len(tags.unknown)} images that are unknown or have an ambiguous name, such as {tags.unknown[0]}"
        notes.append(f"passed over: {found}")
    made = {**(tags.agreed if accept_agreed else {}), **tags.chosen}
    return Taken({one: Choice(label) for one, label in made.items()}, len(tags.agreed), len(tags.unknown), notes)


def known_images(answers: Answers) -> dict[str, str]:
    """Every path under which an image of the project is or was known -> image_id: also of images that moved since."""
    project, table = answers.project, answers.table
    found = moved_before(project.root)
    if project.table_path(tables.IMAGES).exists():
        images = project.table(tables.IMAGES, ["image_id", "path", "copy_paths"])
        for image_id, path, copies in zip(images.image_id, images.path, images.copy_paths, strict=True):
            found |= dict.fromkeys([*copies, path], image_id)
    return found | dict(zip(table.path, table.image_id, strict=True))
