"""Optimiser, learning rate and averaged weights.

- The optimiser is AdamW (Loshchilov and Hutter 2019), or SGD with Nesterov momentum.
- The learning rate climbs for some epochs and then falls along a cosine (Loshchilov and Hutter 2017).
- Biases and the weights of norm layers have no weight decay (He et al. 2019).
- The average of the weights has a low decay at first, as TensorFlow's moving average.
"""

import math

import torch
from torch import nn

from curation.params import Params


def make_optimizer(model: nn.Module, head: str, params: Params, *, fused: bool) -> torch.optim.Optimizer:
    """Make the optimiser with four groups: body and head, each with and without weight decay.

    `share` of a group is its part of the learning rate; `train.body_lr` sets it for the body.
    """
    config = params.train
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        groups.setdefault((name.startswith(f"{head}."), weight.ndim > 1), []).append(weight)
    listed = [
        {
            "params": weights,
            "share": 1.0 if of_head else config.body_lr,
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for (of_head, decays), weights in sorted(groups.items())
    ]
    if config.optimizer == "sgd":
        momentum = config.momentum
        return torch.optim.SGD(listed, lr=params.lr, momentum=momentum, nesterov=momentum > 0, fused=fused)
    return torch.optim.AdamW(listed, lr=params.lr, fused=fused)


def start_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Let SGD's momentum start from zeros, which gives the same first step.

    Fused SGD takes memory of any content for it. A first step that fp16 leaves out, because its gradients overflow,
    would leave that content there.
    """
    if not isinstance(optimizer, torch.optim.SGD):
        return
    for group in optimizer.param_groups:
        for weight in group["params"]:
            if group["momentum"]:
                optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)


def rate_at(step: int, steps_per_epoch: int, params: Params) -> float:
    """Learning rate of a step (0 is the first): it climbs over `warmup` epochs, then falls along a cosine to 0."""
    total = params.epochs * steps_per_epoch
    climb = min(round(params.train.warmup * steps_per_epoch), total - 1)
    if step < climb:
        return params.lr * (step + 1) / (climb + 1)
    return params.lr * 0.5 * (1 + math.cos(math.pi * (step - climb) / max(1, total - climb)))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its share of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]


class Average:
    """An exponential moving average of a model's state; `state` is the average."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self.steps = 0
        self.state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Add the weights after a step to the average."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        live = model.state_dict()
        real = [name for name, tensor in live.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self.state[name] for name in real], [live[name] for name in real], 1 - decay)
        for name in live.keys() - set(real):
            self.state[name].copy_(live[name])
