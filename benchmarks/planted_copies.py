"""Planted copies of photographs, found again: `python benchmarks/planted_copies.py` (results/planted_copies.md).

Each photograph gets twelve changed copies. A copy counts as found when it shares a star with its original; a twin
counts as right when its keeper shows the same photograph. No threshold was chosen on any of these. Real photographs of
Debian packages (benchmarks/real_photographs.txt; `--real` names the folder that stands for /usr/share): those of
opencv-doc were never looked at in development, some of the desktops' may have been. And photographs that
benchmarks/photographs.py makes, from other seeds than the curve's. These are cut from a few originals: where two show
much of the same part of one, nobody can say whether they are twins, and a twin among them counts neither as right nor
as wrong. (It did count as wrong once: all 13 false twins of 60 photographs were two cuts of one portrait, mirrored,
that share most of it.) `--photos FOLDER` adds photographs of your own.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from photographs import LISTED, SHARED, alike, photograph, real, sources
from PIL import Image, ImageDraw, ImageEnhance
from tables import Table, write_page

from curation.dedupe.image_arrays import from_frame
from curation.dedupe.near_duplicates import find
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.images.ingest import ingest_folder
from curation.params import Params

Turn = Image.Transpose
SEED = 10_000  # the curve is drawn on seeds from 0 on
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def cropped(image: Image.Image) -> Image.Image:
    """Lose 5% of the width and of the height at every edge."""
    wide, high = image.size
    return image.crop((wide // 20, high // 20, wide - wide // 20, high - high // 20))


def marked(image: Image.Image) -> Image.Image:
    """Write a line of text on a half-transparent strip in the lower right corner."""
    layer = image.convert("RGBA")
    strip = Image.new("RGBA", layer.size)
    draw = ImageDraw.Draw(strip)
    wide, high = image.size
    draw.rectangle((wide * 0.72, high * 0.92, wide * 0.98, high * 0.97), fill=(255, 255, 255, 130))
    draw.text((wide * 0.74, high * 0.925), "(c) somebody 2024", fill=(0, 0, 0, 255))
    return Image.alpha_composite(layer, strip).convert("RGB")


def tagged(image: Image.Image, path: Path) -> None:
    """Store the pixels turned, and an EXIF tag that turns them back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Turn.ROTATE_90).save(path, quality=90, exif=exif)


def deep(image: Image.Image, path: Path) -> None:
    """Store 16 bits of grey."""
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(path)


def jpeg(change: Callable[[Image.Image], Image.Image], quality: int = 90) -> Callable[[Image.Image, Path], None]:
    """Save the changed image as JPEG."""
    return lambda image, path: change(image).save(path, quality=quality)


PLANTS: dict[str, Callable[[Image.Image, Path], None]] = {
    "JPEG quality 30": jpeg(lambda image: image, 30),
    "half the size": jpeg(lambda image: image.resize((image.width // 2, image.height // 2))),
    "5% crop": jpeg(cropped),
    "brighter by 30%": jpeg(lambda image: ImageEnhance.Brightness(image).enhance(1.3)),
    "darker by 30%": jpeg(lambda image: ImageEnhance.Brightness(image).enhance(0.7)),
    "mirrored": jpeg(lambda image: image.transpose(Turn.FLIP_LEFT_RIGHT)),
    "upside down": jpeg(lambda image: image.transpose(Turn.ROTATE_180)),
    "turned by 90 degrees": jpeg(lambda image: image.transpose(Turn.ROTATE_90)),
    "EXIF rotation": tagged,
    "grey": jpeg(lambda image: image.convert("L")),
    "16 bits": deep,
    "watermark": jpeg(marked),
}


def plant(folder: Path, pictures: list[Image.Image]) -> None:
    """Write every photograph and its copies."""
    for number, image in enumerate(pictures):
        image.save(folder / f"{number:04d}.png")
        for kind, save in PLANTS.items():
            suffix = "png" if save is deep else "jpg"
            save(image, folder / f"{number:04d}-{kind}.{suffix}")


class Score(NamedTuple):
    """Recall of each kind of copy; twins, and those of them that are right, wrong, or neither."""

    files: int
    seconds: float
    recall: dict[str, float]
    right: int
    wrong: int
    unclear: int

    @property
    def precision(self) -> float:
        """Share of the twins that are right, of those that somebody can judge."""
        return self.right / max(self.right + self.wrong, 1)


def score(pictures: list[Image.Image], unclear: Callable[[int, int], bool]) -> Score:
    """Plant copies, search, and count; unclear: whether nobody can say if two photographs are twins."""
    with tempfile.TemporaryDirectory() as scratch:
        plant(Path(scratch), pictures)
        images = ingest_folder(Path(scratch), Params())
        clock = time.perf_counter()
        table, _ = find(from_frame(images), Params().dedupe, ImageFiles(Path(scratch)))
        seconds = time.perf_counter() - clock
    frame = table.merge(images[["image_id", "path"]], on="image_id")
    parts = frame["path"].str.rsplit(".", n=1).str[0].str.split("-", n=1)
    frame["photograph"], frame["kind"] = parts.str[0].astype(int), parts.str[1].fillna("")
    twins = frame[frame["keeper"] != frame["image_id"]]
    shown = twins["keeper"].map(frame.set_index("image_id")["photograph"])
    other = shown != twins["photograph"]
    open_ = sum(unclear(one, two) for one, two in zip(shown[other], twins["photograph"][other], strict=True))
    original = frame[frame["kind"] == ""].set_index("photograph")["keeper"]
    copies = frame[frame["kind"] != ""]
    found = copies["keeper"] == copies["photograph"].map(original)
    recall = {kind: float(found[copies["kind"] == kind].mean()) for kind in PLANTS}
    return Score(len(images), seconds, recall, int((~other).sum()), int(other.sum()) - open_, open_)


def of_folder(folder: Path) -> list[Image.Image]:
    """Photographs of the user's own, at most 1,024 pixels wide and high."""
    found = []
    for file in sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES):
        found.append(Image.open(file).convert("RGB"))
        found[-1].thumbnail((1024, 1024))
    return found


def table(scores: dict[str, Score]) -> Table:
    """One column a set of photographs."""
    sets = scores.values()
    return Table(
        ["", *scores],
        [
            ["photographs and copies", *(f"{one.files:,}" for one in sets)],
            ["**recall** (at least 0.95)", *(f"**{np.mean(list(one.recall.values())):.3f}**" for one in sets)],
            [
                "**precision** (at least 0.99)",
                *(f"**{one.precision:.3f}**" for one in sets),
            ],
            ["twins: right, wrong, unclear", *(f"{one.right}, {one.wrong}, {one.unclear}" for one in sets)],
            *([f"recall: {kind}", *(one.recall[kind] for one in sets)] for kind in PLANTS),
            ["seconds of dedupe", *(f"{one.seconds:.1f}" for one in sets)],
        ],
    )


def main() -> None:
    """Plant, search, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="photographs made")
    parser.add_argument("--real", type=Path, default=SHARED, help="usr/share of Debian's packages")
    parser.add_argument("--photos", type=Path, help="a folder of your own photographs")
    options = parser.parse_args()
    scores, found = {}, real(options.real)
    for kind, pictures in found.items():
        scores[f"{len(pictures)} real, {kind}"] = score(pictures, lambda *_: False)
    if not found:
        print(f"no real photographs below {options.real}: install the packages that {LISTED.name} names, or use --real")
    if options.photos:
        scores[options.photos.name] = score(of_folder(options.photos), lambda *_: False)
    originals = sources()
    made = [photograph(originals, SEED + number) for number in range(options.count)]
    scores[f"{options.count} made"] = score(made, lambda one, two: alike(len(originals), SEED + one, SEED + two))
    about = "`python benchmarks/planted_copies.py`"
    write_page("planted_copies", "Planted copies of photographs", about, [table(scores)])


if __name__ == "__main__":
    main()
