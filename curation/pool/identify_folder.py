"""Identify any number of files with a model, in constant memory. A killed run can be continued.

The scores of a model are stored batch by batch. A later run skips every file that has not changed since. The table is
written one batch after the other, so only the disk limits its size.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from curation import tables
from curation.images.image_measures import Settings
from curation.params import Params
from curation.pool.identified_table import identified
from curation.pool.labelled_near_duplicates import Known
from curation.predict.decode import Decoder, Item, is_remote, key
from curation.predict.model_lookup import Model
from curation.predict.score_files import score_into
from curation.predict.score_parts import Parts, read
from curation.project import Project
from curation.tables import IDENTIFIED


@dataclass(frozen=True)
class Run:
    """The result of a run: the table, and how many images it has, were scored now, and could not be read."""

    table: Path
    images: int
    scored: int
    unreadable: int


@dataclass(frozen=True)
class Context:
    """What the images are compared with: hashes of labelled images, when there are any."""

    known: Known | None = None


def identify_items(
    items: list[Item], model: Model, params: Params, out: Path, project: Project, context: Context = Context()
) -> Run:
    """Score the items that this model has not scored yet, and write the table IDENTIFIED to `out`.

    The column `source` is "folder". A file that was moved away meanwhile has no row. The paths of items are relative to
    the project, and the project's cache keeps the scores.
    """
    settings = Settings.of(params)
    with project.lock(f"identify-{model.digest[:16]}"):
        parts = Parts.of(project.cache("identify"), model, settings, "files")
        seen = parts.seen()
        new = [item for item in items if item.key not in seen]
        del seen  # 100 bytes a file
        score_into(parts, new, model.path, Decoder(model.input, settings, project.root), params)
        images, unreadable = write(parts, {item.key for item in items if _there(item, project)}, model, out, context)
    model.calibration.write(out.with_suffix(".calibration.json"))
    return Run(out, images, len(new), unreadable)


def _there(item: Item, project: Project) -> bool:
    """Whether a local file is still at its place: it may have been accepted or purged while others were scored."""
    return is_remote(item.path) or os.path.lexists(project.file(item.path))


def write(parts: Parts, wanted: set[bytes], model: Model, out: Path, context: Context) -> tuple[int, int]:
    """Write the table of the items with these keys. Return the number of images and of unreadable ones."""
    counts = [0, 0]

    def counted() -> Iterator[pd.DataFrame]:
        for frame in _frames(parts, wanted, model, context):
            counts[0] += len(frame)
            counts[1] += int((frame.error != "").sum())
            yield frame[IDENTIFIED.columns]

    tables.write_batches(counted(), out, IDENTIFIED)
    return counts[0], counts[1]


def _frames(parts: Parts, wanted: set[bytes], model: Model, context: Context) -> Iterator[pd.DataFrame]:
    """Yield the rows of every wanted image once, with what is known of it. Used keys are removed from `wanted`."""
    for batch in read(parts.all()):
        keys = list(map(key, batch.path, batch.stamp))
        chosen = np.array([one in wanted for one in keys], dtype=bool)
        wanted.difference_update(keys)
        if not chosen.any():
            continue
        frame = identified([batch[chosen]], model.calibration).assign(source="folder")
        frame["near_duplicate_of"] = context.known.near_duplicates(frame) if context.known else ""
        frame["leak_group"] = frame.near_duplicate_of.where(frame.near_duplicate_of != "", frame.image_id)
        yield frame
