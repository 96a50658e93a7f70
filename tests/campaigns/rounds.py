"""A small project and the commands of a round in it, for the campaign that kills commands.

Two classes of 50 drawn shapes, a pool of 16, no review in FiftyOne: a round takes about a minute on an idle core.
"""

import hashlib
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
from factories.projects import BIN, Repository
from PIL import Image, ImageDraw
from pipeline.conftest import clone

from curation.decisions.log import read_reviews
from curation.decisions.order import REVIEW_COLUMNS
from curation.files.whole_files import SUFFIX

SHAPES = ("bar", "disc")
REVIEWS = Path("data/reviews.csv")
TIMED = {f"models/{name}" for name in ("versions.jsonl", "production.md", "production.json")} | {
    "reports/report.html"
}  # they say when a version was made
QUICK = {"epochs: 20": "epochs: 1", "bootstrap: 1000": "bootstrap: 20", "arch: resnet18": "arch: shufflenet_v2_x0_5"}


def make_project(folder: Path) -> Repository:
    """The project, committed, before its first round."""
    folder.mkdir(parents=True)
    project = clone(folder / "project")
    draw = np.random.default_rng(0)
    for number in range(116):
        shape = SHAPES[number % 2]
        place = Path("raw", shape) if number < 100 else Path("unlabelled")
        path = project.root / "data" / place / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        _picture(shape, draw).save(path)
    text = (project.root / "params.yaml").read_text(encoding="utf-8")
    for old, new in QUICK.items():
        text = text.replace(old, new)
    (project.root / "params.yaml").write_text(text, encoding="utf-8")
    project.run("dvc", "add", "-q", "data/raw", "data/unlabelled")
    project.commit("Start")
    return project


def copy(project: Repository, folder: Path) -> Repository:
    """The project in another folder, with what DVC and git know of it."""
    shutil.copytree(project.root, folder, symlinks=True)
    return Repository(folder, project.env)


def start(project: Repository, command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own; what it says goes into `log`."""
    program = BIN / command[0]
    with log.open("wb") as said:
        return subprocess.Popen(
            [program, *command[1:]], cwd=project.root, env=dict(project.env), stdout=said, stderr=said,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started by SIGKILL, as a power cut would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def fingerprint(project: Repository) -> dict[str, str]:
    """What a round has made: the MD5 of every table, model, image and page, and the decisions without their times."""
    found = {}
    for top in ("data", "models", "reports"):
        for path in sorted((project.root / top).rglob("*")):
            name = path.relative_to(project.root)
            if path.is_file() and name != REVIEWS and str(name) not in TIMED:
                found[str(name)] = hashlib.md5(path.read_bytes()).hexdigest()
    columns = [name for name in REVIEW_COLUMNS if name != "decided_at"]
    rows = read_reviews(project.root / REVIEWS)[columns].astype(str).agg("|".join, axis=1)
    return found | {f"decision {number}": row for number, row in enumerate(sorted(rows))}


def decisions(project: Repository) -> list[str]:
    """The lines of the log."""
    path = project.root / REVIEWS
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def leftovers(project: Repository) -> list[str]:
    """Drafts of half-written files; no command may leave one behind once it was run again."""
    places = [project.root / top for top in ("data", "models", "reports", "stages")]
    return sorted(str(path.relative_to(project.root)) for top in places for path in top.rglob(f"*{SUFFIX}*"))


def _picture(shape: str, draw: np.random.Generator) -> Image.Image:
    image = Image.fromarray(draw.integers(0, 90, (36, 48, 3), dtype=np.uint8))
    x, y, size = draw.integers(4, 20), draw.integers(3, 12), draw.integers(10, 20)
    box = (x, y, x + size, y + size) if shape == "disc" else (x, y, x + size // 4, y + size + 6)
    colour = tuple(int(value) for value in draw.integers(120, 255, 3))
    pen = ImageDraw.Draw(image)
    (pen.ellipse if shape == "disc" else pen.rectangle)(box, fill=colour)
    return image
