"""Decoded images by key, kept between runs in one SQLite file.

A run that was killed keeps all but the last few megabytes of what it decoded. SQLite is as fast as the file system for
blobs of this size ("35% faster than the filesystem", sqlite.org), and decoding takes fifty times longer than storing.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.images.store.cache_database import open_cache

COMMIT_BYTES = 8 * 2**20  # added at once: the file is locked for a moment only, and little is lost to a kill
TABLES = "CREATE TABLE IF NOT EXISTS blobs (key TEXT PRIMARY KEY, data BLOB NOT NULL);"


class PixelCache:
    """The bytes of decoded images, by key; several processes may use the file at once."""

    def __init__(self, path: Path) -> None:
        self._database = open_cache(path, TABLES)

    def __contains__(self, key: str) -> bool:
        return self._database.execute("SELECT 1 FROM blobs WHERE key = ?", (key,)).fetchone() is not None

    def read(self, key: str) -> bytes:
        """Return the bytes under a key; KeyError where there are none."""
        row = self._database.execute("SELECT data FROM blobs WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        return bytes(row[0])

    @contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        """Give a function that adds a blob; what was added is kept also when the block is left by an error."""
        waiting: dict[str, bytes] = {}
        size = 0

        def add(key: str, data: bytes) -> None:
            nonlocal size
            waiting[key] = data
            size += len(data)
            if size >= COMMIT_BYTES:
                self._save(waiting)
                waiting.clear()
                size = 0

        try:
            yield add
        finally:
            self._save(waiting)

    def forget_all_but(self, keys: Iterable[str]) -> None:
        """Delete the blobs under other keys, and give their space back to the system."""
        with self._database:
            self._database.execute("CREATE TEMP TABLE IF NOT EXISTS needed (key TEXT PRIMARY KEY)")
            self._database.execute("DELETE FROM needed")
            self._database.executemany("INSERT OR IGNORE INTO needed VALUES (?)", ((key,) for key in keys))
            self._database.execute("DELETE FROM blobs WHERE key NOT IN (SELECT key FROM needed)")
        self._database.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _save(self, blobs: dict[str, bytes]) -> None:
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO blobs VALUES (?, ?)", blobs.items())
