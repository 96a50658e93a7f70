"""The types, ranges and defaults of all parameters in params.yaml: one class for each block, named after its stage."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from curation.params.checked_names import Colour, Device

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]

BACKBONE = str(PurePosixPath("models") / "backbone.safetensors")  # what stage backbone writes; `Places` is a room above


class Block(BaseModel):
    """The base of all blocks: frozen, strict, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Classes(Block):
    """Classes that are merged or renamed, for the model only."""

    merge: dict[str, str] = {}


class Ingest(Block):
    """How files are read and measured."""

    workers: Count = 0
    background: Colour = "white"
    max_megapixels: Positive = 250
    timeout: Positive = 30
    memory: Annotated[int, Field(ge=100)] = 4000


Policy = Literal["copies", "identical", "none"]
Pose = Literal["auto", "copy", "same scene", "ignore"]


class Dedupe(Block):
    """What counts as a near-duplicate, and what becomes of it.

    mirrored, turned: what a mirrored or turned picture is to its original. `auto`: see near_duplicates.rules.
    """

    hash: Literal["phash", "dhash", "ahash", "whash", "pdq"] = "phash"
    bits: Literal[64, 144, 256] = 64
    radius: Count = 8
    crop_radius: Count = 6
    descriptor: str = ""
    min_similarity: Fraction = 0.6
    leak_similarity: Fraction = 0.75
    max_group: AtLeastOne = 200
    policy: Policy = "copies"
    mirrored: Pose = "auto"
    turned: Pose = "auto"
    warn_above: Fraction = 0.05


class Cutoff(Block):
    """The minimum and the maximum number of images of a class."""

    min: AtLeastOne = 40
    max: AtLeastOne = 400
    keep: Literal["random", "diverse"] = "random"
    classes: dict[str, dict[Literal["min", "max"], AtLeastOne]] = {}
    count: Literal["all", "real"] = "all"
    reach: AtLeastOne = 20


class Split(Block):
    """How kept images are divided into train, val, test and benchmark."""

    val: Fraction = 0.15
    test: Fraction = 0.15
    benchmark: Fraction = 0.05
    min_val: Count = 5
    min_test: Count = 5
    folds: Count = 5
    salt: str = "curation"
    mixed: Literal["out", "follow"] = "follow"
    group_by: list[str] = ["group"]
    newest: Annotated[float, Field(ge=0, le=0.5)] = 0

    @model_validator(mode="after")
    def _leave_something_to_train(self) -> "Split":
        if self.val + self.test + self.benchmark >= 1:
            raise ValueError("val + test + benchmark leave nothing to train on: their sum must be below 1")
        return self


class Backbone(Block):
    """The very first base model."""

    weights: str = "random"
    stem: Literal["standard", "half", "small"] = "standard"


class Resize(Block):
    """How pixels are stored for training."""

    workers: Count = 0
    store: Literal["auto", "array", "jpeg"] = "auto"
    quality: Annotated[int, Field(ge=1, le=100)] = 92


class Augment(Block):
    """The random changes of the images that are trained on."""

    flip: Fraction = 0.5
    rotate: Annotated[float, Field(ge=0, le=180)] = 10
    zoom_in: Annotated[float, Field(ge=0, le=10)] = 0.2
    zoom_out: Annotated[float, Field(ge=0, le=10)] = 0.1
    stretch: Annotated[float, Field(ge=0, le=10)] = 0
    jitter: Fraction = 0
    trivial: bool = False
    mixup: Annotated[float, Field(ge=0)] = 0
    cutmix: Annotated[float, Field(ge=0)] = 0
    erase: Fraction = 0


class Train(Block):
    """How a model is trained, beyond the parameters at the top of the file."""

    head: Literal["random", "zero", "reuse"] = "random"
    freeze: Count = 0
    body_lr: Annotated[float, Field(gt=0, le=1)] = 1
    optimizer: Literal["sgd", "adamw"] = "adamw"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    warmup: Annotated[float, Field(ge=0)] = 1
    clip: Annotated[float, Field(ge=0)] = 1
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    ema: Annotated[float, Field(ge=0, lt=1)] = 0
    balance: Literal["none", "class", "subclass"] = "none"
    patience: Count = 8
    augment: Augment = Augment()
    device: Device = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    channels_last: bool = True
    compile: bool = False
    accumulate: AtLeastOne = 1
    recompute: bool = False
    workers: Count = 0
    checks: bool = True
    trackers: list[Literal["tensorboard", "mlflow"]] = []

    @model_validator(mode="after")
    def _compile_or_recompute(self) -> "Train":
        if self.compile and self.recompute:
            raise ValueError("compile and recompute can't be used together: compiled code saves its own choice")
        return self


class Range(Block):
    """A range of numbers to search; whole numbers when both ends are whole."""

    low: int | float
    high: int | float
    log: bool = False


class Tune(Block):
    """What `curate tune` searches."""

    study: str = "tune"
    metric: Literal["val_accuracy", "train_accuracy"] = "val_accuracy"
    startup: Count = 4
    warmup: Count = 3
    space: dict[str, Range | list[bool | int | float | str]] = {"lr": Range(low=1e-4, high=1e-2, log=True)}


class Evaluate(Block):
    """How predictions are measured, and which precisions get a threshold."""

    batch_size: AtLeastOne = 256
    bootstrap: Count = 1000
    precisions: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)] = [0.95, 0.9, 0.99]
    out_of_sample: Literal["embeddings", "cross_trained"] = "embeddings"
    cross_epochs: Count = 0


class Cluster(Block):
    """How errors are grouped."""

    doubt_below: Fraction = 0.6
    components: AtLeastOne = 20
    min_cluster_size: Annotated[int, Field(ge=2)] = 5


class Review(Block):
    """What is pushed to FiftyOne."""

    dataset: str = "curation"
    limit: AtLeastOne = 2000
    blind: Annotated[float, Field(ge=0, lt=1)] = 0.5
    push: Literal["auto", "always", "never"] = "auto"


class Identify(Block):
    """How the unlabelled pool is predicted."""

    workers: Count = 0
    batch_size: AtLeastOne = 128


class Promote(Block):
    """When a candidate may become production."""

    margin: Annotated[float, Field(gt=0, le=1)] = 0.02
    max_class_drop: Fraction = 0.1
    new_class_min: Fraction = 0.5


class Params(Block):
    """The whole of params.yaml."""

    lr: Positive = 0.001
    epochs: AtLeastOne = 20
    batch_size: Annotated[int, Field(ge=2)] = 64  # norm layers can't learn from one image
    arch: str = "resnet18"
    image_size: Annotated[int, Field(ge=8, le=2048)] = 32
    seed: Count = 0
    base_model: str = BACKBONE
    throwaway: bool = False
    classes: Classes = Classes()
    ingest: Ingest = Ingest()
    dedupe: Dedupe = Dedupe()
    cutoff: Cutoff = Cutoff()
    split: Split = Split()
    backbone: Backbone = Backbone()
    resize: Resize = Resize()
    train: Train = Train()
    tune: Tune = Tune()
    evaluate: Evaluate = Evaluate()
    cluster: Cluster = Cluster()
    review: Review = Review()
    identify: Identify = Identify()
    promote: Promote = Promote()
