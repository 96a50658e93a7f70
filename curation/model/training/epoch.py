"""One pass over the data: forward, backward and step, or forward alone to measure.

Sums stay on the device until the end of the pass, so that the host never waits for a GPU. Losses are checked every few
batches. A loss that is not a finite number stops the run, and the error names the images of the batch.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from curation.errors import CurationError
from curation.model import class_prior
from curation.model.checkpoint import State
from curation.model.compiled import compiling
from curation.model.device import Device
from curation.model.header import Header
from curation.model.normalise import Normalise, to_float
from curation.model.recompute import recompute
from curation.model.training import augment, norm_modes
from curation.model.training.examples import Examples, Ints, batches_of, epoch_order
from curation.model.training.loader import Batch, Loader
from curation.model.training.optim import Average, make_optimizer, rate_at, set_rate, start_momentum
from curation.model.training.throughput import Meter
from curation.params import Params

CHECK_EVERY = 20  # batches between two checks of the losses on a GPU
MEASURE_BATCH = 256


class DivergedError(CurationError):
    """The loss is no longer a number."""

    def __init__(self, epoch: int, image_ids: Sequence[str], lr: float) -> None:
        super().__init__(
            f"epoch {epoch + 1}: the loss is not a finite number (lr {lr:.2g}). Lower `lr`, set `train.clip`, or "
            f"`train.precision: fp32`; nothing was written. The images of the batch: {' '.join(image_ids)}"
        )


class Engine:
    """A model on a device with its optimiser."""

    def __init__(self, model: nn.Module, head: str, facts: Header, params: Params, device: Device) -> None:
        self.params, self.device, self.head = params, device, head
        self.inherits = facts.has_head  # the base model is a classifier
        # In channels-last and half precision, oneDNN's gradient of a 1x1 convolution with stride 2 can be random.
        sound = device.is_cuda or device.precision == "fp32"
        layout = torch.channels_last if params.train.channels_last and sound else torch.contiguous_format
        self.model = model.to(device.torch, memory_format=layout)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(model, head, params, fused=device.torch.type in {"cpu", "cuda"})
        if device.precision == "fp16":
            start_momentum(self.optimizer)
        self.scaler = torch.amp.GradScaler(device.torch.type, enabled=device.precision == "fp16")
        self.normalise = Normalise(facts.mean, facts.std, device.torch)
        if params.train.recompute:
            recompute(self.model)
        self._forward: nn.Module = model
        self._parallel: DistributedDataParallel | None = None
        self._frozen: bool | None = None
        self._prior: torch.Tensor | None = None
        self._checked = False

    def hold_prior(self, examples: Examples) -> None:
        """Keep the class frequencies of `examples` where `train.balance` samples others; call it before the first step.

        The rows of a reused head have the frequencies that they were trained with, so its bias stays.
        """
        if self.params.train.balance != "none":
            self._prior = class_prior.adjustment(
                self.model, self.head, examples.labels, keep=self.params.train.head == "reuse" and self.inherits
            )

    def train(
        self, epoch: int, loader: Loader, examples: Examples, average: Average | None, meter: Meter
    ) -> tuple[float, float]:
        """Train for one epoch (0 is the first); returns mean loss and accuracy over its augmented images."""
        params = self.params
        torch.manual_seed(augment.hash_seed(params.seed, epoch, 2**32 + self.device.rank))  # dropout, stochastic depth
        self._set_mode(frozen=epoch < params.train.freeze)
        parts = batches_of(epoch_order(examples, params.train.balance, params.seed, epoch), params.batch_size)
        sums = torch.zeros(2, device=self.device.torch)
        losses: list[tuple[torch.Tensor, Ints]] = []
        for batch in loader.batches(examples, parts):
            set_rate(self.optimizer, rate_at(epoch * len(parts) + batch.number, len(parts), params))
            with compiling(params.train.compile):
                loss, right = self._step(batch, examples, parts[batch.number], epoch)
            sums += torch.stack([loss, right])
            losses.append((loss, batch.indices))
            if not self.device.is_cuda or len(losses) == CHECK_EVERY or batch.number + 1 == len(parts):
                self._check_losses(losses, examples, epoch)
                losses = []
            if average:
                average.update(self.model)
            meter.add(batch.whole)
        return self._mean(sums, len(examples))

    @torch.inference_mode()
    def measure(self, loader: Loader, examples: Examples, state: State | None = None) -> tuple[float, float]:
        """Mean cross-entropy and accuracy on `examples`. state: weights to use instead of the model's own."""
        self.model.eval()
        norm_modes.check_modes(self.model, self.head, training=False)
        if (
            self.device.world > 1
        ):  # norm statistics differ between processes; those of the first are written, so measured
            for tensor in (state or self.model.state_dict()).values():
                dist.broadcast(tensor, 0)
        sums = torch.zeros(2, device=self.device.torch)
        parts = batches_of(np.arange(len(examples)), MEASURE_BATCH)
        for batch in loader.batches(examples, parts):
            if not len(batch.indices):
                continue
            images = self.normalise(to_float(batch.images))
            with self.device.autocast():
                logits = torch.func.functional_call(self.model, state, (images,)) if state else self.model(images)
            loss = functional.cross_entropy(logits.float(), batch.labels, reduction="sum")
            sums += torch.stack([loss, (logits.argmax(1) == batch.labels).sum().float()])
        return self._mean(sums, len(examples))

    def loss_of(self, logits: torch.Tensor, labels: torch.Tensor, draws: augment.Draws | None = None) -> torch.Tensor:
        """The training loss, summed over a batch: cross-entropy with label smoothing, mixed as the images are."""
        smooth = self.params.train.label_smoothing
        loss = functional.cross_entropy(logits.float(), labels, reduction="sum", label_smoothing=smooth)
        if draws is None or not draws.mix:
            return loss
        others = labels[draws.partner.to(labels.device, non_blocking=True)]
        other = functional.cross_entropy(logits.float(), others, reduction="sum", label_smoothing=smooth)
        return torch.lerp(loss, other, draws.mix)

    def _step(self, batch: Batch, examples: Examples, whole: Ints, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        config = self.params.train
        small = torch.from_numpy(examples.small[whole])
        draws = augment.draw(config.augment, small, (self.params.seed, epoch, batch.number))
        self.optimizer.zero_grad(set_to_none=True)
        edges = [len(batch.indices) * part // config.accumulate for part in range(config.accumulate + 1)]
        found = []
        for start, stop in pairwise(edges):
            with self._gradients(summed=stop < edges[-1]):
                found.append(self._backward(batch, draws, start, stop))
        if config.clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        losses, right = zip(*found, strict=True)
        return torch.stack(losses).sum(), torch.stack(right).sum()

    def _backward(self, batch: Batch, draws: augment.Draws, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the gradients of some images of the batch; returns the sum of their losses, and how many are right."""
        config, labels = self.params.train, batch.labels[start:stop]
        draws = draws.part(batch.offset + start, batch.offset + stop)
        images = self.normalise(augment.apply(to_float(batch.images[start:stop]), draws, config.augment))
        if config.compile:  # batches of an epoch have two sizes: one compiled program takes both
            torch._dynamo.maybe_mark_dynamic(images, 0)
        with self.device.autocast():
            logits = self._forward(images)
        if self._prior is not None:
            logits = logits - self._prior
        loss = self.loss_of(logits, labels, draws)
        # The gradient of the mean over the whole batch, however many processes share it (gradients are averaged).
        self.scaler.scale(loss * (self.device.world / batch.whole)).backward()  # type: ignore[no-untyped-call]
        return loss.detach(), (logits.argmax(1) == labels).sum().float()

    def _gradients(self, *, summed: bool) -> AbstractContextManager[object]:
        """The context of a backward pass; `summed`: processes exchange their gradients only after a later one."""
        return self._parallel.no_sync() if summed and self._parallel else nullcontext()

    def _set_mode(self, *, frozen: bool) -> None:
        norm_modes.set_training(self.model, self.head, frozen=frozen)
        norm_modes.check_modes(self.model, self.head, training=True, frozen=frozen)
        if frozen == self._frozen:
            return
        self._frozen = frozen
        self._forward = self.model
        if self.device.world > 1:  # built again after freezing, as it must know which gradients to expect
            self._forward = self._parallel = DistributedDataParallel(
                self.model, device_ids=[self.device.torch.index] if self.device.is_cuda else None
            )
        if self.params.train.compile:
            self._forward = torch.compile(self._forward)  # type: ignore[assignment]

    def _check_losses(self, losses: list[tuple[torch.Tensor, Ints]], examples: Examples, epoch: int) -> None:
        finite = torch.isfinite(torch.stack([loss for loss, _ in losses])).tolist()
        if all(finite):
            return
        ids = [examples.image_ids[index] for index in losses[finite.index(False)][1]]
        raise DivergedError(epoch, ids, float(self.optimizer.param_groups[0]["lr"]))

    def _mean(self, sums: torch.Tensor, count: int) -> tuple[float, float]:
        if self.device.world > 1:
            dist.all_reduce(sums)
        loss, right = (sums.double() / count).tolist()
        return loss, right
