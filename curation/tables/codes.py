"""The codes of columns that code branches on, one enumeration a column.

A table holds the text of a code; `read` and `write` refuse any other text. What a person should read stands beside the
code in a column of sentences, `reason` or `explanation`, and no code looks into those.
"""

from enum import StrEnum


class Source(StrEnum):
    """Below which folder of data/ an image lies."""

    RAW = "raw"
    UNLABELLED = "unlabelled"
    BENCHMARK = "benchmark"


class Identified(StrEnum):
    """Where an image that was identified comes from."""

    UNLABELLED = "unlabelled"
    UNKNOWN = "unknown"
    FOLDER = "folder"


class Origin(StrEnum):
    """How an image was made."""

    REAL = "real"
    STAGED = "staged"
    SYNTHETIC = "synthetic"


class State(StrEnum):
    """What the selection makes of an image."""

    KEPT = "kept"
    RESERVE = "reserve"
    UNKNOWN = "unknown"
    BENCHMARK = "benchmark"
    POOL = "pool"
    DROPPED = "dropped"


class Split(StrEnum):
    """The split of an image; reserve and unknown are scored, but never trained on and in no metric."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    BENCHMARK = "benchmark"
    RESERVE = "reserve"
    UNKNOWN = "unknown"
    OUT = "out"


class Basis(StrEnum):
    """Which rule gave an image its split."""

    DRAW = "draw"
    MINIMUM = "minimum"
    LINEAGE = "lineage"
    TWIN = "twin"
    HAND_MADE = "hand-made"
    DECISION = "decision"
    ORIGIN = "origin"
    RESERVE = "reserve"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """Why an image is in the review queue."""

    ERROR = "error"
    DOUBT = "doubt"
    LABEL_ERROR = "label error"
    CONFLICT = "conflict"
    OUT_OF_SCOPE = "out of scope"


class Word(StrEnum):
    """The word of a decision in data/reviews.csv."""

    RELABEL = "relabel"
    KEEP = "keep"
    UNKNOWN = "unknown"
    REMOVE = "remove"
    BENCHMARK = "benchmark"
    TURN = "turn"
    SMALL = "small"
    COPY = "copy"
    NOT_COPY = "not_copy"


class Reason(StrEnum):
    """Why an image is where it is: `reason_code` of SELECTION and SPLITS; the sentence beside it says it in words."""

    NONE = ""  # it is kept, and nothing more is to be said
    UNREADABLE = "unreadable"
    REMOVED = "removed"
    IN_BENCHMARK = "in_benchmark"
    NOT_LABELLED = "not_labelled"
    UNKNOWN = "unknown"
    COPY_OF_BENCHMARK = "copy_of_benchmark"
    LABEL_CONFLICT = "label_conflict"
    COPY_OF_REMOVED = "copy_of_removed"
    COPY = "copy"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    DRAWN = "drawn"
    ONLY_TRAINED_ON = "only_trained_on"
    MINIMUM = "minimum"
    LINEAGE = "lineage"
    LINEAGE_OF_COPY = "lineage_of_copy"
    TRAINED_ON_BEFORE = "trained_on_before"
    GROUP_ELSEWHERE = "group_elsewhere"
