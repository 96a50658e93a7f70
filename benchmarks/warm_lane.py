"""One training of the warm-start trials, kept whole on the device, so that many of them share a GPU.

A lane has a network, its optimiser and all random choices of a training in the memory of the device. One step is
captured once as a CUDA graph and then replayed, so the host only says "go on"; each lane has a stream of its own, and
what happens on it waits for nothing on the host. The parts are the product's: `augment` draws and changes the images,
`optim` makes the optimiser and the rates. The weights lie in one tensor, as the average of them does. On a CPU the same
step runs without a graph.

The network has ten outputs; those of classes that were not added yet are masked, which is the same as a smaller head.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD
from curation.model.classifier_head import find_head
from curation.model.device import Device
from curation.model.normalise import Normalise, to_float
from curation.model.training import augment, norm_modes
from curation.model.training.optim import make_optimizer
from curation.params import Params
from curation.params.blocks import Augment

Tensor = torch.Tensor
CLASSES, MEASURED = 10, 256  # outputs; images of a batch that is only measured
EVERY = Augment(jitter=1.0, erase=1.0, trivial=True)  # what a step can do to images; the draws say what it does


@dataclass(frozen=True)
class Choices:
    """All random choices and settings of a training of `t` steps with batches of `b`."""

    rows: Tensor  # int64 [t, b] images of each batch
    affine: Tensor  # [t, b, 2, 3]
    colour: Tensor  # [t, b, 3]
    box: Tensor  # [t, b, 4]
    partner: Tensor  # int64 [t, b]
    mix: Tensor  # [t]
    cut: Tensor  # [t, 4]
    rates: Tensor  # [t, 2] of the body and of the head
    keep: Tensor  # [t] decay of the averaged weights


class Lane:
    """A network that trains on the images of one set, again and again."""

    def __init__(self, pixels: Tensor, network: nn.Module, params: Params, device: Device, most: int) -> None:
        """pixels: uint8 [n, size, size, 3] on the device. network: copied. most: steps of the longest training."""
        self.device, self.params, self.pixels = device, params, pixels
        self.model, self.head, self.live = _flat(network, device)
        self.shadow, _, self.mean = _flat(network, device)  # a network whose weights are the average
        self.best, self.origin = torch.zeros_like(self.live), torch.zeros_like(self.live)
        self.weights = sum(weight.numel() for weight in self.model.parameters())  # of `live`; norm statistics follow
        self.optimizer = make_optimizer(self.model, self.head, params, fused=True)
        of_head = {id(weight) for weight in self.model.get_submodule(self.head).parameters()}
        for group in self.optimizer.param_groups:
            group["of_head"] = id(group["params"][0]) in of_head
            if device.is_cuda:
                group.update(lr=torch.zeros((), device=device.torch), capturable=True)
        self.normalise = Normalise(IMAGENET_MEAN, IMAGENET_STD, device.torch)
        batch, images = params.batch_size, len(pixels)
        self.labels, self.known = self._numbers(images), self._zeros(CLASSES) + 1
        self.at, self.measured_at = self._numbers(1), self._numbers(1)
        self.choices = Choices(
            self._numbers(most, batch),
            self._zeros(most, batch, 2, 3),
            self._zeros(most, batch, 3),
            self._zeros(most, batch, 4),
            self._numbers(most, batch),
            self._zeros(most),
            self._zeros(most, 4),
            self._zeros(most, 2),
            self._zeros(most),
        )
        self.tested = self._numbers(1 + images // MEASURED, MEASURED)
        self.counts = self._zeros(1 + images // MEASURED, MEASURED)
        self.sums = self._zeros(2)
        self.stream = torch.cuda.Stream(device.torch) if device.is_cuda else None  # type: ignore[no-untyped-call]
        self._step, self._measure = self.step, self.measure
        norm_modes.set_training(self.model, self.head, frozen=False)
        self.shadow.eval()

    def capture(self) -> None:
        """Make graphs of the two functions that are called again and again."""
        torch.cuda.synchronize()
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                self.step()
                self.measure()
            torch.cuda.synchronize()
            self.optimizer.zero_grad(set_to_none=True)
        graphs = []
        for work in (self.step, self.measure):
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=self.stream):
                work()
            graphs.append(graph.replay)
        self.measured_at.zero_()
        self._step, self._measure = graphs

    def go(self, steps: int) -> None:
        """Train for some steps."""
        for _ in range(steps):
            self._step()

    def start(self, weights: Tensor, choices: Choices, labels: Tensor, classes: int) -> None:
        """Begin a training at some weights."""
        for own in (self.live, self.mean, self.origin, self.best):
            own.copy_(weights)
        for name, values in vars(choices).items():
            getattr(self.choices, name)[: len(values)].copy_(values, non_blocking=True)
        self.labels.copy_(labels)
        self.known.copy_(torch.arange(CLASSES, device=self.known.device) < classes)
        self.at.zero_()
        slots = [slot for found in self.optimizer.state.values() for slot in found.values()]
        if slots:
            torch._foreach_zero_(slots)

    def step(self) -> None:
        """One step: images, loss, gradient, weights, average."""
        own = {name: values.index_select(0, self.at)[0] for name, values in vars(self.choices).items()}
        self.optimizer.zero_grad(set_to_none=True)
        self._loss_of(own).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.params.train.clip)
        for group in self.optimizer.param_groups:
            rate = own["rates"][int(group["of_head"])]
            if self.device.is_cuda:
                group["lr"].copy_(rate)
            else:
                group["lr"] = float(rate)
        self.optimizer.step()
        with torch.no_grad():
            self.mean.lerp_(self.live, 1 - own["keep"])
            self.at += 1

    def backward(self, number: int) -> None:
        """Add the gradient of a batch to those that are there, and change no weight."""
        own = {name: values[number] for name, values in vars(self.choices).items()}
        self._loss_of(own).backward()  # type: ignore[no-untyped-call]

    def _loss_of(self, own: dict[str, Tensor]) -> Tensor:
        """The loss of a batch, as `Engine` has it."""
        images = to_float(self.pixels.index_select(0, own["rows"]))
        labels = self.labels.index_select(0, own["rows"])
        draws = augment.Draws(own["affine"], own["colour"], own["box"], 0.0, own["partner"], own["cut"])
        images = augment.apply(images, draws, EVERY)
        images = augment.blend(images, images[own["partner"]], own["mix"], own["cut"])
        with self.device.autocast():
            logits = self.model(self.normalise(images))
        others = labels.index_select(0, own["partner"])
        loss = torch.lerp(self._loss(logits, labels), self._loss(logits, others), own["mix"])
        return loss.mean()

    @torch.no_grad()
    def measure(self) -> None:
        """Count the right answers of the averaged weights on a batch, and sum its loss."""
        rows, count = (one.index_select(0, self.measured_at)[0] for one in (self.tested, self.counts))
        with self.device.autocast():
            logits = self.shadow(self.normalise(to_float(self.pixels.index_select(0, rows))))
        labels = self.labels.index_select(0, rows)
        logits = self._masked(logits)
        right = (logits.argmax(1) == labels) * count
        loss = nn.functional.cross_entropy(logits, labels, reduction="none") * count
        self.sums += torch.stack([right.sum(), loss.sum()])
        self.measured_at += 1

    def accuracy(self, rows: Tensor) -> Tensor:
        """Share of right answers of the averaged weights on some images, and their mean loss, on the device."""
        batches = -(-len(rows) // MEASURED)
        flat, counts = self.tested.view(-1), self.counts.view(-1)
        flat[: len(rows)] = rows
        counts.zero_()
        counts[: len(rows)] = 1
        self.sums.zero_()
        self.measured_at.zero_()
        for _ in range(batches):
            self._measure()
        return self.sums / len(rows)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, device=self.device.torch)

    def _numbers(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.int64, device=self.device.torch)

    def _masked(self, logits: Tensor) -> Tensor:
        return torch.where(self.known > 0, logits.float(), -1e4)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy with label smoothing over the known classes, for each image."""
        logs = torch.log_softmax(self._masked(logits), 1)
        spread = (logs * self.known).sum(1) / self.known.sum()
        smooth = self.params.train.label_smoothing
        return -(1 - smooth) * logs.gather(1, labels[:, None])[:, 0] - smooth * spread


def _flat(network: nn.Module, device: Device) -> tuple[nn.Module, str, Tensor]:
    """A copy of a network, the name of its head, and the one tensor that holds its weights and norm statistics."""
    model = copy.deepcopy(network).to(device.torch)
    named = places(model)
    flat = torch.empty(sum(tensor.numel() for tensor in named.values()), device=device.torch)
    at = 0
    for name, tensor in named.items():
        view = _view(flat[at : at + tensor.numel()], tensor.shape)
        view.copy_(tensor.detach())
        layer, _, own = name.rpartition(".")
        part = model.get_submodule(layer)
        if own in part._parameters:
            part._parameters[own].data = view  # type: ignore[union-attr]
        else:
            part._buffers[own] = view
        at += tensor.numel()
    return model, find_head(model, CLASSES), flat


def _view(flat: Tensor, shape: Sequence[int]) -> Tensor:
    """A part of the one tensor in the shape of a weight; convolutions in channels-last order."""
    if len(shape) != 4:
        return flat.view(*shape)
    return flat.view(shape[0], *shape[2:], shape[1]).permute(0, 3, 1, 2)


def places(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of `live` in their order: weights, then norm statistics."""
    statistics = {name: tensor for name, tensor in model.named_buffers() if tensor.is_floating_point()}
    return {**dict(model.named_parameters()), **statistics}
