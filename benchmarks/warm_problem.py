"""A set of the warm-start trials on the device: its images, how each seed divides them, and the jobs to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from warm_lane import CLASSES
from warm_recipes import FIRST, LAST, Job, Recipe, first_jobs
from warm_sets import SIZES, deal, read
from warm_starts import random_weights

from curation.model.backbone import Spec, build
from curation.model.classifier_head import find_head
from curation.model.device import Device

ARCHS = {
    "fashion": ("resnet18", "half"), "composites": ("resnet18", "standard"), "digits": ("shufflenet_v2_x0_5", "half"),
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """The images of a seed's round: numbers of those to train on, and on the device those that are measured."""

    train: np.ndarray
    val: torch.Tensor
    test: torch.Tensor


@dataclass
class Problem:
    """A set on the device, how each seed has it, and what its trainings have found."""

    name: str
    spec: Spec
    pixels: torch.Tensor
    rows: dict[tuple[int, int], Rows]  # by seed and classes
    labels: dict[int, torch.Tensor]  # of a seed
    fresh: dict[int, torch.Tensor]  # random weights of a seed
    queue: list[Job] = field(default_factory=list)
    searching: int = 0  # trainings of the search that are not done
    known: set[tuple[Recipe, int, tuple[int, ...]]] = field(default_factory=set)  # all jobs that ever were in the queue
    firsts: dict[tuple[Recipe, int], tuple[torch.Tensor, Any]] = field(
        default_factory=dict
    )  # weights, when they are there
    found: dict[Recipe, list[float]] = field(default_factory=dict)  # best val accuracies of the search

    def add(self, jobs: Sequence[Job]) -> None:
        """Queue those jobs that never were in the queue."""
        for job in jobs:
            key = (job.recipe, job.seed, job.rounds)
            if key not in self.known:
                self.known.add(key)
                self.queue.append(job)
                self.searching += job.search

    def take(self) -> Job | None:
        """The next job whose first model is there."""
        for job in self.queue:
            if job.recipe.of is None or (job.recipe.of, job.seed) in self.firsts:
                self.queue.remove(job)
                return job
        return None


def prepare(file: Path, name: str, seeds: Sequence[int], device: Device) -> Problem:
    """A set of a file, with its first jobs."""
    images = read(file, name)
    arch, stem = ARCHS[name]
    spec = Spec(arch, SIZES[name], stem)
    rows: dict[tuple[int, int], Rows] = {}
    labels: dict[int, torch.Tensor] = {}
    fresh: dict[int, torch.Tensor] = {}
    for seed in seeds:
        dealt = deal(name, images, seed)
        for classes in range(FIRST, LAST + 1):
            train, val, test = (_of(part, dealt.ranks, classes) for part in (dealt.train, dealt.val, dealt.test))
            rows[seed, classes] = Rows(train, _on(device, val), _on(device, test))
        labels[seed] = _on(device, dealt.ranks)
        torch.manual_seed(seed)
        network = build(spec, CLASSES)
        fresh[seed] = random_weights(network, find_head(network, CLASSES), device.torch)
    made = Problem(name, spec, _on(device, images.pixels), rows, labels, fresh)
    made.add(first_jobs(seeds))
    return made


def _of(rows: np.ndarray, ranks: np.ndarray, classes: int) -> np.ndarray:
    found: np.ndarray = rows[ranks[rows] < classes]
    return found


def _on(device: Device, values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values).to(device.torch)
