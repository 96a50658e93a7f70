"""The model that training starts from: making the very first one, and inheriting from the last.

The first is a backbone: a body without a head. Every later one gives its whole body, its normalisation and its
lineage to the next, whose head is made anew for today's classes (or, with `head: reuse`, keeps the rows of classes
that stay).
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
from curation.model.backbone import ArchError, Spec, body_state, build, find_head, head_of, normalisation, pretrained
from curation.model.header import Header
from curation.params import Params

PROBE = 11  # classes of a head that is thrown away
WEIGHTS = Path("models/weights")  # local weights lie here, where DVC sees when they change


class AncestorError(CurationError):
    """A base model that today's parameters can't start from."""


class BaseWeightsError(CurationError):
    """Local weights that the pipeline would not see change."""


@dataclass(frozen=True)
class Start:
    """A model at step 0."""

    model: nn.Module
    head: str  # name of its last layer
    parent: Header
    parent_md5: str
    story: tuple[str, ...]  # what was inherited, line by line


def make_backbone(params: Params, out: Path) -> str:
    """Write the first model: seeded random weights, published ones, or a local file; returns one line about it.

    Raises BaseWeightsError when `backbone.weights` names a file outside of models/weights.
    """
    spec = Spec(params.arch, params.image_size, params.backbone.stem)
    torch.manual_seed(params.seed)
    weights = params.backbone.weights
    if weights == "imagenet":
        model, classes = pretrained(spec)
        story = "published ImageNet weights"
    else:
        model, classes = build(spec, PROBE), PROBE
        story = f"random weights, seed {params.seed}" if weights == "random" else _take_foreign(model, _local(weights))
    mean, std = normalisation(params.arch, published=weights == "imagenet")
    state = body_state(model, classes)
    checkpoint.save(out, state, Header(spec.arch, (), spec.image_size, mean, std, spec.stem))
    size = sum(tensor.numel() for tensor in state.values())
    return f"{out}: {spec.arch} at {spec.image_size} px, {spec.stem} stem, {size / 1e6:.1f} M values, {story}"


def start_from(base: Path, classes: Sequence[str], params: Params) -> Start:
    """Build today's model on the body of `base`; AncestorError when arch or image size differ from the parameters."""
    parent, state = checkpoint.load(base)
    _check(base, parent, params)
    torch.manual_seed(params.seed)
    model = build(Spec(parent.arch, parent.image_size, parent.stem), len(classes))
    head = find_head(model, len(classes))
    body = {name: tensor for name, tensor in state.items() if not _of_head(name, head)}
    missing, unknown = model.load_state_dict(body, strict=False)
    lost = [name for name in missing if not _of_head(name, head)]
    if lost or unknown:
        raise AncestorError(
            f"{base}: its tensors are not those of {parent.arch}: {[*lost, *unknown][:3]}. Make it again"
        )
    _make_head(head_of(model, len(classes)), params.train.head, parent, classes, state, head)
    return Start(model, head, parent, checkpoint.md5(base), _story(base, parent, body, classes, params))


def _check(base: Path, parent: Header, params: Params) -> None:
    for key, wanted, found in (
        ("arch", params.arch, parent.arch),
        ("image_size", params.image_size, parent.image_size),
    ):
        if wanted != found:
            raise AncestorError(
                f"base_model {base} has {key} {found}, but params.yaml asks for {wanted}. "
                f"Set `{key}: {found}`, or start again from a new backbone: `base_model: models/backbone.safetensors`"
            )


def _make_head(
    layer: nn.Linear | nn.Conv2d, how: str, parent: Header, classes: Sequence[str], state: checkpoint.State, name: str
) -> None:
    """Fill the fresh head: `random` keeps its initial weights.

    Drawn small enough that the first loss is near ln(classes).
    """
    with torch.no_grad():
        if how == "zero":
            layer.weight.zero_()
        else:
            layer.weight.normal_(0, 0.01)
        if layer.bias is not None:
            layer.bias.zero_()
        if how == "reuse" and parent.has_head:
            for row, label in enumerate(classes):
                if label in parent.classes:
                    old = parent.classes.index(label)
                    layer.weight[row] = state[f"{name}.weight"][old]
                    if layer.bias is not None:
                        layer.bias[row] = state[f"{name}.bias"][old]


def _story(
    base: Path, parent: Header, body: checkpoint.State, classes: Sequence[str], params: Params
) -> tuple[str, ...]:
    size = sum(tensor.numel() for tensor in body.values())
    lines = [
        (
            f"inherited from {base}: {parent.arch} at {parent.image_size} px, {len(body)} tensors, "
            f"{size / 1e6:.1f} M values"
        )
    ]
    if parent.has_head:
        new = [label for label in classes if label not in parent.classes]
        gone = [label for label in parent.classes if label not in classes]
        lines.append(
            f"head: {len(parent.classes)} classes popped, {len(classes)} made ({params.train.head}); "
            f"new: {', '.join(new) or 'none'}; gone: {', '.join(gone) or 'none'}"
        )
    else:
        lines.append(f"head: none in the parent, {len(classes)} classes made ({params.train.head})")
    trained = sum(side == "train" for side in parent.lineage.values())
    lines.append(f"lineage: {len(parent.lineage):,} images, {trained:,} of them trained on by an ancestor")
    lines.append(f"loss of a model that knows nothing: ln({len(classes)}) = {math.log(len(classes)):.3f}")
    return tuple(lines)


def _local(weights: str) -> Path:
    """Give the path of local weights; only a file in the folder that stage backbone depends on is taken."""
    path = Path(os.path.normpath(weights))
    if not path.is_relative_to(WEIGHTS):
        raise BaseWeightsError(
            f"backbone.weights is {weights}, which is outside of {WEIGHTS}/: DVC would not see when that file changes, "
            f"and a colleague would not have it. Copy it there, set `weights: {WEIGHTS / path.name}`, "
            f"and share it with `dvc add {WEIGHTS / path.name}`"
        )
    return path


def _take_foreign(model: nn.Module, path: Path) -> str:
    """Copy every tensor whose name and shape fit, but the head's; ArchError when most of the body stays without."""
    given, own, head = checkpoint.foreign_state(path), model.state_dict(), find_head(model, PROBE)
    fits = {
        name: tensor
        for name, tensor in given.items()
        if name in own and own[name].shape == tensor.shape and not _of_head(name, head)
    }
    body = [name for name in own if not _of_head(name, head)]
    if len(fits) < len(body) / 2:
        raise ArchError(
            f"backbone.weights: only {len(fits)} of {len(body)} tensors of {path} fit this `arch` at this image size"
        )
    model.load_state_dict(fits, strict=False)
    return f"{len(fits)} of {len(body)} tensors from {path}"


def _of_head(name: str, head: str) -> bool:
    return name.rpartition(".")[0] == head
