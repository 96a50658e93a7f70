"""Which numbers of reports/metrics.json are shown, and under which names: one rule for every reader.

`measured` is what `curate summary`, the report and the model card show, and POPULATION says what it speaks of.
`headline` is the short file for `dvc metrics diff` and `dvc exp show`: metrics.json has more than a hundred numbers,
too many to see what changed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Metrics = Mapping[str, Any]
MOST_SETS = 6  # benchmark sets with a number of their own in the short file
SHOWN = ("accuracy", "accuracy_low", "accuracy_high", "f1", "log_loss", "ece")


POPULATION = (
    "val, test and the drawn benchmark are random samples of each class as collected: copies count once, and what a "
    "model chose from the pool is not in them. A class above `cutoff.max` counts as if it had that many images. Images "
    "that an earlier model knew keep their split. A benchmark set made by hand holds what people put there."
)


def measured(metrics: Metrics) -> Iterator[tuple[str, Metrics]]:
    """Every set that was scored, as (name, its numbers): train, val, test, then benchmark/NAME by name.

    A set without an accuracy, such as one that has no image of the model's classes, is left out.
    """
    for name in ("train", "val", "test"):
        if _scored(metrics.get(name)):
            yield name, metrics[name]
    for name, facts in sorted(metrics.get("benchmark", {}).items()):
        if _scored(facts):
            yield f"benchmark/{name}", facts


def caption(name: str) -> str:
    """The name of a set as it is shown: train and val say why their numbers are too good."""
    return {"train": "train (trained on)", "val": "val (chosen on)"}.get(name, name)


def compared(found: Metrics, prefix: str = "") -> Iterator[tuple[str, Metrics]]:
    """Every (name, numbers) of a comparison with another model, at whatever depth it stands."""
    for key, value in found.items():
        if isinstance(value, Mapping):
            if "better" in value and "worse" in value:
                yield f"{prefix}{key}", value
            else:
                yield from compared(value, f"{prefix}{key}/")


def headline(metrics: Metrics) -> dict[str, Any]:
    """Choose the numbers that tell whether a model became better: at most 20, whatever the number of sets."""
    sets = dict(measured(metrics))
    short: dict[str, Any] = {}
    if "test" in sets:
        short["test"] = {key: sets["test"][key] for key in ("images", *SHOWN) if key in sets["test"]}
    if "val" in sets:
        short["val"] = {key: sets["val"][key] for key in ("accuracy", "log_loss") if key in sets["val"]}
    if "train" in sets:
        short["train"] = {"accuracy": sets["train"]["accuracy"]}
    if benchmark := _benchmark({name: facts for name, facts in sets.items() if name.startswith("benchmark/")}):
        short["benchmark"] = benchmark
    changes = dict(compared(metrics.get("against_base", {})))
    if "test" in changes:
        short["against_base"] = {key: changes["test"][key] for key in ("better", "worse") if key in changes["test"]}
    return short


def _scored(facts: Any) -> bool:
    return isinstance(facts, Mapping) and isinstance(facts.get("accuracy"), int | float) and "images" in facts


def _benchmark(sets: Mapping[str, Metrics]) -> dict[str, Any]:
    """The accuracy of each benchmark set; of many sets the lowest one, and that over all images."""
    if len(sets) <= MOST_SETS:
        return {name.removeprefix("benchmark/"): {"accuracy": facts["accuracy"]} for name, facts in sets.items()}
    images = sum(facts["images"] for facts in sets.values())
    right = sum(facts["accuracy"] * facts["images"] for facts in sets.values())
    lowest = min(facts["accuracy"] for facts in sets.values())
    return {"sets": len(sets), "accuracy": round(right / images, 6), "lowest_accuracy": lowest}
