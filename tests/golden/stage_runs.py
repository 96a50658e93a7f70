"""Running the stages of the frozen project, each in a folder that holds nothing of use but what dvc.yaml lists for it.

A stage is called in this process, in a sandbox: its deps are linked in, every other file of the project lies there with
other bytes, and of params.yaml it finds only the keys that it lists. So a stage that reads what it does not declare
fails here, or its result differs (the idea is that of Bazel's sandboxes). Files that Python opens are looked at too.
What a stage writes goes back to the project.
"""

import contextlib
import importlib
import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from curation.project.stage_graph import read_stages, written

ROOT = Path(__file__).parents[2]
POISON = b"no stage may read this file\n"
# What images.parquet names by the MD5 of its bytes is as good as a dep: a stage that depends on the table may open it.
BY_CONTENT = ("data/raw", "data/unlabelled", "data/benchmark")
ORDER = ["collect", "backbone", "ingest", "dedupe", "cutoff", "split", "resize", "train", "evaluate", "identify"]
AFTER = ["cluster", "review", "report"]  # these get computed predictions

OPENED: list[str] = []  # paths opened while a stage is watched


class UndeclaredError(AssertionError):
    """A stage opened files that dvc.yaml does not list for it."""


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | os.PathLike):
        OPENED.append(os.path.abspath(arguments[0]))  # noqa: PTH100 - no file may be looked at here


sys.addaudithook(_note)


@contextlib.contextmanager
def watched(sandbox: Path, stage: dict[str, Any]):
    """Raise UndeclaredError when the block ends and a file of the sandbox was opened that is neither dep nor out."""
    OPENED.clear()
    yield
    own = [*declared(stage), *written(stage), "params.yaml", ".cache"]
    names = {Path(path).relative_to(sandbox) for path in OPENED if Path(path).is_relative_to(sandbox)}
    read = {name for name in names if (sandbox / name).is_file()}  # drafts of what is written are gone
    strange = sorted(str(name) for name in read if not any(name.is_relative_to(one) for one in own))
    if strange:
        raise UndeclaredError(f"{stage['cmd']} opens {', '.join(strange)}, which dvc.yaml does not list for it")


def declared(stage: dict[str, Any]) -> list[str]:
    """The files that a stage may read."""
    deps = [*stage["deps"], "dvc.yaml", "stages/behaviour.yaml"]
    return [*deps, *BY_CONTENT] if "data/images.parquet" in deps else deps


def run_stage(project: Path, name: str, scratch: Path, changes: dict[str, Any] | None = None) -> Path:
    """Run one stage on the files of `project`; gives the sandbox, with what was written.

    `changes` are parameters (`train.lr`) that differ from those of the project, or from the defaults.
    """
    sandbox = scratch / name
    shutil.rmtree(sandbox, ignore_errors=True)
    stage = read_stages(project)[name]
    fill(sandbox, project, stage)
    write_params(sandbox, project, stage, changes or {})
    with in_folder(sandbox), watched(sandbox, stage):
        main = importlib.import_module(f"stages.{name}").main
        with contextlib.redirect_stdout(io.StringIO()):
            main()
    return sandbox


def take_back(sandbox: Path, project: Path) -> None:
    """Bring what the stage wrote from its sandbox to the project."""
    for out in written(read_stages(project)[sandbox.name]):
        shutil.rmtree(project / out) if (project / out).is_dir() else (project / out).unlink(missing_ok=True)
        (project / out).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(sandbox / out, project / out) if (sandbox / out).is_dir() else shutil.copy(
            sandbox / out, project / out
        )
    for folder in ("data/unlabelled", "data/benchmark", "models/weights", "models/descriptors"):  # made by collect
        (project / folder).mkdir(parents=True, exist_ok=True)


def fill(sandbox: Path, project: Path, stage: dict[str, Any]) -> None:
    """Link the deps of a stage into its sandbox, and put other bytes in the place of everything else."""
    deps, outs = declared(stage), written(stage)
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project)
        if path.is_dir() or any(name.is_relative_to(out) for out in outs) or name.parts[0] == ".cache":
            continue
        target = sandbox / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if any(name.is_relative_to(dep) for dep in deps):
            os.link(path, target)
        elif not any(name.is_relative_to(folder) for folder in BY_CONTENT):
            target.write_bytes(POISON)
    for folder in (*BY_CONTENT, "models/weights", "models/descriptors"):
        if stage["cmd"].split(".")[-1] != "collect":
            (sandbox / folder).mkdir(parents=True, exist_ok=True)


def write_params(sandbox: Path, project: Path, stage: dict[str, Any], changes: dict[str, Any]) -> None:
    """Write params.yaml with the keys that the stage lists and no others; a listed block comes whole."""
    yaml = YAML(typ="safe", pure=True)
    values: dict[str, Any] = yaml.load((project / "params.yaml").read_text())
    kept: dict[str, Any] = {}
    for key in (one for one in stage.get("params", []) if isinstance(one, str)):
        head, _, rest = key.partition(".")
        if head in values and (not rest or rest in values[head]):
            put(kept, key, values[head][rest] if rest else values[head])
    for key, value in changes.items():
        put(kept, key, value)
    (sandbox / "params.yaml").unlink()
    with (sandbox / "params.yaml").open("w") as file:
        yaml.dump(kept, file)


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set `train.augment.flip` in nested dictionaries."""
    head, _, rest = key.partition(".")
    if rest:
        values[head] = dict(values.get(head, {}))
        put(values[head], rest, value)
    else:
        values[head] = value


@contextlib.contextmanager
def in_folder(folder: Path):
    """Work in a folder as DVC does, with the stages of this repository importable; one thread, for the same sums."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    sys.path.insert(0, str(ROOT))
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path.remove(str(ROOT))
        torch.set_num_threads(threads)
