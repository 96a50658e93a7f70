"""How fast `curate identify` is beside the bare forward pass, and how much memory it takes.

    python benchmarks/identify.py [--only speed|many|million]

speed: the whole command, on one model that is slower than its JPEGs and one that is faster, beside the forward pass
alone on tensors in memory and beside decoding alone, all on the same cores. many: 100,000 JPEGs, memory over time, and
SIGKILL in the middle. million: what a million files that are known already take. Each keeps its figures in
results/identify.json; together they make results/identify.md.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from curation.engine import mapping
from curation.images.image_measures import Settings
from curation.images.store.model_input import ModelInput
from curation.pool.file_sources import items
from curation.predict.decode import Decoder, Item, failed
from curation.predict.model_lookup import open_model
from curation.predict.score_files import STEP
from curation.predict.score_parts import Parts
from curation.project import Project

sys.path.insert(0, str(Path(__file__).parent))
from tables import RESULTS, Table, write_page

SECONDS = 8.0
CLASSES = tuple(f"class {number}" for number in range(20))
FACTS = RESULTS / "identify.json"
SPEED_NOTE = (
    "Images/s of wall time. Bare forward: the same network on float tensors in memory, the better of batches of 32 and "
    "128. Decoding: reading, decoding, hashing and measuring in two processes, no more. Both in turn: what a CPU can "
    "reach that has to do both; a GPU works beside the decoding. Start: a run with one image, not in the figures."
)
MILLION = """
import sys; from pathlib import Path; from curation.predict.decode import Item
from curation.pool.identify_folder import identify_items; from curation.predict.model_lookup import open_model
from curation.params import Params; from curation.project import Project
items = [Item(f"photos/{n // 1000:04d}/{n:09d}.jpg", f"123456-17000000{n:09d}") for n in range(int(sys.argv[1]))]
print(identify_items(items, open_model(Path("m.safetensors")), Params(), Path("out.parquet"), Project(Path())).scored)
"""


@dataclass(frozen=True)
class Case:
    """A model, its input size, and the JPEGs it is given."""

    arch: str
    size: int
    images: int
    pixels: int

    def part(self, share: float) -> "Case":
        """The same with fewer images."""
        return replace(self, images=max(round(self.images * share), 64))


LIMITS = {
    "the forward pass is the limit": Case("resnet18", 224, 1_500, 256),
    "decoding is the limit": Case("mobilenet_v3_small", 32, 6_000, 640),
}
MANY = Case("mobilenet_v3_small", 32, 100_000, 64)


def main() -> None:
    """Measure what is asked for, and write the page of all that has been measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["speed", "many", "million"])
    parser.add_argument("--scratch", type=Path, help="Where the images are made.")
    parser.add_argument("--share", type=float, default=1.0, help="Of the images, to try it out.")
    asked = parser.parse_args()
    facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {}
    for name, measure in (("speed", speed), ("many", many), ("million", million)):
        if asked.only in {None, name}:
            with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
                facts[name] = measure(Path(folder), asked.share)
            FACTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    page(facts)


def speed(folder: Path, share: float) -> list[list[str]]:
    """One row for each limit: the two alone, both one after the other, and the command."""
    rows = []
    for name, whole_case in LIMITS.items():
        here, case = folder / name, whole_case.part(share)
        checkpoint = make(here, case)
        forward, decoding = time_forward(checkpoint, case), time_decoding(here / "photos", case)
        first = min((here / "photos").iterdir())
        start, whole = time_identify(here, f"photos/{first.name}"), time_identify(here, "photos")
        ours = (case.images - 1) / (whole - start)
        both = 1 / (1 / forward + 1 / decoding)
        setting = f"{case.arch} at {case.size}, {case.images:,} JPEGs of {case.pixels} px"
        figures = [f"{value:.0f}" for value in (forward, decoding, both, ours)]
        shares = [f"{ours / min(forward, decoding):.2f}", f"{ours / both:.2f}"]
        rows.append([name, setting, *figures, *shares, f"{start:.1f} s"])
        print(*rows[-1], flush=True)
    return rows


def many(folder: Path, share: float) -> dict[str, Any]:
    """100,000 images, killed in the middle and started again: memory on the way, and what was scored twice."""
    case = MANY.part(share)
    checkpoint = make(folder, case)
    parts = Parts.of(Project(folder).cache("identify"), open_model(checkpoint), Settings(), "files")
    began = time.monotonic()
    memory: list[float] = []
    run = subprocess.Popen(command("photos"), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watch(run, memory, lambda: len(parts.all()) * 128 >= case.images * 0.4)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    kept = len(parts.seen())
    again = subprocess.Popen(command("photos"), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    watch(again, memory, lambda: False)
    told = json.loads(again.communicate()[0])[0]
    assert told["images"] == case.images, told
    assert not list(parts.folder.glob("*.partial")), "a half-written batch was left"
    tenths = [f"{memory[len(memory) * tenth // 10]:.0f}" for tenth in range(1, 10)]
    return {
        "images": case.images,
        "seconds": time.monotonic() - began,
        "memory": tenths,
        "peak": max(memory),
        "killed at": kept,
        "scored again": told["scored now"] - (case.images - kept),
    }


def million(folder: Path, share: float) -> dict[str, float]:
    """Memory and seconds of a run that finds a million files, all scored before."""
    count = round(1_000_000 * share)
    checkpoint = make(folder, Case("mobilenet_v3_small", 32, 1, 64)).rename(folder / "m.safetensors")
    parts = Parts.of(Project(folder).cache("identify"), open_model(checkpoint), Settings(), "files")
    rng = np.random.default_rng(0)
    for numbers in mapping.chunks(range(count), 1_000):
        found = [Item(f"photos/{n // 1000:04d}/{n:09d}.jpg", f"123456-17000000{n:09d}") for n in numbers]
        done = [failed(item, "") for item in found]
        done = [type(one)(one.item, one.image_id, None, one.measured, "") for one in done]
        parts.write(done, rng.normal(size=(len(done), len(CLASSES))), rng.normal(size=(len(done), 64)))
    began = time.monotonic()
    memory: list[float] = []
    run = subprocess.Popen([sys.executable, "-c", MILLION, str(count)], cwd=folder, stdout=subprocess.PIPE)
    watch(run, memory, lambda: False)
    assert int(run.communicate()[0]) == 0
    return {"files": count, "peak": max(memory), "seconds": time.monotonic() - began}


def page(facts: dict[str, Any]) -> None:
    """Write results/identify.md from all figures there are."""
    header = [
        "",
        "images",
        "bare forward",
        "decoding",
        "both in turn",
        "`curate identify`",
        "of its limit",
        "of both",
        "start",
    ]
    tables = [Table(header, facts["speed"])] if "speed" in facts else []
    notes = [SPEED_NOTE] if "speed" in facts else []
    if many := facts.get("many"):
        notes.append(
            f"{many['images']:,} JPEGs of {MANY.pixels} px through {MANY.arch} at {MANY.size}, two workers: "
            f"{many['seconds']:.0f} s with a SIGKILL after {many['killed at']:,}; {many['scored again']} images that "
            f"were on disk were scored twice. Memory of all processes in MB, at each tenth of the time: "
            f"{', '.join(many['memory'])}; at most {many['peak']:.0f}."
        )
    if million := facts.get("million"):
        notes.append(
            f"{million['files']:,} files that were all scored before: {million['peak']:.0f} MB at most, "
            f"{million['seconds']:.0f} s to tell so and to write the table."
        )
    about = "Made by `python benchmarks/identify.py`."
    write_page("identify", "`curate identify`: speed and memory", about, tables, "\n\n".join(notes))


def make(folder: Path, case: Case) -> Path:
    """Write an untrained checkpoint (as fast as a trained one) and JPEGs of smooth noise: 200 that differ, then copies.

    The copies have bytes of their own after the end of the image, so that none is known by its content.
    """
    from curation.model.backbone import Spec, build
    from curation.model.checkpoint import save
    from curation.model.header import Header

    photos, path = folder / "photos", folder / "candidate.safetensors"
    photos.mkdir(parents=True)
    state = build(Spec(case.arch, case.size), len(CLASSES)).state_dict()
    save(path, state, Header(case.arch, CLASSES, case.size, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)))
    rng = np.random.default_rng(0)
    sides = (case.pixels, case.pixels * 3 // 4)
    for number in range(case.images):
        file = photos / f"{number:06d}.jpg"
        if number < 200:
            noise = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
            noise.resize(sides, Image.Resampling.BICUBIC).save(file, quality=88)
        else:
            file.write_bytes((photos / f"{number % 200:06d}.jpg").read_bytes() + number.to_bytes(4, "big"))
    return path


def time_forward(checkpoint: Path, case: Case) -> float:
    """Images/s of the network alone, on tensors in memory."""
    import torch

    from curation.model.checkpoint import restore
    from curation.model.device import choose

    place = choose().torch
    model = restore(checkpoint)[1].eval().to(place).to(memory_format=torch.channels_last)
    best = 0.0
    for size in (STEP, 128):
        batch = torch.rand(size, 3, case.size, case.size).to(place).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            model(batch)
            began = time.perf_counter()
            rounds = 0
            while time.perf_counter() - began < SECONDS:
                model(batch).cpu()
                rounds += 1
        best = max(best, rounds * size / (time.perf_counter() - began))
    return best


def time_decoding(folder: Path, case: Case) -> float:
    """Images/s of reading, decoding, hashing and measuring alone, one process a core."""
    found = items(str(folder))
    list(mapping.run(Length(case.size), found[:64], chunk=1))
    began = time.perf_counter()
    assert sum(mapping.run(Length(case.size), found)) == len(found)
    return len(found) / (time.perf_counter() - began)


@dataclass(frozen=True)
class Length:
    """Decodes an image as identify does, and gives back next to nothing."""

    size: int

    def __call__(self, item: Item) -> bool:
        """Whether it could be read."""
        return Decoder(ModelInput(self.size), Settings())(item).pixels is not None


def command(place: str) -> list[str]:
    """The command line that is measured."""
    tool = [sys.executable, "-c", "from curation.cli.main import app; app()", "identify", place, "--workers", "2"]
    return [*tool, "--model", "candidate.safetensors", "--out", "out.parquet", "--json"]


def time_identify(folder: Path, place: str) -> float:
    """Seconds of the whole command, with nothing known before."""
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    began = time.perf_counter()
    subprocess.run(command(place), cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - began


def watch(run: subprocess.Popen[bytes], memory: list[float], enough: Callable[[], bool]) -> None:
    """Note the memory of a process and its children, in MB, until it ends or that is enough."""
    while run.poll() is None and not enough():
        memory.append(sum(map(resident, family(run.pid))) / 1e6)
        time.sleep(0.5)


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        try:
            todo += [int(text) for text in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
        except OSError:
            continue
    return found


def resident(pid: int) -> float:
    """Proportional memory of a process in bytes: pages that it shares count in part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024.0 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0.0


if __name__ == "__main__":
    main()
