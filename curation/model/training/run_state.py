"""The state of a training run after each epoch, so that a run that was killed continues to the same weights.

One safetensors file holds all of it: weights, optimiser, averaged weights, and the history as JSON. It is written under
a temporary name and renamed. The best weights are in a file of their own, named by their epoch. The folder is named by
a key over all that decides the result, so a run only continues itself. Random numbers are functions of seed, epoch and
batch, and need no state.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from curation.errors import CurationError
from curation.model.checkpoint import State, load_tensors, save_tensors
from curation.model.training.optim import Average
from curation.project.behaviour_versions import VERSIONS

KEEP_RUNS = 3  # abandoned runs whose state is kept, newest first


@dataclass
class Progress:
    """How far a run has come."""

    epoch: int = 0  # epochs finished
    best_epoch: int = -1  # 0 is the first
    history: list[dict[str, float]] = field(default_factory=list)
    scaler: dict[str, Any] = field(default_factory=dict)  # of fp16's loss


class RunState:
    """Saves and restores a run in a folder."""

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self.folder, self._writes = folder, writes
        if writes:
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def is_new(self) -> bool:
        """Whether no epoch of it was finished before."""
        return not self._path.exists()

    def save(
        self, progress: Progress, model: nn.Module, optimizer: torch.optim.Optimizer, more: Mapping[str, State]
    ) -> None:
        """Write the state after an epoch; drops best weights that are no longer the best."""
        if not self._writes:
            return
        tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
        plain: dict[str, Any] = {}
        for number, slots in optimizer.state_dict()["state"].items():
            for name, value in slots.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer/{number}/{name}"] = value
                else:
                    plain[f"{number}/{name}"] = value
        for kind, state in more.items():
            tensors |= {f"{kind}/{name}": tensor for name, tensor in state.items()}
        facts = {"progress": asdict(progress), "plain": plain}
        save_tensors(self._path, {name: tensor.clone() for name, tensor in tensors.items()}, {"run": json.dumps(facts)})
        for path in self.folder.glob("best-*.safetensors"):
            if path != self._best(progress.best_epoch):
                path.unlink(missing_ok=True)

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Progress, dict[str, State]]:
        """Put the last finished epoch back into model and optimiser; a fresh Progress when there is none."""
        found = self._read()
        if found is None:
            return Progress(), {}
        facts, tensors = found
        kinds: dict[str, State] = {}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition("/")
            kinds.setdefault(kind, {})[rest] = tensor
        model.load_state_dict(kinds.pop("model"))
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        slots: dict[int, dict[str, Any]] = {}
        for name, value in [*kinds.pop("optimizer", {}).items(), *facts["plain"].items()]:
            number, _, slot = name.partition("/")
            slots.setdefault(int(number), {})[slot] = _laid_out_as(weights[int(number)], value)
        optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
        return Progress(**facts["progress"]), kinds

    def keep_best(self, epoch: int, state: State) -> None:
        """Write the best weights so far."""
        if self._writes:
            save_tensors(self._best(epoch), {name: tensor.clone() for name, tensor in state.items()}, {})

    def best(self, epoch: int) -> State:
        """Read the best weights."""
        return load_tensors(self._best(epoch))

    def clear(self) -> None:
        """The run is complete: nothing of it is needed."""
        if self._writes:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _best(self, epoch: int) -> Path:
        return self.folder / f"best-{epoch:04d}.safetensors"

    @property
    def _path(self) -> Path:
        return self.folder / "state.safetensors"

    def _read(self) -> tuple[dict[str, Any], State] | None:
        from safetensors import safe_open

        if not self._path.exists():
            return None
        try:
            tensors = load_tensors(self._path)
            with safe_open(self._path, framework="pt") as file:
                facts = json.loads(file.metadata()["run"])
        except (CurationError, OSError, ValueError, KeyError):
            return None  # cut short by a power failure: start again
        if not self._best(facts["progress"]["best_epoch"]).exists():
            return None
        return facts, tensors


def _laid_out_as(weight: torch.Tensor, value: Any) -> Any:
    """A slot in the memory order of its weight: fused optimisers walk through both side by side."""
    if not isinstance(value, torch.Tensor) or value.shape != weight.shape:
        return value
    return torch.empty_like(weight, dtype=value.dtype).copy_(value)


def run_key(facts: Mapping[str, Any]) -> str:
    """Make a short name for all that decides the result of a run: data, parent, parameters, what the stage does."""
    everything = {**facts, "behaviour": VERSIONS["train"]}
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]


def sweep(root: Path, keep: str) -> None:
    """Delete the state of runs that were abandoned long ago: all but the newest few, and never `keep`."""
    others = [path for path in root.glob("*") if path.is_dir() and path.name != keep]
    for path in sorted(others, key=lambda one: one.stat().st_mtime, reverse=True)[KEEP_RUNS:]:
        shutil.rmtree(path, ignore_errors=True)


def average_of(more: dict[str, State], model: nn.Module, decay: float, steps: int) -> Average | None:
    """The averaged weights of a run, restored or fresh; None when they are off."""
    if not decay:
        return None
    average = Average(model, decay)
    if "average" in more:
        for name, tensor in more["average"].items():
            average.state[name].copy_(tensor)
        average.steps = steps
    return average
