"""`curate identify` scores any images with any model and writes a table that the other pool commands can read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import new_file, note, show
from curation.cli.shared.pool_options import AsJson, say_expected

if TYPE_CHECKING:
    from curation.params import Params
    from curation.pool.identify_folder import Context
    from curation.project import Project

SURE = 0.9  # confidence whose precision is said
MOST_TESTED = 200_000  # images; a larger table is not read again
WHAT = "A local place or any fsspec URL. The default is the pool."
Place = Annotated[str, typer.Argument(metavar="FOLDER|GLOB|URL", help=WHAT, show_default=False)]
Which = Annotated[
    str, typer.Option("--model", help="The model: candidate, production, a .safetensors file, or a git revision.")
]
Out = Annotated[Path | None, typer.Option(help="The table to write.", metavar="FILE", callback=new_file)]
BatchSize = Annotated[int, typer.Option(help="Images in a batch; 0 uses identify.batch_size.", min=0)]
Workers = Annotated[int | None, typer.Option(help="Processes that decode; 0 is one for each core.", min=0)]


@app.command()
def identify(
    place: Place = "",
    *,
    model: Which = "candidate",
    out: Out = None,
    batch_size: BatchSize = 0,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Predict the class of every image in a folder, a glob or a URL, with any model.

    Use it for images outside the project. Run it again, and only new files are scored. The commands for the pool read
    the table that it writes: curate unknowns --table FILE.

    Example: curate identify 's3://bucket/photos/**/*.jpg' --model production --out photos.parquet
    """
    from curation.pool.answers import load
    from curation.pool.file_sources import items
    from curation.pool.identify_folder import identify_items
    from curation.predict.model_lookup import resolve
    from curation.project import Project

    project = Project.find_or_here()
    place = place or project.shown(project.unlabelled)
    found, params = items(place, project.root), _params(project, batch_size, workers)
    chosen = resolve(project, model)
    if not chosen.calibrated:
        about = project.shown(chosen.path)
        note(f"{about}: no calibration belongs to this model; confidence is raw softmax (`dvc repro evaluate`)")
    target = out.resolve() if out else project.cache("identify") / chosen.digest[:16] / "identified.parquet"
    done = identify_items(found, chosen, params, target, project, _context(project, params))
    facts = {"table": project.shown(done.table), "images": done.images, "scored now": done.scored}
    facts |= {"unreadable": done.unreadable, "model": chosen.digest[:12]}
    show([facts], as_json=as_json, title=f"identified in {place}")
    if done.unreadable:
        _list_unreadable(done.table)
    if chosen.calibrated and done.images <= MOST_TESTED:
        say_expected(load(project, done.table), SURE)


def _params(project: "Project", batch_size: int, workers: int | None) -> "Params":
    from curation.params import Params

    params = project.params() if project.params_file.exists() else Params()
    changed = {"batch_size": batch_size or None, "workers": workers}
    changes = {key: value for key, value in changed.items() if value is not None}
    return params.model_copy(update={"identify": params.identify.model_copy(update=changes)})


def _context(project: "Project", params: "Params") -> "Context":
    """Return what to compare with: the images of the project, when they exist."""
    from curation import tables
    from curation.pool.identify_folder import Context
    from curation.pool.labelled_near_duplicates import Known

    images = project.table_path(tables.IMAGES)
    known = Known.of(project.table(tables.IMAGES), params.dedupe.radius) if images.exists() else None
    return Context(known)


def _list_unreadable(table: Path) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(table, columns=["path", "error"], filters=[("error", "!=", "")])
    for path, error in zip(rows["path"].to_pylist(), rows["error"].to_pylist(), strict=True):
        note(f"unreadable: {path}: {error}")
