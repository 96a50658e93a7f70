"""Make the rows of IMAGES, one for each content. Of identical files it chooses the one that gives path and label.

A benchmark file comes before one of data/raw, and that before one of the pool. A file with a label comes before one
without. Among equals the path decides.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from curation.engine.mapping import chunks
from curation.images.collection.metadata import Facts, with_camera
from curation.images.collection.scan import BENCHMARK, RAW, UNLABELLED, Found
from curation.images.file_type import mislabelled
from curation.images.image_measures import Measures
from curation.tables import IMAGES
from curation.tables.class_names import UNKNOWN

BATCH = 8192
PRIORITY = {BENCHMARK: 0, RAW: 1, UNLABELLED: 2}
Known = Callable[[Sequence[str]], Mapping[str, Measures]]


def row_batches(
    found: Sequence[Found], ids: Sequence[str], fresh: Mapping[str, Measures], known: Known
) -> Iterator[pd.DataFrame]:
    """Yield IMAGES in batches sorted by `image_id`.

    ids: the image_id of each file; fresh: measures by image_id; known: gives the measures of those that are not fresh.
    """
    order = sorted(range(len(found)), key=lambda row: (ids[row], *_rank(found[row])))
    contents = (list(group) for _, group in groupby(order, key=ids.__getitem__))
    for part in chunks(contents, BATCH):
        names = [ids[group[0]] for group in part]
        kept = known(names)
        rows = [
            _row(name, [found[row] for row in group], kept.get(name) or fresh[name])
            for name, group in zip(names, part, strict=True)
        ]
        yield pd.DataFrame(rows, columns=IMAGES.columns)


def _rank(one: Found) -> tuple[int, bool, str]:
    return PRIORITY[one.source], one.label in {"", UNKNOWN}, one.path


def _row(image_id: str, copies: Sequence[Found], measures: Measures) -> dict[str, Any]:
    """Make the row of one content from its files, the one that stands for it first."""
    first, *others = copies
    facts = _with_exif(_facts(copies), measures)
    odd = mislabelled(measures.format, PurePosixPath(first.path).suffix) if measures.format else ""
    return {
        "image_id": image_id,
        "path": first.path,
        "source": first.source,
        "benchmark_set": first.benchmark_set,
        "label": first.label,
        "subclass": first.subclass,
        "origin": first.origin,
        **measures._asdict(),
        **facts._asdict(),
        "copy_paths": [one.path for one in others],
        "copy_labels": [one.label for one in others],
        "bytes": first.size,
        "note": "; ".join(filter(None, (odd, measures.note))),
    }


def _facts(copies: Sequence[Found]) -> Facts:
    """What metadata files say of one content: of several identical files, the first that says something."""
    if len(copies) == 1:
        return copies[0].facts
    return Facts(*(next(filter(None, told), "") for told in zip(*(one.facts for one in copies), strict=True)))


def _with_exif(facts: Facts, measures: Measures) -> Facts:
    """Add time and camera of EXIF where the metadata files tell none."""
    if not measures.captured_at and not measures.camera:
        return facts
    return facts._replace(
        captured_at=facts.captured_at or measures.captured_at, metadata=with_camera(facts.metadata, measures.camera)
    )
