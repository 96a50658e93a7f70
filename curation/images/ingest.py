"""From files to the table IMAGES: one row for each content, whatever the order of files or the number of workers.

A file that is as it was is not read again (`ingest_cache`). The others are read once (`read_files`). Rows are made in
the order of `image_id`, a few thousand at a time (`image_rows`), so that memory does not grow with the pictures.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from curation.engine.guard import Bounds
from curation.images.collection.known_md5 import known_to_dvc
from curation.images.collection.scan import Found, scan, scan_folder
from curation.images.hashing import check
from curation.images.image_measures import Measures, Settings
from curation.images.image_rows import row_batches
from curation.images.ingest_cache import Cache, CacheError
from curation.images.read_files import id_of_path, read_files
from curation.images.reading import Reader, Request
from curation.params import Params
from curation.project import Places
from curation.tables import IMAGES


def ingest(root: Path, params: Params) -> pd.DataFrame:
    """Read the collection below `root` (data/raw, data/benchmark, data/unlabelled) into the table IMAGES.

    Raises what `scan` raises, and HashError; files that can't be read are rows with an `error`.
    """
    return _joined(ingest_batches(root, params))


def ingest_batches(root: Path, params: Params, passed_over: Counter[str] | None = None) -> Iterator[pd.DataFrame]:
    """The same in parts, sorted by `image_id`, for collections that do not fit in memory.

    `passed_over` counts what is not listed: hidden files, and what systems leave behind.
    """
    return _measured(scan(root, passed_over), root, params, Places(root).caches)


def ingest_folder(folder: Path, params: Params, cache: Path | None = None) -> pd.DataFrame:
    """Read any folder into the table IMAGES; paths are relative to it. `cache` is a folder to remember measures in."""
    return _joined(_measured(scan_folder(folder), folder, params, cache))


def _joined(batches: Iterator[pd.DataFrame]) -> pd.DataFrame:
    frames = list(batches)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=IMAGES.columns)


def _measured(found: Sequence[Found], root: Path, params: Params, folder: Path | None) -> Iterator[pd.DataFrame]:
    """The batches of IMAGES for files that were found; `folder` holds the cache, None keeps it for this run only."""
    settings = Settings.of(params)
    check(settings.hash, settings.bits)
    try:
        with Cache(folder, settings) as cache:
            ids = cache.md5s(found, otherwise=partial(known_to_dvc, root))
            fresh = _read_new(found, ids, Reader(str(root), settings), params, cache)
            yield from row_batches(found, ids, fresh, cache.measures)
    except sqlite3.Error as error:
        raise CacheError(error) from None


def _read_new(
    found: Sequence[Found], ids: list[str], reader: Reader, params: Params, cache: Cache
) -> dict[str, Measures]:
    """Read what the cache does not know, and fill in its `ids`; measures that may change at the next run come back."""
    fresh: dict[str, Measures] = {}
    for row, one in enumerate(found):
        if one.problem:
            ids[row] = id_of_path(one.path)
            fresh[ids[row]] = Measures(error=one.problem)
    measured = cache.measured(filter(None, ids))
    todo = [row for row, one in enumerate(found) if not one.problem and ids[row] not in measured]
    requests = [Request(found[row].path, ids[row]) for row in todo]
    bounds = Bounds(params.ingest.timeout, params.ingest.memory)
    readings = read_files(requests, reader, bounds, params.ingest.workers)
    for row, reading in zip(todo, cache.kept((found[row] for row in todo), readings), strict=True):
        ids[row] = reading.md5 or id_of_path(found[row].path)
        if not reading.steady:
            fresh[ids[row]] = reading.measures
    return fresh
