"""Decisions as FiftyOne tags: `relabel:<class>`, `remove`, `unknown`, `keep`, `benchmark:<set>`, `turn:<degrees>`, `small`.

Tags are how a decision is written with FiftyOne alone (its tag menu, its Python API); the plugin's operators do the same in
one key. Any other tag is the reviewers' own business and is left alone.
"""

from dataclasses import dataclass

PLAIN = ("remove", "unknown", "keep", "small")
TURNS = ("90", "180", "270")
ABOUT_LABEL = ("relabel", "remove", "unknown", "keep")


@dataclass(frozen=True)
class Decision:
    """One decision: `decision` and `label` as data/reviews.csv has them."""

    decision: str
    label: str = ""

    @property
    def tag(self) -> str:
        """The decision as the text of a tag."""
        return f"relabel:{self.label}" if self.decision == "relabel" else self.decision

    @property
    def axis(self) -> str:
        """What it decides: two decisions of one axis contradict each other (`keep` and `remove`), others add up."""
        return "label" if self.decision in ABOUT_LABEL else self.decision.partition(":")[0]


def parse(tag: str) -> Decision | None:
    """The decision that a tag spells; None where it spells none."""
    kind, _, value = (part.strip() for part in tag.strip().partition(":"))
    if kind in PLAIN and not value:
        return Decision(kind)
    if kind == "relabel" and value:
        return Decision("relabel", value)
    if (kind == "benchmark" and value) or (kind == "turn" and value in TURNS):
        return Decision(f"{kind}:{value}")
    return None


def malformed(tag: str) -> bool:
    """Whether a tag looks as if it were meant as a decision but spells none: `turn:45`, `relabel:`."""
    kind = tag.strip().partition(":")[0].strip()
    return kind in {"relabel", "benchmark", "turn", *PLAIN} and parse(tag) is None
