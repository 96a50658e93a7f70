"""The MD5s that DVC has computed already, from the state database in which it remembers them.

DVC trusts an entry while the file's inode, modification time and size are those it saw; so do we, through its own
code. Nothing is written, no command of DVC is run, and where anything is amiss the answer is that nothing is known:
then the bytes are hashed again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curation.engine.mapping import chunks
from curation.images.collection.scan import Found

WORTH_FROM = 3000  # files; below it, importing dvc takes longer than hashing them


def known_to_dvc(root: Path, found: Sequence[Found], worth_from: int = WORTH_FROM) -> list[str]:
    """The MD5 of each file of the repository at `root`, "" where DVC does not know it."""
    nothing = [""] * len(found)
    if len(found) < worth_from or not (root / ".dvc").is_dir():
        return nothing
    try:
        return _ask(root.resolve(), found)
    except Exception:  # noqa: BLE001 - a shortcut through another program's files must never be what stops a run
        return nothing


def _ask(root: Path, found: Sequence[Found]) -> list[str]:
    from dvc.repo import Repo

    known: list[str] = []
    with Repo(str(root)) as repo:
        for part in chunks(found, 10_000):
            paths = [f"{root}/{one.path}" for one in part]
            infos = {path: _info(one) for path, one in zip(paths, part, strict=True)}
            answers = repo.state.get_many(paths, repo.fs, infos)
            md5s = {path: hashed.value for path, _, hashed in answers if hashed and hashed.name == "md5"}
            known += [md5s.get(path, "") for path in paths]
    return known


def _info(one: Found) -> dict[str, Any]:
    seconds, nanoseconds = divmod(one.mtime_ns, 10**9)
    modified = seconds + 1e-9 * nanoseconds  # as Python makes st_mtime, to the last bit
    return {"ino": one.inode, "mtime": modified, "size": one.size, "type": "file"}
