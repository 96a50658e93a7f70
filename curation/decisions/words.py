"""The words of a decision: what a person may say about one image, or about a pair of images.

    relabel          the label column (and subclass) is right
    keep             it is hard, but its label is right
    unknown          nobody knows what it shows
    remove           it is not used for training
    benchmark:<set>  it is in that hand-made benchmark set, for good
    turn:<degrees>   90, 180 or 270 clockwise make it upright
    turn:0           takes the turn back
    small            what it shows is small: training never zooms out
    copy:<id>        it is a copy of the image <id>
    not_copy:<id>    it is no copy of the image <id>
    sampled:uniform  it was drawn from the pool uniformly at random
    sampled:model    a model proposed it from the pool, so it is only trained on

A row of `keep` names the label that it confirms, in the columns label and subclass; without one it confirms the label
that the image was collected with.
"""

import re
from dataclasses import dataclass

from curation.tables.class_names import set_name_problem
from curation.tables.codes import Sampled, Word

LABEL_WORDS = (Word.RELABEL, Word.KEEP, Word.UNKNOWN)  # what the image shows
NAMING_WORDS = (*LABEL_WORDS, Word.REMOVE)  # settle an image for good
PAIR_WORDS = (Word.COPY, Word.NOT_COPY)
WITH_DETAIL = (Word.BENCHMARK, Word.TURN, Word.SAMPLED, *PAIR_WORDS)
DECISIONS = (
    "relabel, remove, unknown, keep, small, benchmark:<set>, turn:<0|90|180|270>, copy:<id>, not_copy:<id>, "
    "sampled:<uniform|model>"
)
IMAGE_ID = re.compile(r"[0-9a-f]{32}")
SET_NAME = re.compile(r"[^\s/\\:,]+")
TURNS = {"0", "90", "180", "270"}


@dataclass(frozen=True)
class Decision:
    """A decision's word and what stands behind its colon ("" when nothing does)."""

    word: Word
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.word}:{self.detail}" if self.detail else self.word.value

    @property
    def axis(self) -> str:
        """The question that it answers: of two decisions on one question the later one holds, others add up."""
        if self.word in NAMING_WORDS:
            return "label"
        return f"pair:{self.detail}" if self.word in PAIR_WORDS else self.word.value


def parse_decision(text: str) -> Decision:
    """Read one decision; ValueError says what is wrong with it."""
    name, _, detail = text.strip().partition(":")
    if name in set(Word) and (Word(name) in WITH_DETAIL) == bool(detail):
        word = Word(name)
        if not detail or _fits(word, detail):
            return Decision(word, detail)
        if word in PAIR_WORDS:
            raise ValueError(f"`{detail}` behind `{word}:` is no image_id (32 hex digits)")
        if word is Word.BENCHMARK and set_name_problem(detail):
            raise ValueError(f"`{text[:60]}` is no decision: {set_name_problem(detail)}")
    raise ValueError(f"`{text}` is no decision (they are: {DECISIONS})")


def _fits(word: Word, detail: str) -> bool:
    if word is Word.TURN:
        return detail in TURNS
    if word is Word.SAMPLED:
        return detail in (Sampled.UNIFORM, Sampled.MODEL)
    if word is Word.BENCHMARK:
        return SET_NAME.fullmatch(detail) is not None and not set_name_problem(detail)
    return IMAGE_ID.fullmatch(detail) is not None


def is_image_id(text: str) -> bool:
    """Whether a text can be an image_id or the beginning of one."""
    return re.fullmatch(r"[0-9a-f]{4,32}", text) is not None
