"""Read and measure many files in worker processes; a file whose decoder hangs or crashes costs no other file."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from curation.engine.guard import Bounds, Failure, run_guarded
from curation.engine.progress import track
from curation.images.image_measures import Measures
from curation.images.reading import Reader, Reading, Request, content_id


def read_files(requests: Sequence[Request], reader: Reader, bounds: Bounds, workers: int) -> Iterator[Reading]:
    """Yield the reading of each file, in order, while progress is shown; a failure is a reading with an `error`."""
    results = run_guarded(reader, requests, processes=workers, bounds=bounds)
    tracked = track(results, len(requests), "ingest")
    for request, result in zip(requests, tracked, strict=True):
        yield _settled(Path(reader.root) / request.path, result)


def id_of_path(path: str) -> str:
    """Name a file whose bytes nobody can read."""
    return hashlib.md5(b"unreadable\0" + path.encode("utf-8"), usedforsecurity=False).hexdigest()


def _settled(path: Path, result: Reading | Failure) -> Reading:
    """Turn a failure into a reading; its file is still named by its bytes, as long as the system gives them."""
    if isinstance(result, Reading):
        return result
    return Reading(content_id(path), 0, 0, 0, Measures(error=result.reason), steady=False)
