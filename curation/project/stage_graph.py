"""The order of the stages in dvc.yaml, read without DVC, so that a command can say at once what will run again."""

from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

Stages = dict[str, dict[str, Any]]


def followers(stages: Stages, changed: Collection[str]) -> list[str]:
    """Return the stages that run after any of `changed`, without these, in the order of the file.

    A stage follows another one when one of its deps is, or lies in, an out or a metric of that stage.
    """
    reached = set(changed)
    while True:
        paths = [path for stage in reached if stage in stages for path in written(stages[stage])]
        more = {name for name, stage in stages.items() if any(_inside(dep, paths) for dep in stage.get("deps", []))}
        if more <= reached:
            return [name for name in stages if name in reached and name not in changed]
        reached |= more


def read_stages(root: Path = Path()) -> Stages:
    """Read the stages of dvc.yaml. `${key}` is replaced by the value of that key at the top level of params.yaml."""
    text = (root / "dvc.yaml").read_text(encoding="utf-8")
    values = YAML(typ="safe", pure=True).load((root / "params.yaml").read_text(encoding="utf-8")) or {}
    for key, value in values.items():
        text = text.replace(f"${{{key}}}", str(value))
    return dict(YAML(typ="safe", pure=True).load(text)["stages"])


def written(stage: dict[str, Any]) -> list[str]:
    """Return the paths that a stage writes. An entry with options is a dictionary with one key."""
    entries = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def _inside(dep: str, outs: list[str]) -> bool:
    return any(PurePosixPath(dep).is_relative_to(out) for out in outs)
