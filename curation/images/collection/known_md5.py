"""The MD5s that DVC has computed already, from the state database in which it remembers them.

DVC trusts an entry while the file's inode, modification time and size are those it saw; so do we, through its own
code. Where nothing is known, the bytes are hashed again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curation.engine.mapping import chunks
from curation.images.collection.scan import Found
from curation.project.dvc import Dvc

WORTH_FROM = 3000  # files; below it, importing dvc takes longer than hashing them


def known_to_dvc(root: Path, found: Sequence[Found], worth_from: int = WORTH_FROM) -> list[str]:
    """The MD5 of each file of the project in `root`, "" where DVC does not know it."""
    if len(found) < worth_from:
        return [""] * len(found)
    dvc = Dvc(root.resolve())
    known: list[str] = []
    for part in chunks(found, 10_000):
        paths = [f"{dvc.root}/{one.path}" for one in part]
        known += dvc.known_md5s(paths, dict(zip(paths, map(_info, part), strict=True)))
    return known


def _info(one: Found) -> dict[str, Any]:
    seconds, nanoseconds = divmod(one.mtime_ns, 10**9)
    modified = seconds + 1e-9 * nanoseconds  # as Python makes st_mtime, to the last bit
    return {"ino": one.inode, "mtime": modified, "size": one.size, "type": "file"}
