"""Decisions that people add while a stage runs.

DVC takes the hash of a stage's inputs after the stage. So a decision that was added meanwhile would count as used
although the stage did not see it, and no later run would use it. A stage that reads the log therefore looks again when
it has done its work, and does it once more when people decided in between.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curation.decisions.log import read_reviews

if TYPE_CHECKING:
    import pandas as pd

MOST = 600.0  # seconds after which the work is not done once more


def with_all_decisions(path: Path, stage: str, work: "Callable[[pd.DataFrame], None]") -> None:
    """Do the work of a stage with the log at `path`; do it again when the log has changed since.

    `work` gets the log as `read_reviews` gives it. After MOST seconds it is left at that, and a line on stderr names
    the command that uses the decisions which came too late.
    """
    start = time.monotonic()
    while True:
        before = _bytes(path)
        work(read_reviews(path))
        if _bytes(path) == before:
            return
        if time.monotonic() > start + MOST:
            fix = f"dvc repro --force --single-item {stage}"
            print(f"{stage}: decisions were added while it ran; to use them: {fix}", file=sys.stderr)
            return
        print(f"{stage}: decisions were added while it ran; once more with them", file=sys.stderr)


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
