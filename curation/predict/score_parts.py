"""Store the scores of a model on disk, batch by batch, so that a killed run can be continued.

Each batch is one Parquet file. Its name is made from its images, so the same batch has the same name in every run. A
file is written whole or not at all, so a kill loses only the current batch. The files lie in the cache of the project,
outside DVC and git, in one folder for each model and each set of parameters that changes an answer.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from curation.engine.mapping import chunks
from curation.files.whole_files import SUFFIX, is_abandoned, whole
from curation.images.image_measures import Settings
from curation.images.ingest_cache import library_versions
from curation.predict.decode import Decoded, Item, Measured, key
from curation.predict.model_lookup import Model
from curation.project.behaviour_versions import VERSIONS
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
    """The batches that one model has scored, in one folder.

    An image may fail for a reason that can pass, such as the network or a lock. Its scores go to a file `again-*`,
    which the next run deletes, so that the image is tried again. With `whole_batches` its whole batch goes there, so
    that the scores never depend on the failures of an earlier run.
    """

    def __init__(self, folder: Path, *, whole_batches: bool = False) -> None:
        self.folder, self.whole_batches = folder, whole_batches

    @classmethod
    def of(cls, cache: Path, model: Model, settings: Settings, kind: str) -> "Parts":
        """Return the store for the scores of a model; `kind` is "pool" or "files".

        Its folder depends on everything that changes an answer: the checkpoint, how its pixels are made, the parameters
        of reading a file, the behaviour version of the stage, and the versions of the libraries that decode.
        """
        told = f"behaviour {VERSIONS['identify']} {model.input} {settings} {library_versions()}"
        folder = cache / model.digest[:16] / f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
        return cls(folder, whole_batches=kind == "pool")

    def path(self, items: Sequence[Item]) -> Path:
        """Return the path of the batch of these items, whether it exists or not."""
        text = "\n".join(f"{item.shown}\t{item.stamp}\t{item.image_id}\t{item.turn}" for item in items)
        return self.folder / f"part-{hashlib.sha256(text.encode()).hexdigest()[:24]}.parquet"

    def found(self, items: Sequence[Item]) -> Path:
        """Return the path where the batch of these items was written: a finished file, or one that is tried again."""
        path = self.path(items)
        return path if path.exists() else _again(path)

    def write(self, batch: Sequence[Decoded], logits: np.ndarray, embeddings: np.ndarray) -> Sequence[Decoded]:
        """Write a batch and return it. Logits [r, c] and embeddings [r, d] belong to its readable images, in order."""
        path = self.path([image.item for image in batch])
        passing = [image for image in batch if image.passing]
        if passing and self.whole_batches:
            _write(_again(path), batch, logits, embeddings)
            return batch
        steady = [image for image in batch if not image.passing]
        if steady:
            _write(path, steady, logits, embeddings)
        if passing:
            _write(_again(path), passing, logits[:0], embeddings[:0])
        return batch

    def forget_passing(self) -> None:
        """Delete the batches that are to be tried again."""
        for path in self.folder.glob("again-*"):
            path.unlink(missing_ok=True)

    def seen(self) -> set[bytes]:
        """Return the keys of all images in finished batches, also in those of killed runs."""
        found: set[bytes] = set()
        for some in chunks(sorted(self.folder.glob("part-*.parquet")), AT_ONCE):
            table = _together(some, ["path", "stamp"])
            found.update(map(key, table["path"].to_pylist(), table["stamp"].to_pylist()))
        return found

    def all(self) -> list[Path]:
        """Return the paths of all batches, sorted by name."""
        return sorted([*self.folder.glob("part-*.parquet"), *self.folder.glob("again-*.parquet")])

    def keep_only(self, wanted: Iterable[Path]) -> None:
        """Delete batches that are not wanted any more, and the partial files of a killed run."""
        kept = set(wanted)
        drafts = [path for path in self.folder.glob(f"*{SUFFIX}") if is_abandoned(path)]
        for path in [*self.all(), *drafts]:
            if path not in kept:
                path.unlink(missing_ok=True)


def _again(path: Path) -> Path:
    return path.with_name(path.name.replace("part-", "again-", 1))


def _write(path: Path, batch: Sequence[Decoded], logits: np.ndarray, embeddings: np.ndarray) -> None:
    table = _table(batch, logits, embeddings)
    with whole(path) as draft:
        pq.write_table(table, draft, compression="zstd")


def read(paths: Iterable[Path]) -> Iterator[pd.DataFrame]:
    """Yield the batches as frames with the columns of RAW, several batches at a time."""
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
