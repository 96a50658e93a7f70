"""The header of a checkpoint: the facts that a model file holds about itself. It is read without torch.

A checkpoint is one safetensors file: eight bytes with the length of a JSON text, the text, then the tensors. Our facts
are in that text under `__metadata__`, so they can be read from a model of any size in a millisecond. The idea that
weights carry what the next training needs is nanochat's, which writes a JSON file beside the weights. The lineage is
packed: a million image ids take 21 MB.
"""

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from curation.errors import CurationError
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import MODEL_SPLITS

if TYPE_CHECKING:
    from curation.images.store.model_input import ModelInput

KEY = "curation"
FORMAT = 1
LIMIT = 100_000_000  # safetensors refuses a longer header


class CheckpointError(CurationError):
    """A model file that is missing, is no safetensors file, or was not written by this project."""


@dataclass(frozen=True)
class Header:
    """Facts of a checkpoint: all that is needed to use it and to start from it."""

    arch: str
    classes: tuple[str, ...]  # in the order of the logits; () for a backbone, which has no head
    image_size: int  # pixels, square
    mean: tuple[float, float, float]  # of pixels scaled to 0..1
    std: tuple[float, float, float]
    stem: str = "standard"  # standard | half | small
    params: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = ""  # hash of what it was trained on: image ids, labels, splits
    parent: str = ""  # MD5 of the base model, as DVC writes it
    metrics: Mapping[str, float] = field(default_factory=dict)
    throwaway: bool = False
    lineage: Mapping[str, str] = field(default_factory=dict)  # image_id -> train | val | test | benchmark
    groups: Mapping[str, str] = field(default_factory=dict)  # the same of groups of the metadata, by selection's keys
    pixels: Mapping[str, Any] = field(default_factory=dict)  # how the pixel store encoded them: ModelInput.facts

    @property
    def input(self) -> "ModelInput":
        """How the pixels that it learnt from were made; an array on white where the header does not tell."""
        from curation.images.store.model_input import ModelInput

        return ModelInput.of(self.image_size, self.pixels)

    @property
    def known(self) -> Mapping[str, str]:
        """The split of all that this model and its base models knew: images, and groups of the metadata."""
        return {**self.lineage, **self.groups}

    @property
    def has_head(self) -> bool:
        """Whether it can classify: a backbone can't."""
        return bool(self.classes)


Finite = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]
Colours = tuple[Finite, Finite, Finite]
Name = Annotated[str, StringConstraints(max_length=100)]


class Facts(BaseModel):
    """What the text of a header must be. Whoever made the file, nothing in it is used before it was checked here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1]
    arch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
    classes: Annotated[tuple[Annotated[str, StringConstraints(max_length=255)], ...], Field(max_length=100_000)]
    image_size: Annotated[int, Field(ge=8, le=2048)]
    mean: Colours
    std: Colours
    stem: Literal["standard", "half", "small"] = "standard"
    params: dict[str, Any] = {}
    dataset: Name = ""
    parent: Name = ""
    metrics: dict[str, float] = {}
    throwaway: bool = False
    lineage: dict[str, str] = {}
    groups: dict[str, str] = {}
    pixels: dict[str, Any] = {}


def read_header(path: Path) -> Header:
    """Read the facts of a checkpoint without its tensors. CheckpointError says what is wrong with the file."""
    text = _metadata(path).get(KEY)
    if text is None:
        raise CheckpointError(
            f"{path}: a safetensors file without our facts (arch, classes, image size). "
            "To start from such weights, name the file in `backbone.weights`, and run `dvc repro`"
        )
    try:
        facts = Facts.model_validate_json(text)
        known = {name: unpack(packed) for name, packed in (("lineage", facts.lineage), ("groups", facts.groups))}
    except ValidationError as error:
        raise CheckpointError(_refused(path, error)) from None
    except ValueError as error:  # of base64
        raise CheckpointError(f"{path}: its lineage can't be read ({error}); train it again") from None
    if problem := _problem(facts):
        raise CheckpointError(f"{path}: {problem}; train it again")
    return Header(**{name: value for name, value in facts if name != "format"} | known)


def encode(header: Header) -> dict[str, str]:
    """Make the safetensors metadata of a header. It has one key, because the order of keys in the file is not fixed."""
    facts = vars(header) | {"format": FORMAT, "lineage": pack(header.lineage), "groups": pack(header.groups)}
    for name in ("groups", "pixels"):  # where there is nothing to tell, a checkpoint is as it was before they existed
        if not facts[name]:
            del facts[name]
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    if len(text) > LIMIT * 0.95:
        raise CheckpointError(f"the lineage of {len(header.lineage):,} images does not fit in a safetensors header")
    return {KEY: text}


def pack(lineage: Mapping[str, str]) -> dict[str, str]:
    """Pack image ids by split: sorted, base64 of 16 bytes for each id. Ids that are no MD5 stay text."""
    by_split: dict[str, list[str]] = {split.value: [] for split in MODEL_SPLITS}
    for image_id, split in lineage.items():
        by_split[split].append(image_id)
    return {split: _pack_ids(sorted(ids)) for split, ids in by_split.items() if ids}


def unpack(packed: Mapping[str, str]) -> dict[str, str]:
    """The inverse of `pack`."""
    return {image_id: split for split, text in packed.items() for image_id in _unpack_ids(text)}


def _pack_ids(ids: list[str]) -> str:
    try:
        raw = bytes.fromhex("".join(ids))
    except ValueError:
        raw = b""
    if _ids_in(raw) != ids:
        return "," + ",".join(ids)
    return base64.b64encode(raw).decode("ascii")


def _unpack_ids(text: str) -> list[str]:
    if text.startswith(","):  # no letter of base64
        return text[1:].split(",")
    return _ids_in(base64.b64decode(text, validate=True))


def _ids_in(raw: bytes) -> list[str]:
    text = raw.hex()
    return [text[start : start + 32] for start in range(0, len(text), 32)]


def _refused(path: Path, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "the header"
    if name == "format":
        return f"{path}: written by another version of this project; train it again"
    return f"{path}: {name} in its header is not what a checkpoint holds ({first['msg']}); train it again"


def _problem(facts: Facts) -> str:
    """What is wrong with facts that have the right types; "" when nothing is."""
    if not all(facts.std):
        return "a standard deviation of pixels of 0 in its header"
    if len(set(facts.classes)) != len(facts.classes):
        return "a class twice in its header"
    if UNKNOWN in facts.classes or not all(name.strip() for name in facts.classes):
        return f"a class in its header that names none (`{UNKNOWN}`, or a name of spaces)"
    splits = {*facts.lineage, *facts.groups} - {split.value for split in MODEL_SPLITS}
    return f"the split {min(splits)} in its lineage" if splits else ""


def _metadata(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            text = file.read(length) if length <= LIMIT else b""
            found = dict(json.loads(text).get("__metadata__", {}))
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist. {_origin(path)}") from None
    except (struct.error, ValueError, AttributeError, TypeError, RecursionError):
        raise CheckpointError(f"{path} is no safetensors file: it is empty, cut short, or of another format") from None
    if not isinstance(found.get(KEY, ""), str):
        raise CheckpointError(f"{path} is no safetensors file: its metadata is not text")
    return found


def _origin(path: Path) -> str:
    """Say which command makes a missing checkpoint of a project, by its name."""
    made = {
        "backbone": "`dvc repro backbone` makes it: it is the first base model",
        "candidate": "`dvc repro train` makes it: it is the model of this round",
        "production": "`curate promote` makes it, and `dvc pull` fetches the one that was promoted last",
    }
    return made.get(path.stem, "`base_model` in params.yaml names the model that training starts from")
