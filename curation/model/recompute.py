"""Gradient checkpointing (Chen et al. 2016): the activations inside a block are computed again in the backward pass.

A model then keeps only what goes from block to block, which takes a fraction of the memory and about a third more time.
A block is a layer of a stage, such as a residual block. The second pass must not change anything: dropout draws the
same numbers again, and norm layers keep the running statistics that the first pass gave them. So the weights are those
of a training without it, byte for byte on a CPU.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from curation.errors import CurationError

STAGES = (nn.Sequential, nn.ModuleList)


class NoBlocksError(CurationError):
    """The model is one chain of single layers."""

    def __init__(self) -> None:
        super().__init__(
            "train.recompute: this model has no blocks of several layers that could be computed again. Set "
            "`train.recompute: false`; `train.accumulate` saves memory for every model"
        )


def recompute(model: nn.Module) -> int:
    """Let every block of `model` keep no activations while it trains; returns the number of blocks.

    Raises NoBlocksError when there is none.
    """
    blocks = list(blocks_of(model))
    if not blocks:
        raise NoBlocksError
    for block in blocks:
        block.forward = partial(_forward, block, block.forward)
    return len(blocks)


def blocks_of(part: nn.Module) -> Iterator[nn.Module]:
    """The members of several layers that the stages of a model hold, the outermost ones."""
    for child in part.children():
        if isinstance(part, STAGES) and not isinstance(child, STAGES) and _layers(child) > 1:
            yield child
        else:
            yield from blocks_of(child)


def _layers(part: nn.Module) -> int:
    """How many layers with weights `part` has."""
    return sum(any(True for _ in layer.parameters(recurse=False)) for layer in part.modules())


def _forward(block: nn.Module, forward: Callable[..., Any], *values: Any, **named: Any) -> Any:
    if not (block.training and torch.is_grad_enabled()):
        return forward(*values, **named)
    contexts = partial(_contexts, block)
    return checkpoint(forward, *values, use_reentrant=False, context_fn=contexts, **named)


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """The contexts of the first and of the second pass through a block."""
    return nullcontext(), _statistics_kept(block)


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """Norm layers normalise by the batch, as in the first pass, but their running statistics stay as they are."""
    layers = [layer for layer in block.modules() if isinstance(layer, _BatchNorm) and layer.training]
    kept = [(layer, layer.momentum, layer.num_batches_tracked) for layer in layers]
    counted = [tracked.clone() if tracked is not None else None for _, _, tracked in kept]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for (layer, momentum, tracked), before in zip(kept, counted, strict=True):
            layer.momentum = momentum
            if tracked is not None and before is not None:
                tracked.copy_(before)
