"""The cache of ingest: what was measured before is kept, so that a run reads only new files.

One SQLite file under `.cache/curation/`, outside DVC and git. A file is recognised by its path, size, modification
time and inode, as git and DVC do. Measures are kept by content and by everything that decides on them: the stage's
behaviour version, the settings and the library versions. So the cache can't change a result: delete it, and the next
run takes longer. It also carries the measures of one run from the workers to the table, so that a million images fit
in little memory.
"""

import math
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from curation.engine.mapping import chunks
from curation.errors import CurationError
from curation.images.collection.scan import Found
from curation.images.image_measures import Measures, Settings
from curation.images.reading import Reading
from curation.images.store.cache_database import open_cache
from curation.project.behaviour_versions import VERSIONS

FORMAT = 2
RACY_NS = 2_000_000_000  # a file changed this recently may change again within the clock's tick (git's "racily clean")
KEPT_VERSIONS = 4
AT_ONCE = 512  # readings that are made to last together
REMEMBER = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)"
LIBRARIES = (
    *("pillow", "simplejpeg", "opencv-python-headless", "numpy", "PyWavelets", "pdqhash"),
    *("pillow-heif", "rawpy", "pydicom", "pillow-jxl-plugin", "tifffile", "imagecodecs"),
)
TABLES = """
CREATE TABLE IF NOT EXISTS files
  (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, inode INTEGER, md5 TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (id INTEGER PRIMARY KEY, name TEXT UNIQUE, used REAL);
CREATE TABLE IF NOT EXISTS measures
  (version INTEGER, md5 TEXT, format TEXT, width INTEGER, height INTEGER, note TEXT, error TEXT,
   hash BLOB, hash_quality REAL, thumbnail BLOB, blur REAL, brightness REAL, contrast REAL, captured_at TEXT,
   camera TEXT, PRIMARY KEY (version, md5));
"""


class CacheError(CurationError):
    """The cache's file can't be read or written; without it, nothing is lost but time."""

    def __init__(self, error: sqlite3.Error) -> None:
        super().__init__(
            f"the cache in .cache/curation, or in the temporary folder where that can't be written: {error}. "
            "Free space there, or delete .cache/curation: nothing is lost but time. Then run the same command again."
        )


class Cache:
    """Identities of files and measures of contents; `folder` None keeps them for this run only."""

    def __init__(self, folder: Path | None, settings: Settings) -> None:
        self._database = open_cache(folder and folder / f"ingest-{FORMAT}.sqlite", TABLES)
        self._version = self._use(_version(settings))

    def __enter__(self) -> Self:
        """Use it in a `with` block, which ends with what is left written and the file let go."""
        return self

    def __exit__(self, *_: object) -> None:
        self._database.commit()
        self._database.close()

    def md5s(self, found: Sequence[Found], otherwise: Callable[[Sequence[Found]], Sequence[str]]) -> list[str]:
        """The MD5 of each file that is as it was when it was last read, "" for the others.

        otherwise: finds the MD5 of the files that are not known here, which is then remembered.
        """
        known = self._unchanged(found)
        new = [row for row, md5 in enumerate(known) if not md5 and not found[row].problem]
        told = otherwise([found[row] for row in new])
        self._remember((found[row], md5) for row, md5 in zip(new, told, strict=True))
        for row, md5 in zip(new, told, strict=True):
            known[row] = md5
        return known

    def _unchanged(self, found: Sequence[Found]) -> list[str]:
        known: list[str] = []
        for part in chunks(found, 500):
            rows = self._select(
                "SELECT path, size, mtime_ns, inode, md5 FROM files WHERE path", [one.path for one in part]
            )
            before = {path: (tuple(state), md5) for path, *state, md5 in rows}
            for one in part:
                state, md5 = before.get(one.path, ((), ""))
                known.append(md5 if state == (one.size, one.mtime_ns, one.inode) else "")
        return known

    def _remember(self, found: Iterable[tuple[Found, str]]) -> None:
        """Remember the MD5s of files that somebody else has read."""
        now = time.time_ns()
        rows = [
            (one.path, one.size, one.mtime_ns, one.inode, md5)
            for one, md5 in found
            if md5 and now - one.mtime_ns > RACY_NS
        ]
        self._database.executemany(REMEMBER, rows)
        self._database.commit()

    def measured(self, md5s: Iterable[str]) -> set[str]:
        """Those contents whose measures are here."""
        query = f"SELECT md5 FROM measures WHERE version = {self._version} AND md5"  # noqa: S608 - an integer of ours
        return {md5 for part in chunks(md5s, 500) for (md5,) in self._select(query, part)}

    def measures(self, md5s: Sequence[str]) -> dict[str, Measures]:
        """The measures of contents, where they are here."""
        columns = ", ".join(Measures._fields)
        query = f"SELECT md5, {columns} FROM measures WHERE version = {self._version} AND md5"  # noqa: S608
        found = (row for part in chunks(md5s, 500) for row in self._select(query, part))
        return {md5: _measures(row) for md5, *row in found}

    def kept(self, found: Iterable[Found], readings: Iterable[Reading]) -> Iterator[Reading]:
        """Pass on the readings of files while they are remembered; now and then they are made to last."""
        for number, (one, reading) in enumerate(zip(found, readings, strict=True), 1):
            if reading.md5 and reading.steady:
                self._add(one, reading)
            if number % AT_ONCE == 0:
                self._database.commit()
            yield reading
        self._database.commit()

    def _add(self, one: Found, reading: Reading) -> None:
        row = (self._version, reading.md5, *reading.measures)
        places = ", ".join("?" * len(row))
        columns = ", ".join(("version", "md5", *Measures._fields))
        query = f"INSERT OR REPLACE INTO measures ({columns}) VALUES ({places})"  # noqa: S608 - our own names
        self._database.execute(query, row)
        state = (one.size, one.mtime_ns, one.inode)
        same = state == (reading.size, reading.mtime_ns, reading.inode)
        if same and time.time_ns() - one.mtime_ns > RACY_NS:
            self._database.execute(REMEMBER, (one.path, *state, reading.md5))

    def _select(self, query: str, values: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        return iter(self._database.execute(f"{query} IN ({', '.join('?' * len(values))})", values))

    def _use(self, name: str) -> int:
        """Number this version of the measures, and forget all but the last few that were used."""
        self._database.execute("INSERT OR IGNORE INTO versions (name) VALUES (?)", (name,))
        self._database.execute("UPDATE versions SET used = ? WHERE name = ?", (time.time(), name))
        old = "SELECT id FROM versions ORDER BY used DESC LIMIT -1 OFFSET ?"
        self._database.execute(f"DELETE FROM measures WHERE version IN ({old})", (KEPT_VERSIONS,))  # noqa: S608
        self._database.execute(f"DELETE FROM versions WHERE id IN ({old})", (KEPT_VERSIONS,))  # noqa: S608
        self._database.commit()
        (number,) = self._database.execute("SELECT id FROM versions WHERE name = ?", (name,)).fetchone()
        return int(number)


def _version(settings: Settings) -> str:
    """All that decides on a measure, as one line of text: the stage's behaviour, the settings, the libraries."""
    return f"behaviour {VERSIONS['ingest']} {settings} {library_versions()}"


def library_versions() -> str:
    """Name the libraries that decode images and their versions, as one line of text."""
    return " ".join(f"{name} {_installed(name)}" for name in LIBRARIES)


def _installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def _measures(row: Sequence[Any]) -> Measures:
    return Measures._make(math.nan if value is None else value for value in row)
