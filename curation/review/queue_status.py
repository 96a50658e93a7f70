"""Count what is left of the queue from the tables and the log alone. It needs no FiftyOne, so it answers at once."""

from typing import Any

import pandas as pd


def progress(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row for each kind, and a last row for all: how many images are queued, decided and left.

    `frame` has the rows of the queue.
    """
    queue = frame[frame["role"] == "queue"]
    done = queue["decision"] != ""
    kinds = [_row(str(kind), len(part), int(done[part.index].sum())) for kind, part in queue.groupby("kind", sort=True)]
    return [*kinds, _row("all", len(queue), int(done.sum()))]


def _row(kind: str, queued: int, decided: int) -> dict[str, Any]:
    return {"kind": kind, "queued": queued, "decided": decided, "left": queued - decided}
