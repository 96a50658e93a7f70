"""Near-duplicates of Fashion-MNIST, all 70,000 images: `python benchmarks/fashion_twins.py --data FOLDER`.

The reference is brute force over all pixels: pairs within 10 grey levels (root mean square) should be found, and pairs
reported should lie within 16. A pair counts as found when both images share a star. Writes results/fashion_twins.md.
"""

import argparse
import datetime
import io
import platform
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
from fashion import NAMES, USUAL, load
from numpy.typing import NDArray
from PIL import Image

from curation.dedupe.find import find
from curation.dedupe.pictures import from_frame
from curation.images.hashing import orient
from curation.images.measure import Settings, measure
from curation.params import Params

OUT = Path("benchmarks/results/fashion_twins.md")
FOUND_WITHIN, TRUE_WITHIN = 10, 16


def table_of(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> pd.DataFrame:
    """Measure the images as ingest does."""
    rows = []
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        facts = {"image_id": f"{number:032x}", "source": "raw", "label": NAMES[label], "origin": "real"}
        measures = measure(buffer.getvalue(), "one.png", Settings())._asdict()
        rows.append({**measures, **facts, "copy_labels": [], "bytes": len(buffer.getvalue())})
    return pd.DataFrame(rows)


def near_pairs(pixels: NDArray[np.uint8], within: float) -> NDArray[np.int64]:
    """All pairs [k, 2] of images whose root mean square difference is at most `within` grey levels."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    squares = (flat**2).sum(axis=1)
    found = []
    for low in range(0, len(flat), 2000):
        block = flat[low : low + 2000]
        apart = squares[low : low + 2000, None] + squares[None, low:] - 2 * block @ flat[low:].T
        i, j = np.nonzero(apart <= (within + 0.1) ** 2 * flat.shape[1])
        pairs = np.column_stack([i + low, j + low])[i < j]
        exact = np.sqrt(((flat[pairs[:, 0]] - flat[pairs[:, 1]]) ** 2).mean(axis=1))
        found.append(pairs[exact <= within])
    return np.concatenate(found)


def main() -> None:
    """Search, compare with brute force, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--count", type=int, default=70_000)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} does not exist: unpack Debian's dataset-fashion-mnist and name its folder with --data")
        return
    pixels, labels = (part[: options.count] for part in load(options.data))
    pictures = from_frame(table_of(pixels, labels))
    clock, cpu = time.perf_counter(), time.process_time()
    table, summary = find(pictures, Params().dedupe)
    spent, used = time.perf_counter() - clock, time.process_time() - cpu
    keeper = table["keeper"].map(lambda name: int(name, 16)).to_numpy()
    twins = np.flatnonzero(keeper != np.arange(len(keeper)))
    turned = [orient(pixels[keeper[row]], int(table["orientation"].iloc[row])) for row in twins]
    apart = np.array(
        [np.sqrt(((a.astype(float) - pixels[row]) ** 2).mean()) for a, row in zip(turned, twins, strict=True)]
    )
    near = near_pairs(pixels, FOUND_WITHIN)
    crossed = labels[twins] != labels[keeper[twins]]
    silent = int((crossed & (table["conflict"].to_numpy()[twins] == "")).sum())
    rows = [
        ("pairs within 10 grey levels", f"{len(near)}"),
        ("of them in one star", f"{(keeper[near[:, 0]] == keeper[near[:, 1]]).mean():.3f}"),
        ("twins reported", f"{len(twins):,}"),
        ("of them within 16 grey levels of their keeper", f"{(apart <= TRUE_WITHIN).mean():.3f}"),
        ("twins with another label than their keeper, all named as conflicts", f"{int(crossed.sum())}"),
        ("of them removed without being named", f"{silent}"),
        ("seconds, processor seconds", f"{spent:.0f}, {used:.0f}"),
        ("peak memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB"),
    ]
    text = "# Near-duplicates of Fashion-MNIST\n\n"
    text += (
        f"{options.count:,} images, {datetime.datetime.now(tz=datetime.UTC).date()}, {platform.machine()}, 2 cores.\n\n"
    )
    text += "| what | figure |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)
    text += "\n" + "\n".join(f"- {line}" for line in summary.lines()) + "\n"
    print(text)
    OUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
