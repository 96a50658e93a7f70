"""In which order decisions were made: by `decided_at`, whatever the order of the lines.

Two clones of a project merge their logs with git's union driver, which keeps the lines of both sides in any order and
may keep a line twice. So the order of lines says nothing, and the rule is this:

- a row without a time is older than every row with one;
- a time without a zone is UTC, and a date without a time is its midnight;
- rows of one instant (or without one) stand in the order of their texts, column by column;
- rows that are equal in every column are one row.

A new row is never older than what the log already says of its image, even where the clocks of two machines differ:
that is the idea of hybrid logical clocks (Kulkarni et al., 2014).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

REVIEW_COLUMNS = ["image_id", "decision", "label", "subclass", "reviewer", "decided_at", "model", "note"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NO_TIME = -(2**63)


@lru_cache(maxsize=65536)
def instant(text: str) -> int:
    """Microseconds since 1970 of a `decided_at`, NO_TIME where it is empty; ValueError where it is no ISO 8601 time."""
    if not text:
        return NO_TIME
    when = datetime.fromisoformat(text)
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def spelt(moment: int) -> str:
    """Spell an instant as new rows do: UTC, with microseconds, so that two decisions in one second have an order."""
    return (EPOCH + moment * MICROSECOND).isoformat(timespec="microseconds")


def now() -> int:
    """Microseconds since 1970."""
    return (datetime.now(UTC) - EPOCH) // MICROSECOND


def in_order(reviews: "pd.DataFrame") -> "pd.DataFrame":
    """Sort rows of the log (REVIEW_COLUMNS and any further ones), the oldest first; each different row once."""
    texts = list(zip(*(reviews[name].tolist() for name in REVIEW_COLUMNS), strict=True))
    when = REVIEW_COLUMNS.index("decided_at")
    places: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(texts):
        places.setdefault(row, place)
    order = sorted(places, key=lambda row: (instant(row[when]), row))
    out = reviews.iloc[[places[row] for row in order]].reset_index(drop=True)
    out.attrs.update(reviews.attrs)
    return out


def stamped(rows: list[dict[str, str]], latest: Mapping[str, int]) -> list[dict[str, str]]:
    """Give rows without `decided_at` the time now, in their order. latest: the newest instant of images in the log."""
    known, moment, out = dict(latest), now(), []
    for row in rows:
        one, when = row["image_id"], row["decided_at"]
        if not when:
            moment = max(moment + 1, known.get(one, NO_TIME) + 1)
            when = spelt(moment)
        known[one] = max(known.get(one, NO_TIME), instant(when))
        out.append({**row, "decided_at": when})
    return out
