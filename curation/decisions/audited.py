"""Which labels were audited: confirmed or given by a person who did not see the model's answer.

Only such labels say something of the model that a swayed reviewer would not. The row of the log carries the note
BLIND_NOTE; a later decision on the label that was not made blind takes its place, and the label is no audited one.
"""

from typing import TYPE_CHECKING

from curation.decisions.words import parse_decision
from curation.tables.codes import Word

if TYPE_CHECKING:
    import pandas as pd

BLIND_NOTE = "blind"
TOLD = (Word.KEEP, Word.RELABEL)


def audited(reviews: "pd.DataFrame") -> set[str]:
    """Ids of the images whose label was last decided blind. reviews: the log as `read_reviews` gives it."""
    held: set[str] = set()
    for image_id, word, note in zip(reviews["image_id"], reviews["decision"], reviews["note"], strict=True):
        decision = parse_decision(word)
        if decision.axis != "label":
            continue
        if decision.word in TOLD and note == BLIND_NOTE:
            held.add(image_id)
        else:
            held.discard(image_id)
    return held
