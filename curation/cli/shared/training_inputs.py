"""The options that `curate learning-curve` and `curate cross-validate` share, and the images that they train on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from curation.images.store.pixels import Pixels
    from curation.params import Params
    from curation.project import Project

COLUMNS = ["image_id", "label", "subclass", "leak_group", "split", "fold", "small"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Epochs = Annotated[int, typer.Option(help="Epochs of each training; 0 uses the number in params.yaml.", min=0)]


def read_inputs(epochs: int) -> "tuple[Project, pd.DataFrame, Pixels, Params]":
    """Read the splits, the pixels and the parameters of the project. `epochs` replaces the parameter unless it is 0."""
    from curation import tables
    from curation.images.store.pixels import Pixels
    from curation.project import Project

    project = Project.find()
    params = project.located(project.params())
    if epochs:
        params = params.model_copy(update={"epochs": epochs})
    return project, project.table(tables.SPLITS, COLUMNS), Pixels(project.pixels), params


@contextmanager
def scratch_folder(project: "Project") -> Iterator[Path]:
    """A temporary folder in the caches of the project."""
    home = project.cache("tune")
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        yield Path(folder)
