"""Decisions as FiftyOne tags: relabel:<class>, remove, unknown, keep, benchmark:<set>, turn:<degrees>, small ...

With FiftyOne alone (its tag menu or its Python API), a reviewer decides by setting a tag. The operators of the plugin
do the same with one key. Any other tag belongs to the reviewers and is not touched.
"""

from dataclasses import dataclass

from curation.decisions.words import parse_decision
from curation.errors import CurationError
from curation.tables.class_names import canonical, label_problem
from curation.tables.codes import Word


@dataclass(frozen=True)
class Decision:
    """One decision, with `decision` and `label` as in data/reviews.csv."""

    decision: str
    label: str = ""

    @property
    def tag(self) -> str:
        """The decision as the text of a tag."""
        return f"relabel:{self.label}" if self.decision == Word.RELABEL else self.decision

    @property
    def axis(self) -> str:
        """What the decision is about. Decisions on one axis exclude each other (`keep`, `remove`); others add up."""
        return parse_decision(self.decision).axis


def parse(tag: str) -> Decision | None:
    """Return the decision that a tag means, or None when it means none."""
    word, _, detail = (part.strip() for part in tag.strip().partition(":"))
    try:
        if word == Word.RELABEL:
            label = canonical(detail)
            return None if not label or label_problem(label) else Decision("relabel", label)
        return Decision(str(parse_decision(f"{word}:{detail}" if detail else word)))
    except (ValueError, CurationError):
        return None


def malformed(tag: str) -> bool:
    """Return True when a tag looks like a decision but is not a valid one: `turn:45`, `relabel:`."""
    word, colon, _ = tag.strip().partition(":")
    return word.strip() in set(Word) and bool(colon) and parse(tag) is None
