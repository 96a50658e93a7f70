"""The values that the columns of codes may hold, one enumeration a column.

A table holds the text of a code; `read` and `write` refuse any other text. What a person should read stands beside the
code in a column of sentences, `reason` or `explanation`. The program never looks into those sentences.
"""

from collections.abc import Mapping
from enum import StrEnum


class Source(StrEnum):
    """Below which folder of data/ an image lies."""

    RAW = "raw"  # It lies in data/raw: a labelled image.
    UNLABELLED = "unlabelled"  # It lies in data/unlabelled: the pool, which nobody has labelled.
    BENCHMARK = "benchmark"  # It lies in data/benchmark: an image of a hand-made benchmark set.


class Identified(StrEnum):
    """Where an image that was identified comes from."""

    UNLABELLED = "unlabelled"  # It is an image of the pool.
    UNKNOWN = "unknown"  # It is an image of the class `unknown`: people did not know what it shows.
    FOLDER = "folder"  # It is an image of a folder that `curate identify` was given.


class Origin(StrEnum):
    """How an image was made."""

    REAL = "real"  # It is a photograph as the model will meet it.
    STAGED = "staged"  # It was arranged for the collection; it is only trained on.
    SYNTHETIC = "synthetic"  # It was generated or rendered; it is only trained on.


class Sampled(StrEnum):
    """How an image came to be labelled; what a model chose is only trained on."""

    COLLECTED = ""  # It was collected with its label, or nothing else is recorded.
    UNIFORM = "uniform"  # It was drawn from the pool uniformly at random, so it may be measured on.
    MODEL = "model"  # A model proposed it from the pool, so it says nothing about the others.


class Relation(StrEnum):
    """What an image is to another image; the strongest relation that was found."""

    COPY = "copy"  # It is the same picture as its keeper, which is another image.
    SAME_SCENE = "same scene"  # It shows the same place, template or burst as another image, and is no copy.
    NONE = ""  # Nothing like it was found.


class State(StrEnum):
    """What the selection makes of an image."""

    KEPT = "kept"  # It may be in train, val, test or benchmark.
    RESERVE = "reserve"  # Its class has more images than its maximum; it can be scored, and is not trained on.
    UNKNOWN = "unknown"  # Nobody knows what it shows; it can be scored.
    BENCHMARK = "benchmark"  # It is in a hand-made benchmark set, or a decision put it there.
    POOL = "pool"  # It is in the unlabelled pool.
    CONFLICT = "conflict"  # Its copies carry other labels; it is scored and reviewed, and not trained on.
    DROPPED = "dropped"  # It is left out; `reason_code` says why.


class Split(StrEnum):
    """The split of an image; reserve, unknown and conflict are scored, but never trained on and in no metric."""

    TRAIN = "train"  # The model is trained on it.
    VAL = "val"  # Training stops, and probabilities are calibrated, by it.
    TEST = "test"  # The model is measured on it.
    BENCHMARK = "benchmark"  # The model is measured on it, and so is every later model.
    RESERVE = "reserve"  # It is scored, and in no metric.
    UNKNOWN = "unknown"  # It is scored, and in no metric.
    CONFLICT = "conflict"  # It is scored, and in no metric.
    OUT = "out"  # It is in no split: another split or an earlier training set has its leak group.


MODEL_SPLITS = (Split.TRAIN, Split.VAL, Split.TEST, Split.BENCHMARK)  # A model is trained on these or measured on them.
MEASURED_SPLITS = MODEL_SPLITS[1:]  # A model may not be trained on these.
HELD_OUT_SPLITS = (Split.TEST, Split.BENCHMARK)  # A model is measured on these, and nothing of it was chosen on them.
LABELLED_SPLITS = (*MODEL_SPLITS, Split.RESERVE, Split.CONFLICT)  # Their images have a label that somebody gave.


class Basis(StrEnum):
    """Which rule gave an image its split."""

    HASH_BUCKET = "hash_bucket"  # Its hash bucket gives the split.
    MINIMUM = "minimum"  # It was taken from train to give val or test their minimum.
    ONLY_IN_TRAIN = "only_in_train"  # Its class would be in no training set without its group.
    NEWEST = "newest"  # It, or its group, is among the newest captures of its class.
    OLDER = "older"  # The newest captures of its class are in test, and it is older.
    LINEAGE = "lineage"  # An earlier model had it in this split.
    LINEAGE_OF_COPY = "lineage_of_copy"  # An earlier model had a copy of it in this split.
    RENEWAL = "renewal"  # A renewal of the benchmark moved it between test and benchmark.
    HAND_MADE = "hand-made"  # It lies in data/benchmark.
    DECISION = "decision"  # A decision put it in a benchmark set.
    ORIGIN = "origin"  # It is staged or synthetic, and only trained on.
    MODEL_CHOSEN = "model_chosen"  # A model chose it from the pool; it is only trained on.
    RESERVE = "reserve"  # Its state is reserve.
    UNKNOWN = "unknown"  # Its state is unknown.
    CONFLICT = "conflict"  # Its state is conflict.


class Kind(StrEnum):
    """Why an image is in the review queue."""

    ERROR = "error"  # The model predicts another class than the label.
    DOUBT = "doubt"  # The model predicts the label with a low probability.
    LABEL_ERROR = "label error"  # The probability that the label is wrong is 0.25 or more.
    CONFLICT = "conflict"  # A copy of it carries another label.
    OUT_OF_SCOPE = "out of scope"  # Its label is no class of the model, and the model is sure of its answer.


PROBABLE = 0.25  # P(wrong label) from which an image is in the review queue for that alone, as Kind.LABEL_ERROR


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
    SAMPLED = "sampled"


class Reason(StrEnum):
    """Why an image is where it is: `reason_code` of SELECTION and SPLITS; the sentence beside it says it in words."""

    NONE = ""  # It is kept, and nothing more is to be said.
    UNREADABLE = "unreadable"  # It can't be read.
    REMOVED = "removed"  # A decision removed it.
    IN_BENCHMARK = "in_benchmark"  # It is in a benchmark set.
    NOT_LABELLED = "not_labelled"  # Nobody has labelled it.
    UNKNOWN = "unknown"  # Nobody knows what it shows.
    COPY_OF_BENCHMARK = "copy_of_benchmark"  # It is a copy of a benchmark image.
    GROUP_OF_BENCHMARK = "group_of_benchmark"  # It is in one group of the metadata with a benchmark image.
    SCENE_OF_BENCHMARK = "scene_of_benchmark"  # It is in one leak group with a benchmark image, and no copy of it.
    LABEL_CONFLICT = "label_conflict"  # Its copies carry different labels, until somebody decides.
    COPY_OF_REMOVED = "copy_of_removed"  # It is a copy of an image that a decision removed.
    COPY = "copy"  # It is a copy of an image that stays.
    LABEL_OF_COPY = "label_of_copy"  # It is kept, and its label is from the decision on its copy.
    BELOW_MINIMUM = "below_minimum"  # Its class has too few images.
    ABOVE_MAXIMUM = "above_maximum"  # Its class has enough images without it.
    HASH_BUCKET = "hash_bucket"  # Its hash bucket gives the split.
    ONLY_TRAINED_ON = "only_trained_on"  # It is staged or synthetic, and only trained on.
    MODEL_CHOSEN = "model_chosen"  # A model chose it from the pool; it is only trained on.
    MINIMUM = "minimum"  # It was taken from train to give val or test their minimum.
    ONLY_IN_TRAIN = "only_in_train"  # Its class would be in no training set without its group.
    NEWEST = "newest"  # It, or its group, is among the newest captures of its class.
    OLDER = "older"  # The newest captures of its class are in test, and it is older.
    LINEAGE = "lineage"  # An earlier model had it in this split.
    LINEAGE_OF_COPY = "lineage_of_copy"  # An earlier model had a copy of it in this split.
    RENEWAL = "renewal"  # A renewal of the benchmark moved it between test and benchmark.
    TRAINED_ON_BEFORE = "trained_on_before"  # An earlier model was trained on it or on a copy of it.
    GROUP_ELSEWHERE = "group_elsewhere"  # Another split has its leak group.


RENAMED: Mapping[str, Mapping[str, str]] = {  # Codes that tables of earlier versions hold, by column.
    "basis": {"draw": Basis.HASH_BUCKET.value, "twin": Basis.LINEAGE_OF_COPY.value},
    "reason_code": {"drawn": Reason.HASH_BUCKET.value},
}
