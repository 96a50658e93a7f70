"""Real projects in temporary folders: the repository as it stands, with DVC, git, torch and (where asked) FiftyOne.

One demo project is made and run once a session, for all workers. Each module of demo/ works in a copy of its own, so
that it can run alone, and in any order.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from factories.projects import BIN, Repository, start_git
from filelock import FileLock

ROOT = Path(__file__).parents[2]
SEED = "20263"
KEPT_DATA = {"data/.gitignore", "data/audits.json", "data/reviews.csv", "data/benchmark_renewals.csv"}
QUICK = {"epochs: 20": "epochs: 8", "bootstrap: 1000": "bootstrap: 50"}


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


def clone(folder: Path, **extra: str) -> Repository:
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
    project = Repository(folder, environment(home, **extra))
    start_git(folder)
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
def make_clone(tmp_path_factory: pytest.TempPathFactory, mongod_uri: str) -> Callable[[str], Repository]:
    """Make a clone by name; each has a FiftyOne database of its own."""

    def make(name: str) -> Repository:
        folder = tmp_path_factory.mktemp(name) / "project"
        folder.mkdir()
        return clone(folder, **database(mongod_uri, f"pipeline_{name}"))

    return make


@pytest.fixture(scope="session")
def finished(make_clone: Callable[[str], Repository], tmp_path_factory: pytest.TempPathFactory) -> Path:
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
def copy_of(tmp_path_factory: pytest.TempPathFactory, mongod_uri: str) -> Callable[[Path], Repository]:
    """Copy a project: what git, DVC and the caches know of it comes along; DVC's cached files are links."""

    def make(root: Path) -> Repository:
        folder = tmp_path_factory.mktemp("copy")
        shutil.copytree(
            root, folder / "project", symlinks=True, ignore=shutil.ignore_patterns("tmp"), copy_function=_copy
        )
        (folder / "home").mkdir()
        env = environment(folder / "home", **database(mongod_uri, f"pipeline_{folder.name}"))
        return Repository(folder / "project", env)

    return make


@pytest.fixture(scope="module")
def demo(finished: Path, copy_of: Callable[[Path], Repository]) -> Repository:
    """A finished demo project of this module's own."""
    return copy_of(finished)


def _copy(source: str, target: str) -> None:
    """Copy a file with its times; link what DVC keeps in its cache, as nobody writes there."""
    if "/.dvc/cache/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
