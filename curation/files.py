"""Atomic writes: a file is written under a temporary name in the same folder, then renamed (invariant 6).

POSIX promises that a rename within a folder is one step, so a reader sees the old file or the new one, never a part.
The target may be a link into DVC's cache: the link is replaced, and the cache is never written to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the path of a draft to write; when the block ends well the draft becomes `path`, else it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.partial")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all, with the line ends it has."""
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="")
