"""What a training of the warm-start trials is given: its random choices, and the weights that it starts from."""

import numpy as np
import torch
from torch import nn
from warm_lane import CLASSES, Choices, Lane, places
from warm_recipes import Recipe

from curation.model.training import augment
from curation.model.training.optim import rate_at
from curation.params import Params

Tensor = torch.Tensor
SHRINK, NOISE = 0.6, 0.01  # as published
DASH_LEAST, DASH_BATCHES = 0.3, 8  # the smallest factor of a filter; batches that the gradient is measured on


def choices(rows: np.ndarray, params: Params, seed: int, classes: int) -> Choices:
    """Everything random of a training on the images `rows`, drawn at once by the product's `augment.draw`."""
    batch, config = params.batch_size, params.train.augment
    steps = len(rows) // batch
    orders = [np.random.default_rng([seed, epoch]).permutation(rows)[: steps * batch] for epoch in range(params.epochs)]
    total = steps * params.epochs
    alone = config.model_copy(update={"mixup": 0.0, "cutmix": 0.0})
    draws = augment.draw(alone, torch.zeros(total * batch, dtype=torch.bool), (seed, 0, classes))
    source = torch.Generator().manual_seed(augment.hash_seed(seed, 1, classes))
    mix, cut = _mixes(params, total, np.random.default_rng([seed, classes]))
    climbing = [rate_at(step, steps, params) for step in range(total)]
    rates = torch.tensor([[rate, rate] for rate in climbing])
    rates[: params.train.freeze * steps, 0] = 0
    done = torch.arange(1, total + 1)
    ramp = (1 + done) / (10 + done)
    return Choices(
        torch.from_numpy(np.concatenate(orders)).view(total, batch),
        draws.affine.view(total, batch, 2, 3),
        draws.colour.view(total, batch, 3),
        draws.box.view(total, batch, 4),
        torch.rand(total, batch, generator=source).argsort(1),
        mix,
        cut,
        rates,
        ramp.clamp(max=params.train.ema),
    )


def _mixes(params: Params, total: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The share of the other image, and the box that shows it, of every batch."""
    config = params.train.augment
    mix, cut = np.zeros(total), np.zeros((total, 4))
    if config.mixup:
        mix = random.beta(config.mixup, config.mixup, total)
    if config.cutmix:
        boxed = random.random(total) < (0.5 if config.mixup else 1)
        share = random.beta(config.cutmix, config.cutmix, total)
        side = np.sqrt(share)[:, None]
        corner = random.random((total, 2)) * (1 - side)
        cut = np.where(boxed[:, None], np.concatenate([corner, corner + side], 1), 0)
        mix = np.where(boxed, share, mix)
    return torch.from_numpy(mix).float(), torch.from_numpy(cut).float()


def pinned(drawn: Choices, device: torch.device) -> Choices:
    """The choices in memory that a GPU copies by itself."""
    if device.type != "cuda":
        return drawn
    return Choices(*(values.pin_memory() for values in vars(drawn).values()))


def random_weights(network: nn.Module, head: str, device: torch.device) -> Tensor:
    """The weights and norm statistics of a network as one tensor, with a new head, as a lane holds them."""
    with torch.no_grad():
        layer = network.get_submodule(head)
        for weight in layer.parameters():
            weight.normal_(0, 0.01) if weight.ndim > 1 else weight.zero_()
        parts = [_ordered(tensor).reshape(-1) for tensor in places(network).values()]
    return torch.cat([part.detach() for part in parts]).to(device)


def inherit(lane: Lane, recipe: Recipe, parents: list[Tensor], fresh: Tensor, classes: int) -> Tensor:
    """The weights that a round starts from. parents: the best weights of all rounds before, the last one last."""
    weights = (parents[-1] + parents[-2]) / 2 if recipe.start == "mean" and len(parents) > 1 else parents[-1].clone()
    if recipe.start == "shrink":
        trained = weights[: lane.weights]
        trained.mul_(SHRINK).add_(torch.randn_like(trained), alpha=NOISE)
    last_stage = {"layer4", "stage4", "conv5"} if recipe.start == "reset" else set()
    at = 0
    for name, tensor in places(lane.model).items():
        stop, own = at + tensor.numel(), slice(at, at + tensor.numel())
        at = stop
        if name.split(".")[0] in last_stage:
            weights[own] = fresh[own]
        elif name.startswith(f"{lane.head}."):
            known = classes - 1 if recipe.head == "reuse" else 0
            rows, new = weights[own].view(CLASSES, -1), fresh[own].view(CLASSES, -1)
            rows[known:] = new[known:]
    return weights


def dash(lane: Lane, weights: Tensor) -> Tensor:
    """Shrink each filter that disagrees with the negative gradient; the lane was started at `weights`."""
    named = dict(lane.model.named_parameters())
    lane.optimizer.zero_grad(set_to_none=True)
    for number in range(DASH_BATCHES):
        lane.backward(number)
    scaled = weights.clone()
    at = 0
    for name, tensor in places(lane.model).items():
        stop = at + tensor.numel()
        if name in named and tensor.ndim > 1 and not name.startswith(f"{lane.head}."):
            gradient = named[name].grad
            assert gradient is not None
            flat = weights[at:stop].view(len(tensor), -1)
            alike = nn.functional.cosine_similarity(flat, -_ordered(gradient).reshape(len(tensor), -1), dim=1)
            scaled[at:stop] = (flat * alike.clamp(DASH_LEAST, 1)[:, None]).reshape(-1)
        at = stop
    lane.optimizer.zero_grad(set_to_none=True)
    return scaled


def _ordered(tensor: Tensor) -> Tensor:
    """A weight with its values in the order of a lane's one tensor."""
    return tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor
