"""Identify the images without a label: the unlabelled pool, and the images that people marked as unknown.

The stage `identify` calls `identify_pool`. It scores the images, calibrates the scores, compares the images with known
ones, and returns one table.
"""

from dataclasses import dataclass

import pandas as pd

from curation import tables
from curation.images.image_measures import Settings
from curation.params import Params
from curation.pool.identified_table import identified, labelled_near_duplicates
from curation.predict.decode import Decoder, Item
from curation.predict.model_lookup import Model
from curation.predict.score_files import score_into
from curation.predict.score_parts import Parts, read
from curation.project import Project
from curation.tables import IDENTIFIED
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Identified, Source, State, Word

MEASURES = ["blur", "brightness", "contrast"]


@dataclass(frozen=True)
class Known:
    """The tables of this round that identification compares with."""

    images: pd.DataFrame
    duplicates: pd.DataFrame
    selection: pd.DataFrame

    @classmethod
    def read(cls, project: Project) -> "Known":
        """Read only the columns that are used, because the tables of a pool of a million images are large."""
        facts = ["image_id", "path", "source", "label", "error", *MEASURES]
        decisions = ["image_id", "state", "label", "decision", "turn"]
        return cls(
            images=project.table(tables.IMAGES, facts),
            duplicates=project.table(tables.DUPLICATES, ["image_id", "keeper", "leak_group"]),
            selection=project.table(tables.SELECTION, decisions),
        )


def nameless(images: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of IMAGES without a label, with `turn` and their source: `unlabelled` or `unknown`.

    These are the pool and the class `unknown`, after the decisions are applied. Benchmark images are never among them.
    """
    rows = images.merge(
        selection[["image_id", "state", "label", "decision", "turn"]], on="image_id", suffixes=("", "_now"), how="left"
    )
    now = rows.label_now.fillna(rows.label)
    unknown = (now == UNKNOWN) | (rows.state == State.UNKNOWN)
    settled = (rows.decision == Word.REMOVE) | (rows.source == Source.BENCHMARK) | (rows.state == State.BENCHMARK)
    chosen = rows[(unknown | ((rows.source == Source.UNLABELLED) & (now == ""))) & ~settled].copy()
    chosen["source"] = unknown[chosen.index].map({True: Identified.UNKNOWN.value, False: Identified.UNLABELLED.value})
    chosen["turn"] = chosen.turn.fillna(0).astype(int)
    return chosen.sort_values("image_id", ignore_index=True)


def identify_pool(known: Known, model: Model, params: Params, project: Project) -> pd.DataFrame:
    """Score every image without a label and return IDENTIFIED, with one row for each image.

    An image that can't be read has a row with its error.
    """
    rows = nameless(known.images, known.selection)
    readable = rows[rows.error == ""]
    items = [
        Item(path, image_id=image_id, turn=turn)
        for path, image_id, turn in zip(readable.path, readable.image_id, readable.turn, strict=True)
    ]
    settings = Settings.of(params)
    parts = Parts.of(project.cache("identify"), model, settings, "pool")
    paths = score_into(parts, items, model.path, Decoder(model.input, settings, project.root), params)
    parts.keep_only(paths)
    frame = identified(read(paths), model.calibration)
    return _with_facts(frame, rows, known)


def _with_facts(frame: pd.DataFrame, rows: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Add the facts of other tables (origin, quality, near-duplicates), and add rows for unreadable images."""
    facts = rows[["image_id", "path", "source", "error", *MEASURES]]
    answers = frame.drop(columns=[*MEASURES, "path", "error", "source"], errors="ignore").merge(
        facts, on="image_id", how="right"
    )
    late = frame.set_index("image_id").error.reindex(answers.image_id).fillna("").to_numpy()
    answers["error"] = answers.error.where(answers.error != "", late)
    answers["label"] = answers.label.fillna("")
    for column in ("top_labels", "top_confidences"):
        answers[column] = _filled(answers[column], list)
    answers["embedding"] = _filled(answers.embedding, bytes)
    near = labelled_near_duplicates(known.duplicates, known.selection).reindex(answers.image_id)
    answers["near_duplicate_of"] = near.near_duplicate_of.fillna("").to_numpy()
    answers["leak_group"] = near.leak_group.fillna(pd.Series(answers.image_id.to_numpy(), near.index)).to_numpy()
    return answers[IDENTIFIED.columns]


def _filled(values: pd.Series, kind: type) -> pd.Series:
    """Replace missing values with the empty value of the kind."""
    return pd.Series([value if isinstance(value, kind) else kind() for value in values], values.index, dtype=object)
