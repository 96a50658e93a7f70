"""Warm starts against cold starts: many trainings side by side on one GPU, and a line of results for each.

    python benchmarks/warm_sets.py sets.npz
    python benchmarks/warm_trials.py sets.npz --out trials.jsonl --seconds 330    # on a GPU
    python benchmarks/warm_trials.py sets.npz --out trials.jsonl --cpu --sets digits --seeds 0 --lanes 1 --epochs 6

Three sets, each with a class added in each of five rounds. The jobs come in the order of what they tell, so a run that
is cut off has told the most: first the search for the cold start's rate and augmentation, in the last round; then the
shipped recipe, cold and warm; then the best cold start in all rounds, and the warm starts that follow it. See
warm_recipes.py for the recipes, warm_lane.py for how a training runs; warm_report.py makes the table.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
import torch
import warm_recipes
from warm_lane import CLASSES, Lane
from warm_problem import Problem, prepare
from warm_recipes import FIRST, LAST, Job, Recipe, next_jobs
from warm_sets import SHARES
from warm_starts import choices, dash, inherit, pinned

from curation.model import device as devices
from curation.model.backbone import build

BATCH = 64
DONE = object()
CHECKED, APART = 5, 0.7  # steps of the check of a graph, and how far it may end from them


class Results:
    """Figures that are on their way from the device, and the file that they are written to."""

    def __init__(self, path: Path, seeds: list[int]) -> None:
        self._file, self._seeds, self.count = path.open("a", encoding="utf-8"), seeds, 0
        self._waiting: list[tuple[Any, torch.Tensor, Problem, Job, int]] = []

    def add(self, figures: torch.Tensor, problem: Problem, job: Job, classes: int) -> None:
        """Note the figures [epochs + 2, 2] of a training: accuracy and loss on val, then on test for best and last."""
        done, there = None, figures
        if figures.is_cuda:
            there = torch.empty(figures.shape, pin_memory=True).copy_(figures, non_blocking=True)
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record()
        self._waiting.append((done, there, problem, job, classes))

    def write(self) -> None:
        """Write those that have arrived."""
        arrived = [one[0] is None or one[0].query() for one in self._waiting]
        done = [one for one, there in zip(self._waiting, arrived, strict=True) if there]
        self._waiting = [one for one, there in zip(self._waiting, arrived, strict=True) if not there]
        for one in done:
            self._write(*one[1:])

    def _write(self, figures: torch.Tensor, problem: Problem, job: Job, classes: int) -> None:
        values = [[round(value, 5) for value in row] for row in figures.tolist()]
        curve, (best, last) = values[:-2], values[-2:]
        accuracies = [accuracy for accuracy, _ in curve]
        facts = {"set": problem.name, "recipe": job.recipe.name, "seed": job.seed, "classes": classes}
        line = {**facts, "val": accuracies, "test_best": best[0], "test_last": last[0]}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        self.count += 1
        if job.search and problem.searching:
            problem.found.setdefault(job.recipe, []).append(max(accuracies))
            problem.searching -= 1
            if not problem.searching:
                best_recipe = max(problem.found, key=lambda one: float(np.mean(problem.found[one])))
                print(f"{problem.name}: the best cold start is {best_recipe.name}", flush=True)
                problem.add(next_jobs(best_recipe, self._seeds))


def training(lane: Lane, problem: Problem, job: Job, results: Results) -> Iterator[None]:
    """Do a job; yields after each epoch that it has handed to the device."""
    recipe, seed = job.recipe, job.seed
    params = recipe.params(problem.name, seed)
    parents: list[torch.Tensor] = []
    if recipe.of:
        weights, there = problem.firsts[recipe.of, seed]
        parents.append(weights)
        if lane.stream:
            lane.stream.wait_event(there)
    for classes in job.rounds:
        rows, fresh = problem.rows[seed, classes], problem.fresh[seed]
        drawn = pinned(choices(rows.train, params, seed, classes), lane.device.torch)
        weights = inherit(lane, recipe, parents, fresh, classes) if parents else fresh
        lane.start(weights, drawn, problem.labels[seed], classes)
        if recipe.start == "dash":
            lane.start(dash(lane, weights), drawn, problem.labels[seed], classes)
        figures = torch.zeros(params.epochs + 2, 2, device=lane.device.torch)
        steps, best = len(drawn.rows) // params.epochs, torch.full_like(figures[0], -1)
        for epoch in range(params.epochs):
            for number in range(epoch * steps, (epoch + 1) * steps):
                lane.go(1)
                if recipe.pull:
                    own = slice(lane.weights)
                    lane.live[own].lerp_(lane.origin[own], recipe.pull * float(drawn.rates[number, 1]))
            score = lane.accuracy(rows.val)
            better = (score[0] > best[0]) | ((score[0] == best[0]) & (score[1] < best[1]))
            best = torch.where(better, score, best)
            lane.best.lerp_(lane.mean, better.float())
            figures[epoch] = score
            yield
        figures[-1] = lane.accuracy(rows.test)
        lane.mean.copy_(lane.best)
        figures[-2] = lane.accuracy(rows.test)
        parents.append(lane.best.clone())
        results.add(figures, problem, job, classes)
    if recipe.share == 1 and job.rounds[0] == FIRST:
        problem.firsts[recipe, seed] = parents[-1], lane.stream.record_event() if lane.stream else None


@dataclass
class Worker:
    """A lane, the job that it does, and how far the device is with what it was handed."""

    lane: Lane
    problem: Problem
    results: Results
    work: Iterator[None] | None = None
    events: list[Any] = field(default_factory=list)

    def pump(self) -> bool:
        """Hand the device one more epoch, if it has fewer than two; whether there was one."""
        self.events = [event for event in self.events if not event.query()]
        if len(self.events) > 1:
            return False
        if self.work is None:
            job = self.problem.take()
            if job is None:
                return False
            self.work = training(self.lane, self.problem, job, self.results)
        with torch.cuda.stream(self.lane.stream):
            if next(self.work, DONE) is DONE:
                self.work = None
                return True
            if self.lane.stream:
                self.events.append(self.lane.stream.record_event())
        return True


def check(lane: Lane, problem: Problem, job: Job) -> float:
    """How far some steps of the graph end from those without one, relative to how far they go."""
    rows, start = problem.rows[job.seed, LAST], problem.fresh[job.seed]
    drawn = choices(rows.train, job.recipe.params(problem.name, job.seed), job.seed, LAST)
    ends = []
    with torch.cuda.stream(lane.stream):
        for step in (lane.step, lambda: lane.go(1)):
            lane.start(start, drawn, problem.labels[job.seed], LAST)
            for _ in range(CHECKED):
                step()
            ends.append(lane.live[: lane.weights] - start[: lane.weights])
        return float((ends[0] - ends[1]).norm() / ends[0].norm())


def main() -> None:
    """Run jobs until the time is over or all are done."""
    asked = _arguments()
    os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")  # read when CUDA starts: as many queues of work
    if asked.epochs:
        warm_recipes.EPOCHS = dict.fromkeys(SHARES, asked.epochs)
    begun = time.monotonic()
    device = devices.choose("cpu" if asked.cpu else "cuda")
    results, workers = Results(asked.out, asked.seeds), []
    found = [prepare(asked.file, name, asked.seeds, device) for name in asked.sets]
    gc.freeze()  # making a graph collects garbage first
    for problem, lanes in zip(found, asked.lanes, strict=False):
        network = build(problem.spec, CLASSES)
        most = (
            max(len(problem.rows[seed, LAST].train) for seed in asked.seeds)
            // BATCH
            * warm_recipes.EPOCHS[problem.name]
        )
        params = Recipe().params(problem.name, 0)
        for _ in range(lanes):
            lane = Lane(problem.pixels, network, params, device, most)
            if device.is_cuda and not asked.eager:
                lane.capture()
            workers.append(Worker(lane, problem, results))
        apart = check(workers[-1].lane, problem, problem.queue[0])
        print(f"{time.monotonic() - begun:.0f} s: {lanes} lanes of {problem.name}; graph {apart:.2g} apart", flush=True)
        if not apart < APART:
            raise SystemExit(f"{problem.name}: the graph is not the step")
    told = time.monotonic()
    while time.monotonic() - begun < asked.seconds:
        moved = [worker.pump() for worker in workers]
        results.write()
        if not any(moved):
            if not any(worker.work or worker.events for worker in workers):
                break
            time.sleep(0.002)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            left = ", ".join(f"{one.name} {len(one.queue)}" for one in found)
            print(f"{told - begun:.0f} s: {results.count} trainings; jobs left: {left}", flush=True)
    results.write()
    print(f"{time.monotonic() - begun:.0f} s: {results.count} trainings", flush=True)
    os._exit(0)  # what the device still has in hand is not waited for


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="as warm_sets.py writes it")
    parser.add_argument("--out", type=Path, required=True, help="file that a line is added to for each training")
    parser.add_argument("--sets", nargs="+", default=list(SHARES))
    parser.add_argument("--lanes", nargs="+", type=int, default=[11, 11, 6], help="trainings at a time, for each set")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(5)))
    parser.add_argument("--eager", action="store_true", help="without graphs")
    parser.add_argument("--seconds", type=float, default=330)
    parser.add_argument("--epochs", type=int, help="of a cold start, instead of those of warm_recipes.py")
    parser.add_argument("--cpu", action="store_true", help="a trial on the CPU")
    return parser.parse_args()


if __name__ == "__main__":
    main()
