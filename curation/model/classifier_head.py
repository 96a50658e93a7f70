"""The head of a classifier: find it in any model, tell its tensors from those of the body, and fill a new one.

The head makes the logits: it is the last layer with one output for each class, whatever the layer's name is. A new
model keeps the body of its base model, and its head is made anew for today's classes. That is the usual way of transfer
learning (Yosinski et al., 2014).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from curation.errors import CurationError
from curation.model.header import Header


class NoHeadError(CurationError):
    """A model without a layer that has one output for each class."""


def find_head(model: nn.Module, classes: int) -> str:
    """Name of the layer that makes the logits: the last Linear or Conv2d with `classes` outputs."""
    named: list[str] = [name for name, layer in model.named_modules() if _outputs(layer) == classes]
    if not named:
        raise NoHeadError(f"{type(model).__name__}: no layer with {classes} outputs was found to be the head")
    return named[-1]


def head_of(model: nn.Module, name: str) -> nn.Linear | nn.Conv2d:
    """The layer that `find_head` names."""
    layer = model.get_submodule(name)
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    return layer


def head_keys(model: nn.Module, name: str) -> set[str]:
    """The names of the head's tensors in the model's state. name: as `find_head` gives it."""
    return {f"{name}.{key}" for key in model.get_submodule(name).state_dict()}


def body_state(model: nn.Module, classes: int) -> dict[str, torch.Tensor]:
    """The model's state without its head."""
    head = head_keys(model, find_head(model, classes))
    return {name: tensor for name, tensor in model.state_dict().items() if name not in head}


def is_of_head(name: str, head: str) -> bool:
    """Whether the tensor `name` of the model's state belongs to the layer `head`."""
    return name.rpartition(".")[0] == head


def fill_head(
    layer: nn.Linear | nn.Conv2d,
    how: str,
    base: Header,
    classes: Sequence[str],
    state: Mapping[str, torch.Tensor],
    name: str,
) -> None:
    """Fill the new head `layer` for `classes` as `train.head` says. state: the base model's; name: of its head.

    - `zero`: zeros.
    - `random`: random weights, small enough that the first loss is near ln(classes).
    - `reuse`: as `random`, but classes that the base model knows keep their rows.
    """
    with torch.no_grad():
        if how == "zero":
            layer.weight.zero_()
        else:
            layer.weight.normal_(0, 0.01)
        if layer.bias is not None:
            layer.bias.zero_()
        if how == "reuse" and base.has_head:
            for row, label in enumerate(classes):
                if label in base.classes:
                    old = base.classes.index(label)
                    layer.weight[row] = state[f"{name}.weight"][old]
                    if layer.bias is not None:
                        layer.bias[row] = state[f"{name}.bias"][old]


def _outputs(layer: nn.Module) -> int:
    if isinstance(layer, nn.Linear):
        return layer.out_features
    return layer.out_channels if isinstance(layer, nn.Conv2d) else -1
