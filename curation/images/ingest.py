"""From files to the table `images`: one row for each content, whatever the order of files or the number of workers.

Files that are as they were are not read again (see `cache`); the others are read once, in processes that may die (see
`guard`). Rows are made in the order of `image_id`, a few thousand at a time, so that memory does not grow with the
pictures.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from curation.engine.guard import Bounds, Failure, run_guarded
from curation.engine.mapping import chunks
from curation.engine.progress import track
from curation.images.collection.scan import BENCHMARK, RAW, UNLABELLED, Found, scan, scan_folder
from curation.images.file_type import mislabelled
from curation.images.hashing import check
from curation.images.image_measures import Measures, Settings
from curation.images.ingest_cache import Cache, CacheError
from curation.images.known_md5 import known_to_dvc
from curation.images.reading import Reader, Reading, Request, content_id
from curation.params import Params
from curation.project import Places
from curation.tables import IMAGES
from curation.tables.class_names import UNKNOWN

BATCH = 8192
PRIORITY = {BENCHMARK: 0, RAW: 1, UNLABELLED: 2}


def ingest(root: Path, params: Params) -> pd.DataFrame:
    """Read the collection below `root` (data/raw, data/benchmark, data/unlabelled) into the table IMAGES.

    Raises what `scan` raises, and HashError; files that can't be read are rows with an `error`.
    """
    return _joined(ingest_batches(root, params))


def ingest_batches(root: Path, params: Params) -> Iterator[pd.DataFrame]:
    """The same in parts, sorted by `image_id`, for collections that do not fit in memory."""
    return _measure(scan(root), root, params, Places(root).caches)


def ingest_folder(folder: Path, params: Params, cache: Path | None = None) -> pd.DataFrame:
    """Read any folder into the table IMAGES; paths are relative to it. `cache` is a folder to remember measures in."""
    return _joined(_measure(scan_folder(folder), folder, params, cache))


def _joined(batches: Iterator[pd.DataFrame]) -> pd.DataFrame:
    frames = list(batches)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=IMAGES.columns)


def _measure(found: Sequence[Found], root: Path, params: Params, folder: Path | None) -> Iterator[pd.DataFrame]:
    settings = Settings.of(params)
    check(settings.hash, settings.bits)
    cache = Cache(folder, settings)
    try:
        ids, unsteady = _read(found, root, params, cache)
        order = sorted(range(len(found)), key=lambda row: (ids[row], *_rank(found[row])))
        contents = (list(group) for _, group in groupby(order, key=ids.__getitem__))
        for part in chunks(contents, BATCH):
            names = [ids[group[0]] for group in part]
            measures = unsteady | cache.measures(names)
            rows = [
                _row(name, [found[row] for row in group], measures[name])
                for name, group in zip(names, part, strict=True)
            ]
            yield pd.DataFrame(rows, columns=IMAGES.columns)
    except sqlite3.Error as error:
        raise CacheError(error) from None
    finally:
        cache.close()


def _read(found: Sequence[Found], root: Path, params: Params, cache: Cache) -> tuple[list[str], dict[str, Measures]]:
    """Find the image_id of each file; measures that another run need not find again come back apart from the cache."""
    ids = _known(found, root, cache)
    measured = cache.measured(filter(None, ids))
    unsteady: dict[str, Measures] = {}
    for row, one in enumerate(found):
        if one.problem:
            ids[row] = _id_of_path(one.path)
            unsteady[ids[row]] = Measures(error=one.problem)
    todo = [row for row, one in enumerate(found) if not one.problem and ids[row] not in measured]
    requests = (Request(found[row].path, ids[row]) for row in todo)
    bounds = Bounds(params.ingest.timeout, params.ingest.memory)
    reader = Reader(str(root), Settings.of(params))
    results = run_guarded(reader, requests, processes=params.ingest.workers, bounds=bounds)
    tracked = track(results, len(todo), "ingest")
    for part in chunks(zip(todo, tracked, strict=True), 512):
        readings = [(row, _settle(root / found[row].path, result)) for row, result in part]
        cache.add((found[row], reading) for row, reading in readings)
        for row, reading in readings:
            ids[row] = reading.md5 or _id_of_path(found[row].path)
            if not reading.steady:
                unsteady[ids[row]] = reading.measures
    return ids, unsteady


def _known(found: Sequence[Found], root: Path, cache: Cache) -> list[str]:
    """The MD5 of each file that need not be hashed again, "" for the others."""
    ids = cache.md5s(found)
    new = [row for row, md5 in enumerate(ids) if not md5 and not found[row].problem]
    asked = known_to_dvc(root, [found[row] for row in new])
    cache.know((found[row], md5) for row, md5 in zip(new, asked, strict=True))
    for row, md5 in zip(new, asked, strict=True):
        ids[row] = md5
    return ids


def _settle(path: Path, result: Reading | Failure) -> Reading:
    """Turn a failure into a reading; its file is still named by its bytes, as long as the system gives them."""
    if isinstance(result, Reading):
        return result
    return Reading(content_id(path), 0, 0, 0, Measures(error=result.reason), steady=False)


def _id_of_path(path: str) -> str:
    """Name a file whose bytes nobody can read."""
    return hashlib.md5(b"unreadable\0" + path.encode("utf-8"), usedforsecurity=False).hexdigest()


def _rank(one: Found) -> tuple[int, bool, str]:
    return PRIORITY[one.source], one.label in {"", UNKNOWN}, one.path


def _row(image_id: str, copies: Sequence[Found], measures: Measures) -> dict[str, Any]:
    """Make the row of one content from its files, the one that stands for it first."""
    first, *others = copies
    odd = mislabelled(measures.format, PurePosixPath(first.path).suffix) if measures.format else ""
    return {
        "image_id": image_id,
        "path": first.path,
        "source": first.source,
        "benchmark_set": first.benchmark_set,
        "label": first.label,
        "subclass": first.subclass,
        "origin": first.origin,
        "copy_paths": [one.path for one in others],
        "copy_labels": [one.label for one in others],
        "bytes": first.size,
        **measures._asdict(),
        "note": "; ".join(filter(None, (odd, measures.note))),
    }
