"""The verification thresholds, chosen from a measured curve: `python benchmarks/verification_curve.py`.

Two families of candidate pairs. Photographs: changed copies of one against pairs of different ones whose hashes come
near (pairs that show much of the same original left out). Fashion-MNIST (`--data FOLDER`, optional): candidates within
10 grey levels of each other should agree, those beyond 16 should not. For each similarity the plot shows the share of
twins, and of the others, that agree at least so much.

The rule. A level is good when every family keeps enough of its twins, and enough of all its candidates that agree are
true (GOALS, from the project's own aims). `min_similarity` is the middle of the good levels: as far from missing twins
as from removing others. `leak_similarity`, which costs nothing but a group kept together, is the lowest level at which
at most 1% of the others of every family agree. Both are printed, and params.yaml has them. Nothing here is scored by
planted_copies.py: its photographs are others. Writes docs/verification_curve.png, results/verification_curve.md.
"""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from fashion import USUAL, load
from fashion_twins import FOUND_WITHIN, TRUE_WITHIN, table_of
from numpy.typing import NDArray
from photographs import alike, photograph, sources
from planted_copies import plant
from tables import Table, write_page

from curation.dedupe.hash_pairs import pairs_within
from curation.dedupe.image_arrays import from_frame
from curation.dedupe.thumbnail_agreement import SEARCH, STILL, similarities
from curation.images.ingest import ingest_folder
from curation.params import Params
from curation.params.blocks import Dedupe

PLOT = Path("docs/verification_curve.png")
Scores = NDArray[np.float32]
SHOWN = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
LEVELS = np.round(np.arange(0.5, 1.0, 0.01), 2)
FAR = 20  # bits up to which different photographs are compared: more than any search would
STRAY = 0.25  # wrong links an image from which leak groups are too wide


class Goal(NamedTuple):
    """Least share of the twins that agree, and of those that agree that are true."""

    kept: float
    true: float


class Family(NamedTuple):
    """How many images; similarities of pairs that must be found, that may be reported, and that should be neither."""

    images: int
    twins: Scores
    fair: Scores
    others: Scores

    def kept(self, level: float) -> float:
        """Share of the twins that agree at least so much."""
        return float((self.twins >= level).mean())

    def strays(self, level: float) -> float:
        """Share of the others that agree at least so much."""
        return float((self.others >= level).mean()) if len(self.others) else 0.0

    def true(self, level: float) -> float:
        """Share of all pairs that agree at least so much that are fair."""
        right, wrong = (self.fair >= level).sum(), (self.others >= level).sum()
        return float(right / max(right + wrong, 1))


GOALS = {"photographs": Goal(0.98, 0.99), "Fashion-MNIST": Goal(0.98, 0.5)}


def choose(families: dict[str, Family]) -> tuple[float, float, str]:
    """(min_similarity, leak_similarity, the good levels in words) by the rule above."""
    good = [
        level
        for level in LEVELS
        if all(
            one.kept(level) >= GOALS[name].kept and one.true(level) >= GOALS[name].true
            for name, one in families.items()
        )
    ]
    calm = [
        level for level in LEVELS if all((one.others >= level).sum() <= STRAY * one.images for one in families.values())
    ]
    if not good or not calm:
        raise SystemExit("no level meets the goals: the measure of verification has to become better")
    return round(float(good[0] + good[-1]) / 2, 2), float(calm[0]), f"{good[0]:.2f} to {good[-1]:.2f}"


def of_photographs(count: int) -> Family:
    """Copies with their photograph, and different photographs in their nearest orientation."""
    originals = sources()
    with tempfile.TemporaryDirectory() as scratch:
        plant(Path(scratch), [photograph(originals, number) for number in range(count)])
        images = ingest_folder(Path(scratch), Params())
    pictures = from_frame(images)
    paths = images.set_index("image_id")["path"].loc[pictures.facts["image_id"]]
    owner, original = paths.str[:4].astype(int).to_numpy(), ~paths.str.contains("-").to_numpy()
    first = {int(owner[row]): row for row in np.flatnonzero(original)}
    apart = np.bitwise_count(pictures.hashes[:, None, :, 0] ^ pictures.hashes[None, :, :1, 0])
    nearest, distance = apart.argmin(axis=2), apart.min(axis=2)
    copies = [(first[int(owner[row])], row) for row in np.flatnonzero(~original)]
    i, j = np.nonzero(np.triu((distance <= FAR) & (owner[:, None] != owner[None])))
    unclear = {
        (a, b): alike(len(originals), a, b) for a, b in set(zip(owner[i].tolist(), owner[j].tolist(), strict=True))
    }
    strangers = [(a, b) for a, b in zip(i, j, strict=True) if not unclear[int(owner[a]), int(owner[b])]]

    def agree(pairs: list[tuple[int, int]]) -> Scores:
        rows = [(a, b, nearest[a, b], SEARCH) for a, b in pairs]
        return similarities(pictures.thumbnails, np.array(rows, np.int32).reshape(-1, 4))

    twins = agree(copies)
    return Family(len(images), twins, twins, agree(strangers))


def of_fashion(folder: Path, count: int) -> Family:
    """Candidates within 10 grey levels (root mean square), within 16, and beyond."""
    pixels, labels = (part[:count] for part in load(folder))
    pictures = from_frame(table_of(pixels, labels))
    flat = pixels.reshape(len(pixels), -1)
    scores, distances = [], []
    for batch in pairs_within(pictures.hashes[:, 0].copy(), Dedupe().radius):
        still = np.column_stack([batch.left, batch.right, np.zeros_like(batch.left), np.full_like(batch.left, STILL)])
        scores.append(similarities(pictures.thumbnails, still.astype(np.int32)))
        for low in range(0, len(still), 10_000):
            one, two = (side[low : low + 10_000] for side in (batch.left, batch.right))
            distances.append(np.sqrt(((flat[one].astype(np.float32) - flat[two]) ** 2).mean(axis=1)))
    found, apart = np.concatenate(scores), np.concatenate(distances)
    return Family(len(pixels), found[apart <= FOUND_WITHIN], found[apart <= TRUE_WITHIN], found[apart > TRUE_WITHIN])


def draw(families: dict[str, Family], chosen: tuple[float, float]) -> None:
    """Write the plot."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(families), figsize=(5 * len(families), 3.5), squeeze=False, layout="constrained")
    grid = np.linspace(0, 1, 201)
    for axis, (name, one) in zip(axes[0], families.items(), strict=True):
        axis.plot(grid, [one.kept(level) for level in grid], label=f"twins ({len(one.twins):,})")
        axis.plot(grid, [one.strays(level) for level in grid], label=f"others ({len(one.others):,})")
        for level, style in zip(chosen, ("-", ":"), strict=True):
            axis.axvline(level, color="grey", linestyle=style, linewidth=1)
        axis.set(title=name, xlabel="similarity", ylabel="share at least so similar")
        axis.legend()
    figure.savefig(PLOT, dpi=90)


def main() -> None:
    """Measure, choose, plot, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=USUAL, help="folder of Fashion-MNIST")
    parser.add_argument("--photographs", type=int, default=50)
    parser.add_argument("--images", type=int, default=70_000, help="of Fashion-MNIST")
    options = parser.parse_args()
    families = {"photographs": of_photographs(options.photographs)}
    if options.data.is_dir():
        families["Fashion-MNIST"] = of_fashion(options.data, options.images)
    else:
        print(f"{options.data} does not exist: without Fashion-MNIST, see --data, nothing is written")
    least, leak, good = choose(families)
    sizes = ", ".join(f"{name}: {one.images:,} images" for name, one in families.items())
    now = f"The defaults are {Dedupe().min_similarity:g} and {Dedupe().leak_similarity:g}."
    about = (
        f"{sizes}. Goals are met from {good}: `min_similarity` {least:.2f}, `leak_similarity` {leak:.2f}. {now} "
        "`python benchmarks/verification_curve.py`"
    )
    rows = [
        [f"{level:.2f}", name, f"{one.kept(level):.4f}", f"{one.strays(level):.5f}", one.true(level)]
        for name, one in families.items()
        for level in sorted({*SHOWN, least, leak})
    ]
    header = ["similarity", "family", "twins that agree", "others that agree", "true, of all that agree"]
    whole = len(families) == len(GOALS)
    if whole:
        draw(families, (least, leak))
    title = "Verification: the curve, and the thresholds chosen from it"
    write_page("verification_curve", title, about, [Table(header, rows)], keep=whole)


if __name__ == "__main__":
    main()
