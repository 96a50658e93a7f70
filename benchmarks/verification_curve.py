"""Where the verification thresholds lie: `python benchmarks/verification_curve.py` (docs/verification_curve.png).

Two families of pairs. Photographs: changed copies of one (twins) against pairs of different ones whose hashes come
near. Fashion-MNIST (`--data FOLDER`, optional): candidates within 10 grey levels of each other against those beyond
16. For each similarity the plot shows the share of twins, and of the others, that agree at least so much.
"""

import argparse
import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
from fashion import USUAL, load
from numpy.typing import NDArray
from photographs import photograph, sources
from PIL import Image
from planted_copies import PLANTS

from curation.dedupe.agreement import SEARCH, STILL, similarities
from curation.dedupe.pairs import pairs_within
from curation.images.measure import Measures, Settings, measure
from curation.params.blocks import Dedupe

PLOT = Path("docs/verification_curve.png")
TABLE = Path("benchmarks/results/verification_curve.md")
Scores = NDArray[np.float32]
LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def arrays(found: list[Measures]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Thumbnails [n, bytes] and hashes [n, 8, 1]."""
    thumbnails = np.stack([np.frombuffer(one.thumbnail, np.uint8) for one in found])
    hashes = np.stack([np.frombuffer(one.hash, ">u8").reshape(8, 1) for one in found]).astype(np.uint64)
    return thumbnails, hashes


def of_photographs(count: int, scratch: Path) -> tuple[Scores, Scores]:
    """Similarities of copies with their photograph, and of different photographs in their nearest orientation."""
    scratch.mkdir(parents=True, exist_ok=True)
    originals, found, owner = sources(), [], []
    for number in range(count):
        image = photograph(originals, number)
        for save in (lambda one, path: one.save(path), *PLANTS.values()):
            file = scratch / "one.png" if save is PLANTS["16 bits"] or not owner else scratch / "one.jpg"
            save(image, file)
            found.append(measure(file.read_bytes(), file.name, Settings()))
            owner.append(number)
    thumbnails, hashes = arrays(found)
    owners = np.array(owner)
    first = np.searchsorted(owners, owners)
    apart = np.bitwise_count(hashes[:, None, :, 0] ^ hashes[None, :, :1, 0])
    nearest, distance = apart.argmin(axis=2), apart.min(axis=2)
    rows = np.flatnonzero(np.arange(len(owners)) != first)
    same = np.column_stack([first[rows], rows, nearest[first[rows], rows], np.full(len(rows), SEARCH)])
    i, j = np.nonzero(np.triu((distance <= 20) & (owners[:, None] != owners[None])))
    other = np.column_stack([i, j, nearest[i, j], np.full(len(i), SEARCH)])[:20_000]
    return similarities(thumbnails, same.astype(np.int32)), similarities(thumbnails, other.astype(np.int32))


def of_fashion(folder: Path, count: int) -> tuple[Scores, Scores]:
    """Similarities of candidates within 10 grey levels (root mean square), and of those beyond 16."""
    pixels = load(folder)[0][:count]
    found = []
    for one in pixels:
        buffer = io.BytesIO()
        Image.fromarray(one).save(buffer, "PNG")
        found.append(measure(buffer.getvalue(), "one.png", Settings()))
    thumbnails, hashes = arrays(found)
    batches = [np.column_stack([one.left, one.right]) for one in pairs_within(hashes[:, 0].copy(), Dedupe().radius)]
    pairs = np.concatenate(batches)
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    apart = np.sqrt(((flat[pairs[:, 0]] - flat[pairs[:, 1]]) ** 2).mean(axis=1))
    columns = np.column_stack([pairs, np.zeros(len(pairs)), np.full(len(pairs), STILL)]).astype(np.int32)
    found_scores = similarities(thumbnails, columns)
    return found_scores[apart <= 10], found_scores[apart > 16]


def main() -> None:
    """Measure, plot, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=USUAL, help="folder of Fashion-MNIST")
    parser.add_argument("--photographs", type=int, default=60)
    parser.add_argument("--images", type=int, default=20_000, help="of Fashion-MNIST")
    options = parser.parse_args()
    families = {"photographs": of_photographs(options.photographs, Path(".cache/curation/verification"))}
    if options.data.is_dir():
        families["Fashion-MNIST"] = of_fashion(options.data, options.images)
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(families), figsize=(5 * len(families), 3.5), squeeze=False, layout="constrained")
    lines = [
        "# Verification: share of pairs that agree at least so much\n",
        "| similarity | family | twins | others |",
        "|---|---|---|---|",
    ]
    grid = np.linspace(0, 1, 201)
    for axis, (name, (twins, others)) in zip(axes[0], families.items(), strict=True):
        for scores, label in ((twins, f"twins ({len(twins):,})"), (others, f"others ({len(others):,})")):
            axis.plot(grid, [(scores >= level).mean() for level in grid], label=label)
        for level, style in ((Dedupe().min_similarity, "-"), (Dedupe().leak_similarity, ":")):
            axis.axvline(level, color="grey", linestyle=style, linewidth=1)
        axis.set(title=name, xlabel="similarity", ylabel="share at least so similar")
        axis.legend()
        lines += [
            f"| {level} | {name} | {(twins >= level).mean():.4f} | {(others >= level).mean():.5f} |" for level in LEVELS
        ]
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, dpi=90)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
