"""Rows of the log for tests: as people write them, and as hypothesis draws them."""

import pandas as pd
from hypothesis import strategies as st

from curation.decisions.order import REVIEW_COLUMNS
from factories.tables import image_id

HEADER = ",".join(REVIEW_COLUMNS) + "\n"


def row(number=1, **values):
    return {"image_id": image_id(number), "decision": "keep", **values}


def undated(rows):
    """A log as `read_reviews` gives it, in the order of the rows, with the times that they name."""
    made = pd.DataFrame([{name: one.get(name, "") for name in REVIEW_COLUMNS} for one in rows], columns=REVIEW_COLUMNS)
    return made.astype("str").assign(line=range(2, len(rows) + 2))


def log_of(rows=()):
    """A log as `read_reviews` gives it; a row without a time was decided after those before it."""
    log = undated(list(rows))
    written = [f"2026-01-01T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}" for at in range(len(log))]
    return log.assign(decided_at=log["decided_at"].where(log["decided_at"] != "", written))


IDS = [image_id(number) for number in range(3)]
TIMES = [
    "",
    "2026-01-01",
    "2026-01-01T10:00:00Z",
    "2026-01-01T12:00:00+02:00",
    "2026-01-01T10:00:00",
    "2026-03-01T00:00",
]
PLAIN = ["keep", "remove", "unknown", "small", "turn:90", "turn:0", "benchmark:hard", "relabel"]
WORDS = [*PLAIN, *(f"{word}:{one}" for word in ("copy", "not_copy") for one in IDS)]


@st.composite
def rows(draw):
    """A row that the log takes: few images and instants, so that decisions meet and tie."""
    one, decision = draw(st.sampled_from(IDS)), draw(st.sampled_from(WORDS))
    if decision.endswith(one):
        decision = "keep"
    label = draw(st.sampled_from(["cat", "dog"])) if decision in ("relabel", "keep") else ""
    note = draw(st.sampled_from(["", 'he said "no", twice']))
    return {
        "image_id": one, "decision": decision, "label": label, "subclass": "", "reviewer": draw(st.sampled_from("ab")),
        "decided_at": draw(st.sampled_from(TIMES)), "model": "", "note": note,
    }  # fmt: skip


logs = st.lists(rows(), max_size=12)
