"""What a model said, batch by batch on disk, so that a run that was killed goes on where it was.

Each batch is one Parquet file named after what is in it (the same batch, whatever the run, has the same name), written
whole or not at all: kill -9 loses the batch at hand and no more. Kept in the cache `identify` of the project,
outside DVC and git.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from curation.engine.mapping import chunks
from curation.files import whole
from curation.predict.decode import Decoded, Item, Measured, key
from curation.tables import TEXT

AT_ONCE = 32  # files read together: what is done with a frame costs little more for many rows
RAW = pa.schema(
    [
        ("image_id", TEXT),
        ("path", TEXT),
        ("stamp", TEXT),
        ("logits", pa.list_(pa.float32())),  # empty where the image can't be read
        ("embedding", pa.binary()),  # float16, little-endian
        ("blur", pa.float32()),
        ("brightness", pa.float32()),
        ("contrast", pa.float32()),
        ("hash", pa.binary()),
        ("error", TEXT),
    ]
)


class Parts:
    """The batches that one model has scored in one run, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, items: Sequence[Item]) -> Path:
        """Where the batch of these items is, or will be."""
        text = "\n".join(f"{item.shown}\t{item.stamp}\t{item.image_id}\t{item.turn}" for item in items)
        return self.folder / f"part-{hashlib.sha256(text.encode()).hexdigest()[:24]}.parquet"

    def write(self, batch: Sequence[Decoded], logits: np.ndarray, embeddings: np.ndarray) -> Path:
        """Write a batch; `logits` [r, c] and `embeddings` [r, d] are of its readable images, in order."""
        path = self.path([image.item for image in batch])
        with whole(path) as draft:
            pq.write_table(_table(batch, logits, embeddings), draft, compression="zstd")
        return path

    def seen(self) -> set[bytes]:
        """The key of every image in any batch, also those of runs that were killed."""
        found: set[bytes] = set()
        for some in chunks(self.all(), AT_ONCE):
            table = _together(some, ["path", "stamp"])
            found.update(map(key, table["path"].to_pylist(), table["stamp"].to_pylist()))
        return found

    def all(self) -> list[Path]:
        """Every batch there is, by name."""
        return sorted(self.folder.glob("part-*.parquet"))

    def keep_only(self, wanted: Iterable[Path]) -> None:
        """Remove batches that no longer belong, and what a killed run left half-written."""
        kept = set(wanted)
        for path in [*self.all(), *self.folder.glob("*.partial")]:
            if path not in kept:
                path.unlink(missing_ok=True)


def read(paths: Iterable[Path]) -> Iterator[pd.DataFrame]:
    """Yield batches, several at a time, as frames with the columns of RAW."""
    for some in chunks(paths, AT_ONCE):
        yield _together(some).to_pandas()


def _together(paths: Iterable[Path], columns: list[str] | None = None) -> pa.Table:
    return pa.concat_tables([pq.ParquetFile(path).read(columns) for path in paths])


def _table(batch: Sequence[Decoded], logits: np.ndarray, embeddings: np.ndarray) -> pa.Table:
    readable = np.array([not image.error for image in batch])
    ends = np.cumsum(readable * logits.shape[1]) if len(logits) else np.zeros(len(batch))
    starts = np.concatenate([[0], ends]).astype(np.int32)
    # A float16 ends at 65,504; an embedding beyond it would become infinite and poison every distance.
    packed = iter(np.clip(embeddings, -65_504, 65_504).astype("<f2"))
    columns = {
        "image_id": [image.image_id for image in batch],
        "path": [image.item.shown for image in batch],
        "stamp": [image.item.stamp for image in batch],
        "logits": pa.ListArray.from_arrays(starts, logits.astype(np.float32).ravel()),
        "embedding": [next(packed).tobytes() if known else b"" for known in readable],
        **dict(zip(Measured._fields, zip(*(image.measured for image in batch), strict=True), strict=True)),
        "error": [image.error for image in batch],
    }
    return pa.table(
        [pa.array(columns[name], RAW.field(name).type) if name != "logits" else columns[name] for name in RAW.names],
        RAW,
    )
