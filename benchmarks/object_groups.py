"""Test accuracy against the accuracy on new objects, with and without `group` in the metadata.

    python benchmarks/object_groups.py [--share /usr/share] [--seeds 3] [--epochs 25]

The objects are the cut-out photographs of Debian's tuxpaint-stamps-default, each put on parts of photographs (Debian's
backgrounds) many times. A quarter of the objects of each class are new: they lie in data/benchmark/new, and the rest in
data/raw with their object's name as `group`. Each project goes through ingest, dedupe, cutoff and split; a network is
trained on train and predicts test and the new objects. A test that shares objects with train says too much.
Writes benchmarks/results/object_groups.md.
"""

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).parent))
from tables import Table, write_page

from curation.decisions.log import read_reviews
from curation.dedupe.near_duplicates import find_duplicates
from curation.images.ingest import ingest
from curation.images.store.pixel_store import write_store
from curation.images.store.pixels import Pixels
from curation.model.base_model import make_backbone
from curation.params import Params
from curation.params.loading import parse
from curation.predict.held_out import train_and_predict
from curation.selection.cutoff import select
from curation.selection.split import split

CLASSES = {
    "bird": "animals/birds", "mammal": "animals/mammals", "fruit": "food/fruit", "vegetable": "food/vegetables",
    "flower": "plants/flowers", "sign": "town/roadsigns", "money": "symbols/money", "clothes": "clothes",
    "household": "household", "vehicle": "vehicles",
}  # fmt: skip
SIDE, SIZE, NEW = 96, 64, 0.25
Random = np.random.Generator


def main() -> None:
    """Make one project a seed, and split and train it twice."""
    asked = _arguments()
    stamps = asked.share / "tuxpaint/stamps"
    if not stamps.exists():
        print(f"skipped: no {stamps}. apt-get install tuxpaint-stamps-default mate-backgrounds, or name --share FOLDER")
        return
    rows = []
    for seed in range(asked.seeds):
        with tempfile.TemporaryDirectory(prefix="object-groups-") as folder:
            os.chdir(folder)
            make_project(stamps, grounds_of(asked.share), asked.each, np.random.default_rng(seed))
            for group_by in ([], ["group"]):
                rows.append([seed, *measured(group_by, seed, asked)])
                print(rows[-1], flush=True)
            os.chdir("/")
    report(rows, asked)


def objects_of(folder: Path) -> list[Image.Image]:
    """The cut-out photographs below a folder, RGBA, without their margins."""
    files = [
        file for file in sorted(folder.rglob("*.png")) if "cartoon" not in str(file) and "_mirror" not in str(file)
    ]
    found = [Image.open(file).convert("RGBA") for file in files]
    return [one.crop(inside) for one in found if (inside := one.getchannel("A").getbbox())]


def grounds_of(share: Path) -> list[Image.Image]:
    """Photographs that the objects are put on."""
    files = sorted(file for kind in ("jpg", "png") for file in (share / "backgrounds").rglob(f"*.{kind}"))
    found = []
    for file in files[:80]:
        with Image.open(file) as image:
            found.append(ImageOps.contain(image.convert("RGB"), (500, 500)))
    return found


def make_project(stamps: Path, grounds: Sequence[Image.Image], each: int, random: Random) -> None:
    """Write data/raw with a metadata.csv that names the objects, and data/benchmark/new."""
    lines = []
    for label, folder in CLASSES.items():
        objects = objects_of(stamps / folder)
        fresh = set(random.permutation(len(objects))[: round(NEW * len(objects))].tolist())
        for number, thing in enumerate(objects):
            for _ in range(each):
                place = Path(f"data/benchmark/new/{label}" if number in fresh else f"data/raw/{label}")
                path = place / f"{random.integers(10**9):09}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                composed(thing, grounds, random).save(path)
                if number not in fresh:
                    lines.append([path.relative_to("data/raw").as_posix(), f"{label} {number}"])
    with Path("data/raw/metadata.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file_name", "group"], *lines])


def composed(thing: Image.Image, grounds: Sequence[Image.Image], random: Random) -> Image.Image:
    """An object, turned, resized and mirrored, somewhere on a part of a photograph."""
    ground = grounds[int(random.integers(len(grounds)))]
    side = int(random.integers(140, min(ground.size) + 1))
    x, y = (int(random.integers(0, length - side + 1)) for length in ground.size)
    out = ground.crop((x, y, x + side, y + side)).resize((SIDE, SIDE))
    scale = random.uniform(0.55, 0.9) * SIDE / max(thing.size)
    one: Image.Image = thing.resize((max(6, int(thing.width * scale)), max(6, int(thing.height * scale))))
    one = one.rotate(random.normal(0, 12), expand=True, resample=Image.Resampling.BICUBIC)
    one = ImageOps.mirror(one) if random.random() < 0.5 else one
    x, y = (int(random.integers(0, max(1, SIDE - length))) for length in one.size)
    out.paste(one, (x, y), one.getchannel("A"))
    return out


def measured(group_by: list[str], seed: int, asked: argparse.Namespace) -> list[object]:
    """Split and train once: columns of the table."""
    params = settings(group_by, seed, asked)
    images = ingest(Path(), params)
    selection = select(images, find_duplicates(images, params.dedupe), read_reviews(Path("none.csv")), params)
    splits = split(selection, params, {}).merge(
        images[["image_id", "path", "group"]].rename(columns={"group": "object"})
    )
    write_store(splits[["image_id", "path", "turn"]], Path("data/pixels"), Path("caches"), SIZE, params.resize)
    make_backbone(params, Path(params.base_model))
    train, test = (splits[splits["split"] == name] for name in ("train", "test"))
    new = splits[splits["benchmark_set"] == "new"]
    classes = tuple(sorted(train["label"].unique()))
    held = train_and_predict(train, pd.concat([test, new]), classes, Pixels(Path("data/pixels")), params)
    right = pd.Series(held.right, index=held.image_ids)
    of_test, of_new = (right.reindex(rows["image_id"]).dropna().mean() for rows in (test, new))
    shared = len(set(test["object"]) & set(train["object"]))
    sizes = [len(train), len(test), test["object"].nunique(), shared]
    return ["none" if not group_by else "group", *sizes, of_test, of_new, 100 * (of_test - of_new)]


def settings(group_by: list[str], seed: int, asked: argparse.Namespace) -> Params:
    """The parameters of one project: no val, and a test large enough to measure a few points."""
    shares = {"val": 0, "min_val": 0, "test": 0.3, "benchmark": 0, "salt": str(seed), "group_by": group_by}
    return parse(
        {
            "arch": asked.arch, "image_size": SIZE, "epochs": asked.epochs, "lr": 0.002, "seed": seed,
            "cutoff": {"min": 10, "max": 100_000}, "split": shares, "dedupe": {"policy": "none"},
            "train": {"checks": False, "patience": 0, "device": asked.device}, "backbone": {"stem": "half"},
        }
    )  # fmt: skip


def report(rows: list[list[object]], asked: argparse.Namespace) -> None:
    """Write the page."""
    frame = pd.DataFrame(rows)
    gaps = {str(name): part[8] for name, part in frame.groupby(1)}
    about = (
        f"{len(CLASSES)} classes, {asked.each} pictures an object, {asked.arch} from random weights at {SIZE} px,\n"
        f"{asked.epochs} epochs; test 30%, no val. A quarter of the objects of each class are new.\n"
        "`python benchmarks/object_groups.py`"
    )
    header = ["seed", "group_by", "train", "test", "test objects", "of them in train"]
    header += ["test accuracy", "on new objects", "gap, points"]
    notes = "\n".join(
        f"`group_by: {name}`: test says {values.mean():+.1f} points more than new objects, on average of {len(values)} "
        f"seeds (from {values.min():+.1f} to {values.max():+.1f})."
        for name, values in sorted(gaps.items(), reverse=True)
    )
    write_page("object_groups", "Groups of the metadata: test against new objects", about, [Table(header, rows)], notes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=Path, default=Path("/usr/share"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--each", type=int, default=12, help="pictures of each object")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--arch", default="shufflenet_v2_x0_5")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
