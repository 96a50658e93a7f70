"""`curate identify FOLDER`: any images through any model, flat in memory, in a run that can be killed and goes on.

What a model has scored is kept batch by batch; a later run passes over every file that has not changed since, wherever
it is listed. The table is written from those batches one after the other, so that its size is bounded by the disk
alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from curation.identify.decode import Decoder, Item
from curation.identify.evidence import Reference
from curation.identify.models import Model
from curation.identify.parts import CACHE, Parts, read
from curation.identify.scoring import score
from curation.identify.table import identified
from curation.identify.twins import Known
from curation.params import Params
from curation.tables import IDENTIFIED


@dataclass(frozen=True)
class Run:
    """What a run did: the table, images in it, images scored now, files that can't be read."""

    table: Path
    images: int
    scored: int
    unreadable: int


def identify_items(items: list[Item], model: Model, params: Params, out: Path, known: "Context | None" = None) -> Run:
    """Score items with a model where it has not yet, and write IDENTIFIED (source `folder`) to `out`."""
    parts = Parts(CACHE / model.digest[:16] / "files")
    seen = parts.seen()
    new = [item for item in items if (item.path, item.stamp) not in seen]
    knobs = params.identify
    decoder = Decoder(model.size, params.ingest.background, params.dedupe.hash, params.dedupe.bits)
    score(new, model.path, decoder, parts, batch_size=knobs.batch_size, processes=knobs.workers)
    images, unreadable = write(parts, {(item.path, item.stamp) for item in items}, model, out, known or Context())
    model.calibration.write(out.with_suffix(".calibration.json"))
    return Run(out, images, len(new), unreadable)


@dataclass(frozen=True)
class Context:
    """What images are compared with: training embeddings and hashes of known images, where there are any."""

    reference: Reference | None = None
    known: Known | None = None


def write(parts: Parts, wanted: set[tuple[str, str]], model: Model, out: Path, context: Context) -> tuple[int, int]:
    """Write the table of the wanted (path, stamp) pairs, batch by batch; returns images and unreadable ones."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.partial")
    count = broken = 0
    try:
        with pq.ParquetWriter(draft, IDENTIFIED.schema, compression="zstd") as writer:
            for frame in _frames(parts, wanted, model, context):
                table = pa.Table.from_pandas(frame[IDENTIFIED.columns], schema=IDENTIFIED.schema, preserve_index=False)
                writer.write_table(table.replace_schema_metadata(None))
                count += len(frame)
                broken += int((frame.error != "").sum())
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return count, broken


def _frames(parts: Parts, wanted: set[tuple[str, str]], model: Model, context: Context) -> Iterator[pd.DataFrame]:
    left = set(wanted)
    for batch in read(parts.all()):
        keys = list(zip(batch.path, batch.stamp, strict=True))
        chosen = np.array([key in left for key in keys], dtype=bool)
        left -= set(keys)
        if not chosen.any():
            continue
        frame = identified([batch[chosen]], model.calibration, context.reference).assign(source="folder")
        frame["known_twin"] = context.known.twins(frame) if context.known else ""
        frame["leak_group"] = frame.known_twin.where(frame.known_twin != "", frame.image_id)
        yield frame
