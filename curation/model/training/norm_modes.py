"""Which layers of a model are trained, and a check that dropout and norm layers are in the right mode."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from curation.errors import CurationError


class ModeError(CurationError):
    """A layer is trained that should be frozen, or frozen that should be trained."""


def set_training(model: nn.Module, head: str, *, frozen: bool) -> None:
    """Set every layer to training mode; with `frozen` the head alone.

    A frozen body keeps its weights and its norm statistics.
    """
    model.train(not frozen)
    model.get_submodule(head).train()
    for name, weight in model.named_parameters():
        weight.requires_grad_(not frozen or name.startswith(f"{head}."))


def check_modes(model: nn.Module, head: str, *, training: bool, frozen: bool = False) -> None:
    """Raise ModeError when a layer is in the wrong mode, a fault of fine-tuning that gives no other error."""
    for name, layer in model.named_modules():
        wanted = training and (not frozen or name == head)
        if isinstance(layer, _BatchNorm | nn.Dropout) and layer.training != wanted:
            found = "training" if layer.training else "evaluation"
            raise ModeError(f"layer {name} ({type(layer).__name__}) is in {found} mode, and should not be")
        if isinstance(layer, _BatchNorm) and training and not layer.track_running_stats:
            raise ModeError(f"layer {name} keeps no running statistics: its output would depend on the batch")
    if training:
        stuck = [
            name
            for name, weight in model.named_parameters()
            if not weight.requires_grad and (not frozen or name.startswith(f"{head}."))
        ]
        if stuck:
            raise ModeError(f"{len(stuck)} tensors do not learn, the first is {stuck[0]}")
