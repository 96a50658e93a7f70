"""What a model said, batch by batch on disk, so that a run that was killed goes on where it was.

Each batch is one Parquet file named after what is in it (the same batch, whatever the run, has the same name), written
whole or not at all: kill -9 loses the batch at hand and no more. Kept in `.cache/curation/identify/<model>/`, outside
DVC and git.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from curation.identify.decode import Decoded, Item
from curation.tables import TEXT

CACHE = Path(".cache/curation/identify")
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
        text = "\n".join(f"{item.path}\t{item.stamp}\t{item.image_id}\t{item.turn}" for item in items)
        return self.folder / f"part-{hashlib.sha256(text.encode()).hexdigest()[:24]}.parquet"

    def write(self, batch: Sequence[Decoded], logits: np.ndarray, embeddings: np.ndarray) -> Path:
        """Write a batch; `logits` [r, c] and `embeddings` [r, d] are of its readable images, in order."""
        at = iter(range(len(logits)))
        rows = [_row(image, None if image.pixels is None else next(at), logits, embeddings) for image in batch]
        path = self.path([image.item for image in batch])
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".partial")
        pq.write_table(pa.Table.from_pylist(rows, schema=RAW), draft, compression="zstd")
        draft.replace(path)
        return path

    def seen(self) -> set[tuple[str, str]]:
        """(path, stamp) of every image in any batch, also those of runs that were killed."""
        found: set[tuple[str, str]] = set()
        for path in self.all():
            table = pq.read_table(path, columns=["path", "stamp"])
            found.update(zip(table["path"].to_pylist(), table["stamp"].to_pylist(), strict=True))
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
    """Yield batches as frames with the columns of RAW."""
    for path in paths:
        yield pq.read_table(path).to_pandas()


def _row(image: Decoded, at: int | None, logits: np.ndarray, embeddings: np.ndarray) -> dict[str, object]:
    return {
        "image_id": image.image_id,
        "path": image.item.path,
        "stamp": image.item.stamp,
        "logits": [] if at is None else logits[at],
        # A float16 ends at 65,504; an embedding beyond it would become infinite and poison every distance.
        "embedding": b"" if at is None else np.clip(embeddings[at], -65_504, 65_504).astype("<f2").tobytes(),
        **image.measured._asdict(),
        "error": image.error,
    }
