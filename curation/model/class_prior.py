"""Balanced sampling without a shifted prior: logit adjustment (Menon et al. 2021).

With `train.balance` a model sees rare classes as often as the others, and its softmax would take each class for equally
frequent. So the training loss is taken of the logits minus the log share of each class in train. The logits themselves
then say how probable a class is among images like those of train, rare classes rarely, and confidences can be believed.
The bias of the head begins at these log shares, so that the first loss is as without the adjustment.
"""

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from curation.model.classifier_head import head_of

log = logging.getLogger(__name__)


def log_shares(labels: NDArray[np.int64], classes: int) -> torch.Tensor:
    """Log share of each class among labels [n], minus their mean; float32 [classes]."""
    counts = np.maximum(np.bincount(labels, minlength=classes), 0.5)  # a fold may lack a class
    shares = np.log(counts / counts.sum())
    return torch.from_numpy((shares - shares.mean()).astype(np.float32))


def adjustment(model: nn.Module, head: str, labels: NDArray[np.int64], *, keep: bool) -> torch.Tensor | None:
    """What the training loss subtracts from the logits, after it was added to the bias of the head unless `keep`.

    None where the head has no bias: then nothing is adjusted, which is logged.
    """
    layer = head_of(model, head)
    if layer.bias is None:
        log.warning("train.balance: the head has no bias, so the answers take every class for equally frequent")
        return None
    shares = log_shares(labels, len(layer.bias)).to(layer.bias.device)
    if not keep:
        with torch.no_grad():
            layer.bias.add_(shares)
    return shares
