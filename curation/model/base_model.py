"""The base model: how the very first one is made, and how a training run starts from one.

The very first base model is a backbone: a body without a head. Every later one is a promoted candidate. It passes its
whole body, its normalisation and its lineage on to the next model. The head of the next model is made anew for today's
classes, or keeps the rows of the classes that stay (`head: reuse`).
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from curation.errors import CurationError
from curation.model import checkpoint
from curation.model.backbone import ArchError, Spec, build, normalisation, pretrained
from curation.model.classifier_head import body_state, fill_head, find_head, head_of, is_of_head
from curation.model.header import Header, read_header
from curation.params import Params
from curation.project.places import WEIGHTS
from curation.tables.codes import Split

PROBE = 11  # classes of a head that is built and not used
SHOWN = 4  # tensors that a message names
FOLDER = Path(WEIGHTS)  # the folder of local weights; DVC sees when they change


class BaseModelError(CurationError):
    """The base model does not fit today's parameters, or its tensors do not fit its architecture."""


class BaseWeightsError(CurationError):
    """Local weights that the pipeline would not see change."""


@dataclass(frozen=True)
class Start:
    """A model before the first step of training, and the header of the base model that it comes from."""

    model: nn.Module
    head: str  # name of its last layer
    base: Header
    base_md5: str
    inherited: tuple[str, ...]  # what it has from the base model, in lines for the log


def make_backbone(params: Params, out: Path) -> str:
    """Write the first base model from random, published or local weights; returns one line about it for the log.

    Raises BaseWeightsError when `backbone.weights` names a file outside of models/weights.
    """
    spec = Spec(params.arch, params.image_size, params.backbone.stem)
    torch.manual_seed(params.seed)
    weights = params.backbone.weights
    if weights == "imagenet":
        model, classes = pretrained(spec)
        origin = "published ImageNet weights"
    else:
        model, classes = build(spec, PROBE), PROBE
        origin = f"random weights, seed {params.seed}" if weights == "random" else _take_foreign(model, _local(weights))
    mean, std = normalisation(params.arch, trained=weights != "random")
    state = body_state(model, classes)
    checkpoint.save(out, state, Header(spec.arch, (), spec.image_size, mean, std, spec.stem))
    size = sum(tensor.numel() for tensor in state.values())
    return f"{out}: {spec.arch} at {spec.image_size} px, {spec.stem} stem, {size / 1e6:.1f} M values, {origin}"


def start_from(path: Path, classes: Sequence[str], params: Params) -> Start:
    """Build today's model on the body of the checkpoint `path`, with a head for `classes`.

    Raises BaseModelError when the architecture or the image size differs from params.yaml.
    """
    base = read_header(path)
    for key, wanted, found in (("arch", params.arch, base.arch), ("image_size", params.image_size, base.image_size)):
        if wanted != found:
            raise BaseModelError(
                f"base_model {path} has {key} {found}, but params.yaml asks for {wanted}. "
                f"Set `{key}: {found}`, or start again from a new backbone: `base_model: models/backbone.safetensors`"
            )
    state, md5 = checkpoint.load(path)[1], checkpoint.md5(path)
    torch.manual_seed(params.seed)
    model = build(Spec(base.arch, base.image_size, base.stem), len(classes))
    head = find_head(model, len(classes))
    body = {name: tensor for name, tensor in state.items() if not is_of_head(name, head)}
    missing, unknown = model.load_state_dict(body, strict=False)
    lost = [name for name in missing if not is_of_head(name, head)]
    if lost or unknown:
        raise BaseModelError(
            f"{path}: its tensors are not those of {base.arch}: {[*lost, *unknown][:3]}. Make it again"
        )
    fill_head(head_of(model, head), params.train.head, base, classes, state, head)
    return Start(model, head, base, md5, _inherited(path, base, body, classes, params))


def _inherited(
    path: Path, base: Header, body: checkpoint.State, classes: Sequence[str], params: Params
) -> tuple[str, ...]:
    size = sum(tensor.numel() for tensor in body.values())
    lines = [
        f"inherited from {path}: {base.arch} at {base.image_size} px, {len(body)} tensors, {size / 1e6:.1f} M values"
    ]
    if base.has_head:
        new = [label for label in classes if label not in base.classes]
        gone = [label for label in base.classes if label not in classes]
        lines.append(
            f"head: {len(base.classes)} classes removed, {len(classes)} made ({params.train.head}); "
            f"new: {', '.join(new) or 'none'}; gone: {', '.join(gone) or 'none'}"
        )
    else:
        lines.append(f"head: none in the base model, {len(classes)} classes made ({params.train.head})")
    trained = sum(split == Split.TRAIN for split in base.lineage.values())
    lines.append(f"lineage: {len(base.lineage):,} images, {trained:,} of them trained on by a base model")
    lines.append(f"loss of an untrained model: ln({len(classes)}) = {math.log(len(classes)):.3f}")
    return tuple(lines)


def _local(weights: str) -> Path:
    """Path of local weights, which must lie in the folder that the stage `backbone` depends on."""
    path = Path(os.path.normpath(weights))
    if not path.is_relative_to(FOLDER):
        raise BaseWeightsError(
            f"backbone.weights is {weights}, which is outside of {FOLDER}/: DVC would not see when that file changes, "
            f"and a colleague would not have it. Copy it there, set `weights: {FOLDER / path.name}`, "
            f"and share it with `dvc add {FOLDER / path.name}`"
        )
    return path


def _take_foreign(model: nn.Module, path: Path) -> str:
    """Copy every tensor whose name and shape fit, except the head's; ArchError when fewer than half of the body fit."""
    given, own, head = checkpoint.foreign_state(path), model.state_dict(), find_head(model, PROBE)
    fits = {
        name: tensor
        for name, tensor in given.items()
        if name in own and own[name].shape == tensor.shape and not is_of_head(name, head)
    }
    body = [name for name in own if not is_of_head(name, head)]
    if len(fits) < len(body) / 2:
        raise ArchError(
            f"backbone.weights: only {len(fits)} of {len(body)} tensors of {path} fit this `arch` at this image size. "
            f"{path} has {_some(given)}; `arch` wants {_some({name: own[name] for name in body if name not in fits})}. "
            "Rename the tensors of the file, or set the `arch` that they belong to"
        )
    model.load_state_dict(fits, strict=False)
    return f"{len(fits)} of {len(body)} tensors from {path}"


def _some(state: checkpoint.State) -> str:
    """Name a few tensors with their shapes, for a message."""
    named = [f"{name} {'x'.join(map(str, tensor.shape)) or 'scalar'}" for name, tensor in state.items()]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + more
