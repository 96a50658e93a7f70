"""Decisions as FiftyOne tags: relabel:<class>, remove, unknown, keep, benchmark:<set>, turn:<degrees>, small ...

Tags are how a decision is written with FiftyOne alone (its tag menu, its Python API); the plugin's operators do the
same in one key. Any other tag is the reviewers' own business and is left alone.
"""

from dataclasses import dataclass

from curation.decisions.words import parse_decision
from curation.errors import CurationError
from curation.tables.class_names import canonical, label_problem
from curation.tables.codes import Word


@dataclass(frozen=True)
class Decision:
    """One decision: `decision` and `label` as data/reviews.csv has them."""

    decision: str
    label: str = ""

    @property
    def tag(self) -> str:
        """The decision as the text of a tag."""
        return f"relabel:{self.label}" if self.decision == Word.RELABEL else self.decision

    @property
    def axis(self) -> str:
        """What it decides: two decisions of one axis contradict each other (`keep` and `remove`), others add up."""
        return parse_decision(self.decision).axis


def parse(tag: str) -> Decision | None:
    """The decision that a tag spells; None where it spells none."""
    word, _, detail = (part.strip() for part in tag.strip().partition(":"))
    try:
        if word == Word.RELABEL:
            label = canonical(detail)
            return None if not label or label_problem(label) else Decision("relabel", label)
        return Decision(str(parse_decision(f"{word}:{detail}" if detail else word)))
    except (ValueError, CurationError):
        return None


def malformed(tag: str) -> bool:
    """Whether a tag looks as if it were meant as a decision but spells none: `turn:45`, `relabel:`."""
    word, colon, _ = tag.strip().partition(":")
    return word.strip() in set(Word) and bool(colon) and parse(tag) is None
