"""Near-duplicates of Fashion-MNIST, all 70,000 images: `python benchmarks/fashion_twins.py --data FOLDER`.

The reference is brute force over all pixels. A pair of images within 10 grey levels (root mean square over the 784
pixels, as they stand) should be found: both in one star, so that at most one of the two is trained on. A reported pair
is a row of the table that names another image as its keeper: what would be removed. It is true when the two lie within
16 grey levels, the keeper turned as the row says. A twin under another label than its keeper's must be named as a
conflict, which leaves training for review instead of being removed. Writes results/fashion_twins.md.
"""

import argparse
import io
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from fashion import NAMES, USUAL, load
from numpy.typing import NDArray
from PIL import Image
from tables import Table, write_page

from curation.dedupe.image_arrays import from_frame
from curation.dedupe.near_duplicates import find
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.images.hashing import orient
from curation.images.image_measures import Settings, measure
from curation.params import Params

CORES = len(os.sched_getaffinity(0))
FOUND_WITHIN, TRUE_WITHIN = 10, 16
BLOCK = 1000  # rows multiplied at a time: 0.3 GB


def table_of(pixels: NDArray[np.uint8], labels: NDArray[np.int64], folder: Path) -> pd.DataFrame:
    """Write the images into a folder, and measure them as ingest does."""
    rows = []
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        path = f"{number:05}.png"
        (folder / path).write_bytes(buffer.getvalue())
        facts = {"path": path, "image_id": f"{number:032x}", "source": "raw", "label": NAMES[label], "origin": "real"}
        measures = measure(buffer.getvalue(), "one.png", Settings())._asdict()
        rows.append({**measures, **facts, "copy_labels": [], "captured_at": "", "bytes": len(buffer.getvalue())})
    return pd.DataFrame(rows)


def near_pairs(pixels: NDArray[np.uint8], within: float) -> NDArray[np.int64]:
    """All pairs [k, 2] of images whose root mean square difference is at most `within` grey levels, by brute force.

    Blocks of float32 products; rows are sorted by length, as two vectors can't be nearer than their lengths are.
    """
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    lengths = np.sqrt((flat**2).sum(axis=1))
    order = np.argsort(lengths, kind="stable")
    flat, lengths = flat[order], lengths[order]
    reach = (within + 0.1) * flat.shape[1] ** 0.5
    found = []
    for low in range(0, len(flat), BLOCK):
        block = flat[low : low + BLOCK]
        high = int(np.searchsorted(lengths, lengths[low + len(block) - 1] + reach, side="right"))
        others = flat[low:high]
        apart = block @ others.T
        apart *= -2
        apart += lengths[low : low + len(block), None] ** 2
        apart += lengths[None, low:high] ** 2
        i, j = np.nonzero(apart <= reach**2)
        i, j = i[i < j], j[i < j]
        exact = np.sqrt(((block[i] - others[j]) ** 2).mean(axis=1))
        near = exact <= within
        found.append(np.column_stack([order[i[near] + low], order[j[near] + low]]))
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
    with tempfile.TemporaryDirectory() as folder:
        pictures = from_frame(table_of(pixels, labels, Path(folder)))
        clock, cpu = time.perf_counter(), time.process_time()
        table, summary = find(pictures, Params().dedupe, ImageFiles(Path(folder)))
    spent, used = time.perf_counter() - clock, time.process_time() - cpu
    keeper, group = (table[name].map(lambda text: int(text, 16)).to_numpy() for name in ("keeper", "leak_group"))
    twins = np.flatnonzero(keeper != np.arange(len(keeper)))
    turned = [orient(pixels[keeper[row]], int(table["orientation"].iloc[row])) for row in twins]
    apart = np.array(
        [np.sqrt(((a.astype(float) - pixels[row]) ** 2).mean()) for a, row in zip(turned, twins, strict=True)]
    )
    near = near_pairs(pixels, FOUND_WITHIN)
    crossed = labels[twins] != labels[keeper[twins]]
    silent = int((crossed & (table["conflict"].to_numpy()[twins] == "")).sum())
    one, two = near.T
    spread = np.percentile(apart, [50, 90])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows = [
        ("pairs within 10 grey levels", f"{len(near):,}"),
        ("**of them found: in one star** (at least 0.98)", f"**{(keeper[one] == keeper[two]).mean():.3f}**"),
        ("of them kept together by splits: in one leak group", f"{(group[one] == group[two]).mean():.3f}"),
        ("pairs reported: twins", f"{len(twins):,}"),
        ("**of them true: within 16 grey levels** (at least 0.5)", f"**{(apart <= TRUE_WITHIN).mean():.3f}**"),
        (
            "their distance in grey levels: median, 90%",
            " and ".join(f"{levels:.1f}" for levels in spread),
        ),
        ("twins with another label than their keeper", f"{int(crossed.sum()):,}"),
        ("**of them removed without being named** (0)", f"**{silent}**"),
        ("seconds of dedupe, processor seconds", f"{spent:.0f}, {used:.0f}"),
        ("peak memory with the brute force", f"{peak:.2f} GB"),
    ]
    about = f"{options.count:,} images; {CORES} of the cores were used. `python benchmarks/fashion_twins.py`"
    notes = "\n".join(f"- {line}" for line in summary.lines())
    write_page("fashion_twins", "Near-duplicates of Fashion-MNIST", about, [Table(["what", "figure"], rows)], notes)


if __name__ == "__main__":
    main()
