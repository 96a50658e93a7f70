"""What promotion needs of DVC and git: is this the model that was evaluated, track a file, point params.yaml at it.

dvc.lock tells what `dvc repro` last ran with; reading it is quicker than `dvc status`, and answers the one question
that matters here.
"""

import getpass
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from curation.errors import CurationError
from curation.files import whole

CANDIDATE = "models/candidate.safetensors"
PRODUCTION = "models/production.safetensors"
CALIBRATION = "data/calibration.json"
PREDICTIONS = "data/predictions.parquet"


class ProjectError(CurationError):
    """The repository is not in a state from which a model can be promoted."""


def md5_of(path: Path) -> str:
    """MD5 of a file in hex, as DVC computes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def locked(root: Path) -> dict[str, Any]:
    """The stages of dvc.lock; ProjectError when there is none."""
    path = root / "dvc.lock"
    if not path.exists():
        raise ProjectError(f"{path} does not exist: nothing was run here yet; run `dvc repro`")
    stages: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")).get("stages", {})
    return stages


def check_evaluated(root: Path, candidate_md5: str) -> None:
    """Refuse a candidate that is not the one that the stage evaluate measured, or its outputs of another run."""
    stage = locked(root).get("evaluate", {})
    inputs = {item["path"]: item.get("md5") for item in stage.get("deps", [])}
    outputs = {item["path"]: item.get("md5") for item in stage.get("outs", [])}
    if inputs.get(CANDIDATE) != candidate_md5:
        raise ProjectError(f"{CANDIDATE} is not the model that was evaluated last; run `dvc repro`, then promote")
    for name in (PREDICTIONS, CALIBRATION):
        path = root / name
        if not path.exists() or outputs.get(name) != md5_of(path):
            raise ProjectError(f"{path} is not what the last run wrote; run `dvc repro` or `dvc checkout`")


def tracked_data(root: Path) -> dict[str, str]:
    """What the last run was made from: the data and models that no stage writes, and their hashes."""
    stages = locked(root).values()
    made = {item["path"] for stage in stages for item in stage.get("outs", [])}
    used = {item["path"]: item.get("md5", "") for stage in stages for item in stage.get("deps", [])}
    return {path: md5 for path, md5 in used.items() if path not in made and path.startswith(("data/", "models/"))}


def set_base_model(root: Path, value: str) -> bool:
    """Point `base_model` in params.yaml at `value`, leaving every comment as it is; True when that changed it."""
    path = root / "params.yaml"
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    values = yaml.load(path.read_text(encoding="utf-8"))
    if values.get("base_model") == value:
        return False
    values["base_model"] = value
    with whole(path) as draft:
        yaml.dump(values, draft)
    return True


def dvc(root: Path, *words: str) -> None:
    """Run a dvc command quietly; ProjectError with what it said when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words, "-q"], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProjectError(f"`dvc {' '.join(words)}` failed: {done.stderr.strip() or done.stdout.strip()}")


def git(root: Path, *words: str) -> str | None:
    """Give the output of a git command, None where git is absent or refuses."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def person(root: Path) -> str:
    """Who runs this: git's user, else the login name."""
    name, mail = git(root, "config", "user.name"), git(root, "config", "user.email")
    if name:
        return f"{name} <{mail}>" if mail else name
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def dirty_besides(root: Path, ours: Sequence[str]) -> list[str] | None:
    """Tracked files that differ from the last commit, but for `ours`; None outside of a git repository."""
    status = git(root, "status", "--porcelain", "--untracked-files=no")
    if status is None:
        return None
    return [line for line in (row[2:].strip() for row in status.splitlines()) if line not in ours]
