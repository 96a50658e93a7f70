"""What becomes of a training run that is killed, goes on for long, or is stopped by Ctrl-C.

    python benchmarks/endurance.py [--kills 10] [--epochs 8] [--long 25]

The stage `train` on scikit-learn's digits, as DVC runs it, in processes of its own. (1) A run is ended by SIGKILL at
random moments, again and again, and its weights compared byte by byte with those of a run that nobody touched. (2) The
memory a longer run holds after each epoch. (3) What a run leaves behind when it is stopped by Ctrl-C. Writes
benchmarks/results/endurance.md.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from project import write_project
from tables import Table, write_page

ROOT = Path(__file__).resolve().parents[1]
CANDIDATE, STATE = Path("models/candidate.safetensors"), Path(".cache/curation/train")
KNOBS = {"ema": 0.99, "patience": 0, "checks": False}


def main() -> None:
    """Run all three in a temporary folder, write the page."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="endurance-") as folder, chdir(folder):
        make_project(asked)
        whole, seconds = uninterrupted(asked.epochs)
        kills, same = killed(asked.kills, seconds, whole)
        memory = by_epoch(asked.long)
        left = interrupted()
    tables = [
        Table(["killed", "seconds after its start", "epochs finished by then"], kills, "SIGKILL"),
        Table(["after epoch", "MiB resident"], memory, f"A run of {asked.long} epochs"),
    ]
    verdict = "are those" if same else "are NOT those"
    spread = max(size for _, size in memory[4:]) - min(size for _, size in memory[4:])
    about = (
        f"The stage `train` on 1,437 of scikit-learn's digits at 32 px, {asked.arch}, {asked.epochs} epochs "
        f"({seconds:.0f} s uninterrupted), EMA on. `python benchmarks/endurance.py`"
    )
    notes = (
        f"After {len(kills)} kills the final weights {verdict} of the uninterrupted run, byte by byte.\n\n"
        f"From epoch 5 on, memory moves by {spread:.0f} MiB.\n\nAfter Ctrl-C: {left}."
    )
    write_page("endurance", "Killed, long and interrupted runs", about, tables, notes)


def make_project(asked: argparse.Namespace) -> None:
    """The digits with their splits, params.yaml and a backbone."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = [
        np.kron((picture * 15.9).astype(np.uint8), np.ones((4, 4), np.uint8)) for picture in pixels.reshape(-1, 8, 8)
    ]
    sides = np.where(np.arange(len(labels)) % 5 == 0, "val", "train")
    write_project(images, [str(label) for label in labels], sides.tolist(), 32)
    configure(asked.epochs, asked.arch)
    subprocess.run([sys.executable, "-m", "stages.backbone"], env=environment(), check=True, capture_output=True)


def configure(epochs: int, arch: str | None = None) -> None:
    """Write params.yaml; JSON is YAML."""
    path = Path("params.yaml")
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"arch": arch, "train": KNOBS}
    path.write_text(json.dumps({**known, "epochs": epochs}), encoding="utf-8")


def uninterrupted(epochs: int) -> tuple[bytes, float]:
    """The weights of a run that nobody touches, and how long it takes."""
    configure(epochs)
    begun = time.monotonic()
    with training() as process:
        process.wait()
    return take_candidate(), time.monotonic() - begun


def killed(kills: int, seconds: float, whole: bytes) -> tuple[list[tuple[object, ...]], bool]:
    """Kill at moments drawn from the length of the whole run, then let it end; tell whether the weights are the same.

    A run that ends before its moment has come is started anew: only kills count.
    """
    draw = random.Random(0)
    told: list[tuple[object, ...]] = []
    same = True
    while len(told) < kills:
        with training() as process:
            wait = draw.uniform(0, seconds)
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.kill()
                told.append((len(told) + 1, f"{wait:.1f}", epochs_finished()))
        if CANDIDATE.exists():
            same = same and take_candidate() == whole
    with training() as process:
        process.wait()
    return told, same and take_candidate() == whole


def by_epoch(epochs: int) -> list[tuple[int, float]]:
    """Resident MiB after every epoch."""
    configure(epochs)
    found: list[tuple[int, float]] = []
    with training() as process:
        for line in process.stderr or []:
            if line.startswith("epoch ") and "val loss" in line:
                pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
                found.append((len(found) + 1, pages * os.sysconf("SC_PAGE_SIZE") / 2**20))
    take_candidate()
    return found


def interrupted() -> str:
    """What is left of a run after Ctrl-C in its second epoch."""
    before = set(Path().rglob("*"))
    with training() as process:
        next(line for line in process.stderr or [] if line.startswith("epoch 1/"))
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        alive = subprocess.run(["pgrep", "-g", str(process.pid)], check=False, capture_output=True).stdout.split()
    new = [path for path in set(Path().rglob("*")) - before if path.is_file() and STATE not in path.parents]
    named = ", ".join(sorted(str(path) for path in new)) or "no file"
    return f"exit code {process.returncode}, {len(alive)} processes left, {named} left but the state it resumes from"


def epochs_finished() -> int:
    """Epochs that the state on disk holds."""
    from safetensors import safe_open

    found = 0
    for path in STATE.glob("*/state.safetensors"):
        with safe_open(path, framework="np") as file:
            found = json.loads(file.metadata()["run"])["progress"]["epoch"]
    return found


def take_candidate() -> bytes:
    """The checkpoint, which is taken away."""
    found = CANDIDATE.read_bytes()
    CANDIDATE.unlink()
    return found


@contextmanager
def training() -> Iterator[subprocess.Popen[str]]:
    """The stage, started in a process group of its own."""
    command = [sys.executable, "-m", "stages.train"]
    with subprocess.Popen(
        command,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def environment() -> dict[str, str]:
    """This one, with the repository to import from."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--long", type=int, default=25, help="epochs of the run whose memory is watched")
    parser.add_argument("--arch", default="shufflenet_v2_x0_5")
    return parser.parse_args()


if __name__ == "__main__":
    main()
