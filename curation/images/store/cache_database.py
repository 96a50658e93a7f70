"""How the caches open their SQLite files.

SQLite's write-ahead log makes them safe against a kill at any moment, and lets several processes use one file. A cache
can be lost without harm, so a damaged file is made anew, and where no file can be written a temporary one serves.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path


def open_cache(path: Path | None, statements: str) -> sqlite3.Connection:
    """Open the database at `path` (None: a temporary one), and run the `statements` that make its tables."""
    if path is not None:
        for _ in range(2):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                return _prepare(sqlite3.connect(path, timeout=60), statements)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    break
                delete_cache(path)
            except OSError:
                break
    return _prepare(sqlite3.connect(""), statements)


def delete_cache(path: Path) -> None:
    """Delete a database, and the log and index that SQLite keeps beside it."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _prepare(database: sqlite3.Connection, statements: str) -> sqlite3.Connection:
    database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # holds for a new file only: its space can be given back
    with suppress(sqlite3.OperationalError):
        database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.executescript(statements)
    database.executescript("BEGIN IMMEDIATE; COMMIT;")  # fails now if the disk is read-only
    return database
