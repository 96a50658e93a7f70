"""Real projects in temporary folders: the repository as it stands, with DVC, git, torch and (where asked) FiftyOne.

One demo project is made and run once a session, for all workers. Each module of demo/ works in a copy of its own, so
that it can run alone, and in any order.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock
from moving import run_while_it_moves

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SEED = "20263"
KEPT_DATA = {"data/.gitignore", "data/reviews.csv"}
QUICK = {"epochs: 20": "epochs: 8", "bootstrap: 1000": "bootstrap: 50"}


@dataclass
class Project:
    """A clone that commands are run in; `env` is what they see."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command in the project, check its exit code, and give what it printed."""
        return self._run(command, code, subprocess.STDOUT)

    def json(self, *command: str) -> Any:
        """What a command prints on stdout as JSON; what it says to people on stderr is left out."""
        return json.loads(self._run(command, 0, subprocess.DEVNULL))

    def _run(self, command: tuple[str, ...], code: int, stderr: int) -> str:
        program = BIN / command[0]
        line = [program if program.exists() else command[0], *command[1:]]
        done, said = run_while_it_moves(line, self.root, self.env, stderr)
        assert done == code, f"{' '.join(command)} -> {done}\n{said[-6000:]}"
        return said

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables of data/."""
        return pd.read_parquet(self.root / "data" / f"{name}.parquet")

    def commit(self, message: str) -> None:
        """Commit everything that is not ignored."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", message)

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a text in a file; it must be there."""
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1))


def environment(home: Path, **extra: str) -> dict[str, str]:
    """The environment of a person who activated .venv, with a home and an identity of its own."""
    inherited = ("LANG", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    kept = {name: os.environ[name] for name in inherited if name in os.environ}
    who = {"NAME": "Tester", "EMAIL": "tester@example.org"}
    person = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return (
        {"PATH": path, "HOME": str(home), "FIFTYONE_DO_NOT_TRACK": "true", "DVC_NO_ANALYTICS": "true"}
        | kept
        | person
        | extra
    )


def clone(folder: Path, **extra: str) -> Project:
    """The repository's files as they stand, committed to a git of its own."""
    listed = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).exists() and (not name.startswith("data/") or name in KEPT_DATA):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "dvc.lock").unlink(missing_ok=True)
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir()
    project = Project(folder, environment(home, **extra))
    project.run("git", "init", "-q", "-b", "main")
    project.commit("Start")
    return project


def database(uri: str, name: str) -> dict[str, str]:
    """What tells FiftyOne to use the test session's own mongod."""
    return {
        "FIFTYONE_DATABASE_URI": uri,
        "FIFTYONE_DATABASE_NAME": name,
        "FIFTYONE_DATABASE_VALIDATION": "false",
    }


@pytest.fixture(scope="session")
def make_clone(tmp_path_factory: pytest.TempPathFactory, mongod_uri: str) -> Callable[[str], Project]:
    """Make a clone by name; each has a FiftyOne database of its own."""

    def make(name: str) -> Project:
        folder = tmp_path_factory.mktemp(name) / "project"
        folder.mkdir()
        return clone(folder, **database(mongod_uri, f"pipeline_{name}"))

    return make


@pytest.fixture(scope="session")
def finished(make_clone: Callable[[str], Project], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The messy digits of a seed that nobody tuned to, after one `dvc repro`, committed; no test changes this folder.

    Workers share it: the first that asks makes it, and the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "finished-demo"
    with FileLock(shared / "finished-demo.lock"):
        if not made.exists():
            project = make_clone("demo")
            for old, new in QUICK.items():
                project.replace("params.yaml", old, new)
            project.run("curate", "sample", "digits", "--mess", "--seed", SEED)
            project.run("dvc", "add", "-q", "data/raw", "data/unlabelled", "data/benchmark")
            project.run("dvc", "repro")
            project.commit("Round one")
            made.symlink_to(project.root)
    return made.resolve()


@pytest.fixture(scope="session")
def copy_of(tmp_path_factory: pytest.TempPathFactory, mongod_uri: str) -> Callable[[Path], Project]:
    """Copy a project: what git, DVC and the caches know of it comes along; DVC's cached files are links."""

    def make(root: Path) -> Project:
        folder = tmp_path_factory.mktemp("copy")
        shutil.copytree(
            root, folder / "project", symlinks=True, ignore=shutil.ignore_patterns("tmp"), copy_function=_copy
        )
        (folder / "home").mkdir()
        env = environment(folder / "home", **database(mongod_uri, f"pipeline_{folder.name}"))
        return Project(folder / "project", env)

    return make


@pytest.fixture(scope="module")
def demo(finished: Path, copy_of: Callable[[Path], Project]) -> Project:
    """A finished demo project of this module's own."""
    return copy_of(finished)


def _copy(source: str, target: str) -> None:
    """Copy a file with its times; link what DVC keeps in its cache, as nobody writes there."""
    if "/.dvc/cache/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
