"""Composites and one camera: `python benchmarks/composites.py` (results/composites.md).

Cut-out photographs of objects (Debian's tuxpaint-stamps-default) lie on photographs. No two pictures are copies, so
every copy that is found is a false one. Three questions:

- Composites: many objects on many grounds, each pair of them once. How many are called copies?
- Small scenes: up to 20 pictures of one ground. How many pairs of one scene are in one leak group?
- One camera: many objects before one ground. Do all splits have every class?
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from photographs import SHARED, real, sources
from PIL import Image, ImageOps
from relation_edits import Random
from relation_scenes import FAMILIES, camera, put
from tables import Table, write_page

from curation import tables
from curation.dedupe.image_arrays import from_frame
from curation.dedupe.near_duplicates import Summary, find
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.images.ingest import ingest_folder
from curation.params import Params

ROOT = Path(__file__).parent.parent
SIZE = (320, 240)
Materials = tuple[list[Image.Image], list[Image.Image]]  # grounds, objects
CLASSES = 10
QUESTIONS = ("composites", "scenes", "camera")


def objects(root: Path) -> list[Image.Image]:
    """All cut-out photographs, RGBA, without what is transparent around them."""
    found = []
    for file in sorted(file for family in FAMILIES for file in (root / "tuxpaint/stamps" / family).rglob("*.png")):
        if "cartoon" in str(file) or "_mirror" in file.name:
            continue
        with Image.open(file) as image:
            one = image.convert("RGBA")
        if inside := one.getchannel("A").getbbox():
            found.append(one.crop(inside))
    return found


def grounds(root: Path) -> list[Image.Image]:
    """The photographs at SIZE."""
    photographs = [image for kind in real(root).values() for image in kind] or sources()
    return [ImageOps.fit(image, SIZE) for image in photographs]


def composite(ground: Image.Image, thing: Image.Image, random: Random) -> Image.Image:
    """An object of 20 to 60% of the height somewhere on a ground, as a camera takes it."""
    factor = random.uniform(0.2, 0.6) * SIZE[1] / max(thing.size)
    sides = [max(4, round(side * factor)) for side in thing.size]
    return camera(put(ground, thing.resize((sides[0], sides[1])), random), random)


def write(folder: Path, chosen: list[tuple[Image.Image, Image.Image, str]], random: Random) -> None:
    """Write one composite for each ground, object and name."""
    for ground, thing, name in chosen:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        composite(ground, thing, random).save(path, quality=int(random.integers(80, 96)))


def search(folder: Path) -> tuple[pd.DataFrame, Summary, float]:
    """DUPLICATES of a folder by path, what the search says of itself, and its seconds."""
    images = ingest_folder(folder, Params())
    start = time.perf_counter()
    table, summary = find(from_frame(images), Params().dedupe, ImageFiles(folder))
    path = dict(zip(images["image_id"], images["path"], strict=True))
    table = table.assign(path=table["image_id"].map(path), keeper=table["keeper"].map(path))
    return table.set_index("path"), summary, time.perf_counter() - start


def composites(materials: Materials, count: int, at_once: int, random: Random) -> list[list[object]]:
    """How many composites are called copies. `at_once`: grounds that are searched together."""
    places, things = materials
    pairs = random.permutation(len(places) * len(things))[:count].tolist()
    false, images, compared, seconds = 0, 0, 0, 0.0
    for first in range(0, len(places), at_once):
        some = [(k % len(places), k // len(places), k) for k in pairs if first <= k % len(places) < first + at_once]
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), [(places[ground], things[thing], f"{k:06}.jpg") for ground, thing, k in some], random)
            table, summary, took = search(Path(folder))
        false += int((table["keeper"] != table.index).sum())
        images, compared, seconds = images + len(table), compared + summary.verified, seconds + took
        print(f"{images:,} composites, {compared:,} pairs compared, {false} called copies, {seconds:.0f} s", flush=True)
    return [
        [f"composites of {len(things)} objects on {len(places)} grounds: called copies", f"{false} of {images:,}", "0"],
        ["pairs of them that were compared on their pixels", f"{compared:,}", ""],
        [f"seconds of these searches, {at_once} grounds at a time", f"{seconds:.0f}", ""],
    ]


def small_scenes(materials: Materials, random: Random) -> list[list[object]]:
    """How many pairs of one ground are in one leak group."""
    places, things = materials
    scenes = random.permutation(len(places))[:12].tolist()
    named = []
    for scene in scenes:
        chosen = random.permutation(len(things))[: int(random.integers(5, 21))].tolist()
        named += [(places[scene], things[k], f"{scene:03}-{k:03}.jpg") for k in chosen]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), named, random)
        found = search(Path(folder))[0]
    group = {str(path): str(name) for path, name in found["leak_group"].items()}
    pairs = [(a, b) for a, b in combinations(sorted(group), 2) if a[:3] == b[:3]]
    together = np.mean([group[a] == group[b] for a, b in pairs])
    return [[f"pairs of {len(scenes)} scenes of 5 to 20 pictures in one leak group", f"{together:.3f}", ">= 0.90"]]


def one_camera(materials: Materials, count: int, random: Random) -> list[list[object]]:
    """The classes of each split of a collection before one camera, through the stages."""
    places, things = materials
    ground = places[int(random.integers(len(places)))]
    named = [
        (ground, things[k % len(things)], f"data/raw/class {k % CLASSES}/{k:04}.jpg") for k in range(count)
    ]  # an object that comes again stands elsewhere, at another size
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, named, random)
        for name in ("params.yaml", "dvc.yaml", "stages/behaviour.yaml"):
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        for stage in ("collect", "backbone", "ingest", "dedupe", "cutoff", "split"):
            command = [sys.executable, "-m", f"stages.{stage}"]
            subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
        found = tables.read(root / "data/duplicates.parquet", tables.DUPLICATES)
        splits = tables.read(root / "data/splits.parquet", tables.SPLITS)
    removed = int((found["keeper"] != found["image_id"]).sum())
    sides = {str(split): rows["label"].nunique() for split, rows in splits.groupby("split")}
    sizes = {str(split): len(rows) for split, rows in splits.groupby("split")}
    has = ", ".join(f"{split} {sizes[split]} of {sides[split]} classes" for split in sorted(sides))
    wanted = f"four splits of {CLASSES}"
    return [
        [f"{count} objects before one camera: called copies", f"{removed}", "0"],
        ["splits of that collection", has, wanted],
    ]


def main() -> None:
    """Ask the three questions, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, default=SHARED, help="usr/share of Debian's packages")
    parser.add_argument("--count", type=int, default=3800, help="composites")
    parser.add_argument("--camera", type=int, default=500, help="pictures of one camera")
    parser.add_argument("--at-once", type=int, default=1000, help="grounds whose composites are searched together")
    parser.add_argument("--only", choices=QUESTIONS, help="ask one question, and write no page")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    materials = grounds(options.real), objects(options.real)
    if not materials[1]:
        print(f"{options.real}/tuxpaint does not exist: unpack Debian's tuxpaint-stamps-default, and name --real")
        return
    random = {name: np.random.default_rng((options.seed, number)) for number, name in enumerate(QUESTIONS)}
    parts: dict[str, Callable[[], list[list[object]]]] = {
        "scenes": lambda: small_scenes(materials, random["scenes"]),
        "camera": lambda: one_camera(materials, options.camera, random["camera"]),
        "composites": lambda: composites(materials, options.count, options.at_once, random["composites"]),
    }
    rows: list[list[object]] = []
    for name in [options.only] if options.only else parts:
        found = parts[name]()
        print("\n".join(" | ".join(map(str, row)) for row in found), flush=True)
        rows += found
    load = os.getloadavg()[0]
    about = f"seed {options.seed}, load {load:.0f}. `python benchmarks/composites.py --count {options.count}`"
    table = Table(["what", "number", "asked for"], rows)
    write_page("composites", "Composites, scenes and one camera", about, [table], keep=not options.only)


if __name__ == "__main__":
    main()
