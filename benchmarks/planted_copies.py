"""Planted copies of photographs, found again: `python benchmarks/planted_copies.py` (results/planted_copies.md).

Each second photograph gets twelve changed copies. A copy counts as found when it shares a star with its original; a
twin counts as right when its keeper shows the same photograph. `--photos FOLDER` takes photographs of your own; without
it those of benchmarks/photographs.py are used, from seeds that the thresholds were not chosen on.
"""

import argparse
import datetime
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from photographs import photograph, sources
from PIL import Image, ImageDraw, ImageEnhance

from curation.dedupe.find import find
from curation.dedupe.pictures import from_frame
from curation.images.ingest import ingest_folder
from curation.params import Params

OUT = Path("benchmarks/results/planted_copies.md")
Turn = Image.Transpose
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
    """Write every photograph, and the copies of every second."""
    for number, image in enumerate(pictures):
        image.save(folder / f"{number:04d}.png")
        for kind, save in PLANTS.items() if number % 2 == 0 else ():
            suffix = "png" if save is deep else "jpg"
            save(image, folder / f"{number:04d}-{kind}.{suffix}")


def score(images: pd.DataFrame, table: pd.DataFrame) -> tuple[dict[str, float], float]:
    """Recall of each kind of copy, and the precision of all twins."""
    frame = table.merge(images[["image_id", "path"]], on="image_id")
    parts = frame["path"].str.rsplit(".", n=1).str[0].str.split("-", n=1)
    frame["photograph"], frame["kind"] = parts.str[0], parts.str[1].fillna("")
    shows = frame.set_index("image_id")["photograph"]
    twins = frame[frame["keeper"] != frame["image_id"]]
    precision = float((twins["keeper"].map(shows) == twins["photograph"]).mean())
    original = frame[frame["kind"] == ""].set_index("photograph")["keeper"]
    copies = frame[frame["kind"] != ""]
    found = copies["keeper"] == copies["photograph"].map(original)
    return {kind: float(found[copies["kind"] == kind].mean()) for kind in PLANTS}, precision


def main() -> None:
    """Plant, search, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=120, help="photographs made")
    parser.add_argument("--photos", type=Path, help="a folder of your own photographs instead")
    options = parser.parse_args()
    if options.photos:
        files = sorted(file for file in options.photos.rglob("*") if file.suffix.lower() in SUFFIXES)
        pictures = [Image.open(file).convert("RGB") for file in files]
        for picture in pictures:
            picture.thumbnail((1024, 1024))
    else:
        originals = sources()
        pictures = [photograph(originals, 10_000 + seed) for seed in range(options.count)]
    with tempfile.TemporaryDirectory() as scratch:
        plant(Path(scratch), pictures)
        images = ingest_folder(Path(scratch), Params())
    clock = time.perf_counter()
    table, summary = find(from_frame(images), Params().dedupe)
    spent = time.perf_counter() - clock
    recall, precision = score(images, table)
    whole = sum(recall.values()) / len(recall)
    lines = [f"| {kind} | {share:.3f} |" for kind, share in recall.items()]
    today = datetime.datetime.now(tz=datetime.UTC).date()
    text = (
        "# Planted copies of photographs\n\n"
        f"`python benchmarks/planted_copies.py`: {today}, {platform.machine()}, 2 cores. "
        f"{len(pictures)} photographs, {len(images)} files, dedupe in {spent:.1f} s.\n\n"
        f"Recall {whole:.3f}, precision of {summary.twins} twins {precision:.3f}.\n\n"
        "| copy | recall |\n|---|---|\n" + "\n".join(lines) + "\n"
    )
    print(text)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
