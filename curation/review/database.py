"""Import FiftyOne, connect to its database, and find or create the dataset. Each step has a time limit.

The import takes seconds, and the first call may start a mongod. So every part of this room calls `connect`, which turns
every failure into one `ReviewUnavailableError` with the fix.
"""

import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from curation.errors import CurationError
from curation.review import mongod

CONNECT_SECONDS = 120
ANSWER_SECONDS = 5


class ReviewUnavailableError(CurationError):
    """FiftyOne or its database is missing or does not answer."""

    def __init__(self, found: str, fix: str) -> None:
        super().__init__(f"review in FiftyOne is not possible here: {found}. Fix: {fix}")


class NotPushedError(CurationError):
    """There is no dataset with that name."""

    def __init__(self, name: str, there: list[str]) -> None:
        others = ", ".join(there) or "none"
        super().__init__(f"FiftyOne has no dataset `{name}` (datasets: {others}). Run `curate review push` first.")


def connect() -> Any:
    """Return the module fiftyone, connected to a database that answers. ReviewUnavailableError otherwise."""
    state = mongod.inspect()
    if not state.ok:
        raise ReviewUnavailableError(state.found, state.fix)
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")  # mongod 6.0 works, but draws a warning each time
    fix = "point FIFTYONE_DATABASE_URI at a MongoDB that runs, or unset it to use FiftyOne's own; see `curate doctor`"
    with within(CONNECT_SECONDS, ReviewUnavailableError(f"no answer in {CONNECT_SECONDS} s", fix)):
        _ping(fix)
        try:
            import fiftyone

            fiftyone.list_datasets()
        except ReviewUnavailableError:
            raise
        except Exception as error:
            raise ReviewUnavailableError(f"{type(error).__name__}: {error}", fix) from error
    return fiftyone


def _ping(fix: str) -> None:
    """Fail early when the configured database does not answer; pymongo itself waits half a minute for each call."""
    uri = os.environ.get("FIFTYONE_DATABASE_URI")
    if not uri:
        return
    import pymongo
    from pymongo.errors import PyMongoError

    try:
        client: Any = pymongo.MongoClient(uri, serverSelectionTimeoutMS=ANSWER_SECONDS * 1000)
        with client:
            client.admin.command("ping")
    except PyMongoError as error:
        raise ReviewUnavailableError(f"the database at {uri} does not answer ({type(error).__name__})", fix) from error


@contextmanager
def within(seconds: float, error: CurationError) -> Iterator[None]:
    """Raise `error` when the block takes longer. Only POSIX and the main thread have this limit."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def dataset_name(fo: Any, wanted: str, root: Path) -> str:
    """Return `wanted`, with a suffix when another project on this disk uses the name already.

    All FiftyOne processes of a machine share one database, so two clones of a project want the same name. FiftyOne
    refuses a name without any Latin letter or digit, so such a name gets a suffix, too.
    """
    suffix = hashlib.md5(str(root).encode(), usedforsecurity=False).hexdigest()[:6]
    if not any(one.isascii() and one.isalnum() for one in wanted):
        return f"{wanted}-{suffix}"
    if not fo.dataset_exists(wanted):
        return wanted
    owner = fo.load_dataset(wanted).info.get("curation_root")
    if owner in {None, str(root)} or not Path(owner).is_dir():
        return wanted
    return f"{wanted}-{suffix}"


def load(fo: Any, wanted: str, root: Path) -> Any:
    """Return the dataset that this project pushed under that name. NotPushedError when there is none."""
    name = dataset_name(fo, wanted, root)
    if not fo.dataset_exists(name):
        raise NotPushedError(name, fo.list_datasets())
    return fo.load_dataset(name)
