"""`curate purge` moves pool images that are not worth labelling into a trash folder, and can bring them back."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared import pool_options as options
from curation.cli.shared.app import app
from curation.cli.shared.output import note
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread
from curation.cli.shared.waiting import WaitCommand, waits

if TYPE_CHECKING:
    import pandas as pd

    from curation.labelling.purge import Purged
    from curation.pool.answers import Answers
    from curation.project import Project

Scope = Annotated[float, typer.Option("--min-ood-score", help="Keep images with a lower OOD score.", min=0, max=1)]
Yes = Annotated[bool, typer.Option("--yes", help="Move the files. Without it nothing is moved.")]
Undo = Annotated[bool, typer.Option("--undo", help="Bring back everything that was purged.")]
Name = Annotated[str, typer.Option("--name", help="With --undo, only the purge with this name.")]


@app.command(cls=WaitCommand)
@waits
@spread
def purge(
    *,
    max_conf: options.MaxConf = 0.2,
    min_ood_score: Scope = 0.95,
    yes: Yes = False,
    undo: Undo = False,
    name: Name = "",
    limit: options.Limit = 0,
    source: Source,
    to: Outputs,
) -> None:
    """Move pool images that are not worth labelling into the trash. Without --yes it only lists them.

    Use it when the pool is full of images that show none of the classes. Uncertain images near the training images
    stay, because they are worth labelling.

    Examples: curate purge --max-conf 0.2 --html look.html; curate purge --max-conf 0.2 --yes; curate purge --undo
    """
    from curation.project import Project
    from curation.project.parts import Part

    if undo:
        project = Project.find()
        with project.alone(Part.IMAGES):
            _undo(project, name)
        return
    with Project.find().alone(Part.IMAGES) if yes else nullcontext():
        answers = source.load().still_open()
        found = _purgeable(answers, max_conf, min_ood_score, limit)
        to.deliver(found, "purge", answers.model)
        if yes and len(found):
            _purge(answers.project, found)
    if not yes:
        note("a dry run: nothing was moved. With --yes these files go to .trash, and --undo brings them back")


def _purgeable(answers: "Answers", max_conf: float, min_ood_score: float, limit: int) -> "pd.DataFrame":
    from curation.pool.questions import purgeable

    found = purgeable(answers.table, max_conf, min_ood_score)
    found = found[[answers.project.has(path) for path in found.path]].reset_index(drop=True)
    return found.head(limit) if limit else found


def _purge(project: "Project", found: "pd.DataFrame") -> None:
    from curation import tables
    from curation.labelling.purge import purge as move

    images = project.table(tables.IMAGES, ["image_id", "path", "copy_paths"])
    _say("moved to", move(found, images, project.root))
    note("undo it with `curate purge --undo`; then run `dvc add data/unlabelled`")


def _undo(project: "Project", name: str) -> None:
    from curation.labelling.purge import undo

    for done in undo(project.root, name):
        _say("brought back from", done)


def _say(what: str, done: "Purged") -> None:
    note(f"{done.files:,} files {what} {done.folder}")
    for path, reason in sorted(done.refused.items()):
        note(f"stayed: {path}: {reason}")
