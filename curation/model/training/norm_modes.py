"""Which parts of a model learn, and whether its norm layers are in the mode they should be in."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from curation.errors import CurationError


class ModeError(CurationError):
    """A layer that learns when it should not, or does not when it should."""


def set_training(model: nn.Module, head: str, *, frozen: bool) -> None:
    """Training mode for all.

    Or (`frozen`) for the head alone: the body then keeps its weights and its norm statistics.
    """
    model.train(not frozen)
    model.get_submodule(head).train()
    for name, weight in model.named_parameters():
        weight.requires_grad_(not frozen or name.startswith(f"{head}."))


def check_modes(model: nn.Module, head: str, *, training: bool, frozen: bool = False) -> None:
    """ModeError when a layer is in the wrong mode: the classic silent fault of a fine-tuned model."""
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
