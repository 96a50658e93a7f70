"""The tables that pass between the stages: their columns, in one place.

Every table is a Parquet file with one row an image, keyed by `image_id` (the MD5 of the file's bytes in hex, which is
what DVC computes too). Rows are sorted by `image_id`, so that the same content gives the same bytes. Text is never
null: "" means that there is none. A column that code branches on is declared with its enumeration of codes, and holds
no other text. `curation.tables.table_files` checks all this on write and on read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from curation.errors import CurationError
from curation.tables.codes import Basis, Identified, Kind, Origin, Reason, Relation, Sampled, Source, Split, State

TEXT = pa.string()
TEXTS = pa.list_(pa.string())
REALS = pa.list_(pa.float32())


@dataclass(frozen=True)
class Table:
    """A table's name, the stage that writes it, its schema, and the codes of the columns that hold only codes."""

    name: str
    stage: str
    schema: pa.Schema
    codes: Mapping[str, type[StrEnum]] = field(default_factory=dict, compare=False)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order they are written."""
        return list(self.schema.names)


class TableError(CurationError):
    """A table that is missing or does not have the columns it should."""

    def __init__(self, path: Path, table: Table, found: str) -> None:
        super().__init__(f"{path}: {found}. It is written by the stage `{table.stage}`: run `dvc repro {table.stage}`.")


def _table(name: str, stage: str, **columns: pa.DataType | type[StrEnum]) -> Table:
    """Make a table; a column is declared by its type, or by the enumeration of its codes, which are text."""
    codes = {column: kind for column, kind in columns.items() if isinstance(kind, type)}
    types = [(column, TEXT if column in codes else kind) for column, kind in columns.items()]
    return Table(name, stage, pa.schema(types), codes)


IMAGES = _table(
    "images",
    "ingest",
    image_id=TEXT,
    path=TEXT,  # relative to the repository, posix; the first of several identical files
    source=Source,
    benchmark_set=TEXT,  # name of the hand-made set, "" elsewhere
    label=TEXT,  # canonical; "" in the pool, "unknown" where nobody knows
    subclass=TEXT,
    origin=Origin,
    group=TEXT,  # from metadata.csv, as the next five: what must stay together, such as a patient or a product
    captured_at=TEXT,  # as it is written there, or else the time of EXIF, as ISO 8601
    obtained_from=TEXT,  # its column `source`: who gave the image
    licence=TEXT,
    annotator=TEXT,
    metadata=TEXT,  # its further columns, and EXIF's `camera`, as one JSON object of texts; "" where there are none
    copy_paths=TEXTS,  # other files with the same bytes
    copy_labels=TEXTS,  # their labels, in the same order
    bytes=pa.int64(),
    format=TEXT,  # JPEG, PNG, ...
    width=pa.int32(),  # pixels, upright
    height=pa.int32(),
    error=TEXT,  # why it can't be read; "" when it can
    note=TEXT,  # readable, yet odd: damaged, or of another format than its name says; "" mostly
    hash=pa.binary(),  # 8 orientations x bits/8 bytes, orientation 0 first
    hash_quality=pa.float32(),  # 0 (flat) to 1
    thumbnail=pa.binary(),  # see curation.images.image_measures
    blur=pa.float32(),  # variance of the Laplacian: LOW is blurred; NaN, as the next two, where it can't be read
    brightness=pa.float32(),  # mean luma, 0 to 1
    contrast=pa.float32(),  # standard deviation of luma, 0 to 1
)
DUPLICATES = _table(
    "duplicates",
    "dedupe",  # one row for every readable image
    image_id=TEXT,
    keeper=TEXT,  # image_id of the copy that stays; its own when it stays itself
    distance=pa.int16(),  # Hamming distance to the keeper, 0 for itself
    similarity=pa.float32(),  # thumbnails' agreement with the keeper, 1 for itself
    orientation=pa.int8(),  # 0-7: how the keeper must be turned or flipped to match
    leak_group=TEXT,  # same text: must not be separated by a split
    conflict=TEXT,  # the other label(s) of its copies, "" when all agree
    relation=Relation,  # copy of its keeper, or in the same scene as another image; "" when nothing like it was found
    same_pixels_as=TEXT,  # image_id of the first of its cluster that has exactly its decoded pixels; else its own
    scene=TEXT,  # image_id that names its scene: all that copies and scenes connect, however many; its own when alone
    marked_copy_of=TEXT,  # image_id of a picture that it repeats but for one small opaque mark; "" for most
)
SELECTION = _table(
    "selection",
    "cutoff",  # one row for every image of IMAGES
    image_id=TEXT,
    source=Source,
    benchmark_set=TEXT,  # hand-made, or by decision
    label=TEXT,  # after decisions and merges
    original_label=TEXT,  # as collected
    subclass=TEXT,
    origin=Origin,
    leak_group=TEXT,  # that of DUPLICATES, widened by the groups of the metadata
    group=TEXT,  # "column=value": its group of the metadata, by the last column of split.group_by; "" without one
    captured_at=TEXT,  # as in IMAGES
    state=State,
    reason_code=Reason,  # why it is not kept; "" when kept
    reason=TEXT,  # the same in words
    decision=TEXT,  # the review decision that holds, "" when none
    turn=pa.int16(),  # degrees clockwise that make it upright: 0, 90, 180, 270
    small=pa.bool_(),  # what it shows is small already: training never zooms out
    sampled=Sampled,  # how it came to be labelled
)
SPLITS = _table(
    "splits",
    "split",  # every image of SELECTION that can be scored
    image_id=TEXT,
    label=TEXT,
    subclass=TEXT,
    origin=Origin,
    leak_group=TEXT,  # as in SELECTION
    group=TEXT,  # as in SELECTION
    split=Split,
    benchmark_set=TEXT,  # hand-made set's name, "frozen" where a hash bucket gave the benchmark, "" elsewhere
    fold=pa.int16(),  # cross-validation fold of train images, -1 elsewhere
    basis=Basis,
    reason_code=Reason,  # why it is there
    reason=TEXT,  # the same in words
    turn=pa.int16(),
    small=pa.bool_(),
)
PREDICTIONS = _table(
    "predictions",
    "evaluate",  # every row of SPLITS
    image_id=TEXT,
    split=Split,
    benchmark_set=TEXT,
    label=TEXT,
    subclass=TEXT,
    predicted=TEXT,
    confidence=pa.float32(),  # calibrated probability of `predicted`
    margin=pa.float32(),
    entropy=pa.float32(),  # nats
    loss=pa.float32(),  # nats; NaN where the label is not a class of the model
    top_labels=TEXTS,
    top_confidences=REALS,
    label_confidence=pa.float32(),  # calibrated probability of the given label, NaN where it is no class
    energy=pa.float32(),  # -logsumexp of the logits: higher is further out of scope
    embedding=pa.binary(),  # float16, little-endian
    base_predicted=TEXT,  # "" when the base model has no head
    base_confidence=pa.float32(),
)
CROSS_TRAINED = _table(
    "cross_trained",
    "evaluate",  # labelled images, where `evaluate.out_of_sample` is cross_trained; else no row
    image_id=TEXT,
    probabilities=pa.binary(),  # float16, little-endian: of every class, sorted, by models that never saw its label
)
ERRORS = _table(
    "errors",
    "cluster",
    image_id=TEXT,
    path=TEXT,
    split=Split,
    label=TEXT,
    predicted=TEXT,
    suggested=TEXT,  # the label it probably should have
    confidence=pa.float32(),
    kind=Kind,
    label_error=pa.float32(),  # probability that the label is wrong
    cluster=pa.int32(),  # -1: noise
    explanation=TEXT,  # of its cluster, in words
    representative=pa.bool_(),
    rank=pa.int32(),  # index in the review queue, 0 first
    gain=pa.float32(),  # expected gain of reviewing it
    map_x=pa.float32(),
    map_y=pa.float32(),
    nearest_correct=TEXTS,  # image_ids
)
IDENTIFIED = _table(
    "identified",
    "identify",
    image_id=TEXT,
    path=TEXT,
    source=Identified,
    label=TEXT,  # what it probably is
    confidence=pa.float32(),  # calibrated
    margin=pa.float32(),
    entropy=pa.float32(),  # nats
    energy=pa.float32(),  # as in PREDICTIONS
    top_labels=TEXTS,
    top_confidences=REALS,
    ood_score=pa.float32(),  # OOD score, 0 to 1: rank of the distance to training among held-back images
    near_duplicate_of=TEXT,  # image_id of a labelled near-duplicate, "" when none
    leak_group=TEXT,  # as in DUPLICATES: near-duplicates are never proposed together
    blur=pa.float32(),
    brightness=pa.float32(),
    contrast=pa.float32(),
    embedding=pa.binary(),  # float16, little-endian
    error=TEXT,
)
ALL = [IMAGES, DUPLICATES, SELECTION, SPLITS, PREDICTIONS, CROSS_TRAINED, ERRORS, IDENTIFIED]
ADDED_COLUMNS: Mapping[str, Mapping[str, str]] = {  # table -> column that earlier versions did not write -> its value
    SELECTION.name: {"sampled": ""},
}
RENAMED_COLUMNS: Mapping[str, Mapping[str, str]] = {  # table -> present name -> name in tables of earlier versions
    IDENTIFIED.name: {"near_duplicate_of": "known_twin", "ood_score": "out_of_scope"},
}
