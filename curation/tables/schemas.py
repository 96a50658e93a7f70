"""The tables that pass between the stages: their columns, in one place.

Every table is a Parquet file with one row an image, keyed by `image_id` (the MD5 of the file's bytes in hex, which is
what DVC computes too). Columns and types are checked on write and on read; rows are sorted by `image_id` so that the
same content gives the same bytes. Text is never null: "" means that there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from curation.errors import CurationError
from curation.files import whole

TEXT = pa.string()
TEXTS = pa.list_(pa.string())
REALS = pa.list_(pa.float32())


@dataclass(frozen=True)
class Table:
    """A table's name, the stage that writes it, and its schema."""

    name: str
    stage: str
    schema: pa.Schema

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order they are written."""
        return list(self.schema.names)


class TableError(CurationError):
    """A table that is missing or does not have the columns it should."""

    def __init__(self, path: Path, table: Table, found: str) -> None:
        super().__init__(f"{path}: {found}. It is written by the stage `{table.stage}`: run `dvc repro {table.stage}`.")


def _table(name: str, stage: str, **columns: pa.DataType) -> Table:
    return Table(name, stage, pa.schema(list(columns.items())))


IMAGES = _table(
    "images",
    "ingest",
    image_id=TEXT,
    path=TEXT,  # relative to the repository, posix; the first of several identical files
    source=TEXT,  # raw | unlabelled | benchmark
    benchmark_set=TEXT,  # name of the hand-made set, "" elsewhere
    label=TEXT,  # canonical; "" in the pool, "unknown" where nobody knows
    subclass=TEXT,
    origin=TEXT,  # real | staged | synthetic
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
    keeper=TEXT,  # image_id of the twin that stays; its own when it stays itself
    distance=pa.int16(),  # Hamming distance to the keeper, 0 for itself
    similarity=pa.float32(),  # thumbnails' agreement with the keeper, 1 for itself
    orientation=pa.int8(),  # 0-7: how the keeper must be turned or flipped to match
    leak_group=TEXT,  # same text: must not be separated by a split
    conflict=TEXT,  # the other label(s) its twins carry, "" when all agree
)
SELECTION = _table(
    "selection",
    "cutoff",  # one row for every image of IMAGES
    image_id=TEXT,
    source=TEXT,
    benchmark_set=TEXT,  # hand-made, or by decision
    label=TEXT,  # after decisions and merges
    original_label=TEXT,  # as collected
    subclass=TEXT,
    origin=TEXT,
    leak_group=TEXT,
    state=TEXT,  # kept | reserve | unknown | benchmark | pool | dropped
    reason_code=TEXT,  # why it is not kept: a code of curation.tables.codes.Reason; "" when kept
    reason=TEXT,  # the same in words
    decision=TEXT,  # the review decision that holds, "" when none
    turn=pa.int16(),  # degrees clockwise that make it upright: 0, 90, 180, 270
    small=pa.bool_(),  # its subject is small already: never zoom out
)
SPLITS = _table(
    "splits",
    "split",  # every image of SELECTION that can be scored
    image_id=TEXT,
    label=TEXT,
    subclass=TEXT,
    origin=TEXT,
    leak_group=TEXT,
    split=TEXT,  # train | val | test | benchmark | reserve | unknown | out
    benchmark_set=TEXT,  # hand-made set's name, "frozen" for the drawn benchmark, "" elsewhere
    fold=pa.int16(),  # cross-validation fold of train images, -1 elsewhere
    basis=TEXT,  # draw | minimum | lineage | twin | hand-made | origin ...
    reason_code=TEXT,  # why it is there: a code of curation.tables.codes.Reason
    reason=TEXT,  # the same in words
    turn=pa.int16(),
    small=pa.bool_(),
)
PREDICTIONS = _table(
    "predictions",
    "evaluate",  # every row of SPLITS
    image_id=TEXT,
    split=TEXT,
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
    split=TEXT,
    label=TEXT,
    predicted=TEXT,
    suggested=TEXT,  # the label it probably should have
    confidence=pa.float32(),
    kind=TEXT,  # error | doubt | label error | conflict | out of scope
    label_error=pa.float32(),  # probability that the label is wrong
    cluster=pa.int32(),  # -1: noise
    explanation=TEXT,  # of its cluster, in words
    representative=pa.bool_(),
    rank=pa.int32(),  # place in the review queue, 0 first
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
    source=TEXT,  # unlabelled | unknown | folder
    label=TEXT,  # what it probably is
    confidence=pa.float32(),  # calibrated
    margin=pa.float32(),
    entropy=pa.float32(),  # nats
    energy=pa.float32(),  # as in PREDICTIONS
    top_labels=TEXTS,
    top_confidences=REALS,
    out_of_scope=pa.float32(),  # share of held-back images that lie nearer to the training images
    known_twin=TEXT,  # image_id of a labelled near-duplicate, "" when none
    leak_group=TEXT,  # as in DUPLICATES: twins are never proposed together
    blur=pa.float32(),
    brightness=pa.float32(),
    contrast=pa.float32(),
    embedding=pa.binary(),  # float16, little-endian
    error=TEXT,
)
ALL = [IMAGES, DUPLICATES, SELECTION, SPLITS, PREDICTIONS, CROSS_TRAINED, ERRORS, IDENTIFIED]


def write(frame: pd.DataFrame, path: Path, table: Table) -> None:
    """Write a frame as `table`, whole or not at all: a temporary name, then a rename."""
    _check(path, table, list(frame.columns))
    write_batches([frame.sort_values("image_id", kind="stable")], path, table)


def write_batches(frames: Iterable[pd.DataFrame], path: Path, table: Table) -> None:
    """Write frames that follow one another in `image_id` as one `table`, for those that do not fit in memory."""
    with whole(path) as draft, pq.ParquetWriter(draft, table.schema, compression="zstd") as writer:
        for frame in frames:
            _check(path, table, list(frame.columns))
            data = pa.Table.from_pandas(frame[table.columns], schema=table.schema, preserve_index=False)
            _refuse_nulls(path, table, data)
            writer.write_table(data)


def read(path: Path, table: Table, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read `table` from a file, or only some of its columns."""
    if not path.exists():
        raise TableError(path, table, "the table does not exist")
    try:
        found = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise TableError(path, table, f"no Parquet table ({error})") from None
    _check(path, table, found.names)
    if not found.equals(table.schema):
        _refuse_types(path, table, found)
    data = pq.read_table(path, columns=list(columns) if columns else None)
    _refuse_nulls(path, table, data)
    frame: pd.DataFrame = data.to_pandas()
    return frame


def _check(path: Path, table: Table, found: list[str]) -> None:
    missing = [name for name in table.columns if name not in found]
    extra = [name for name in found if name not in table.columns]
    if missing or extra:
        raise TableError(path, table, f"columns missing: {missing or 'none'}, not known: {extra or 'none'}")


def _refuse_types(path: Path, table: Table, found: pa.Schema) -> None:
    """Raise TableError for a column of another type, or columns in another order."""
    for field in table.schema:
        there = found.field(field.name).type
        if there != field.type:
            raise TableError(path, table, f"column {field.name} is of the type {there}, expected {field.type}")
    raise TableError(path, table, f"the columns stand in another order: {', '.join(found.names)}")


def _refuse_nulls(path: Path, table: Table, data: pa.Table) -> None:
    """Raise TableError for a text that is null: where there is none, it is ""."""
    for field in data.schema:
        if field.type == TEXT and data.column(field.name).null_count:
            raise TableError(path, table, f"column {field.name} has {data.column(field.name).null_count} nulls")
