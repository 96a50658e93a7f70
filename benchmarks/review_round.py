"""What one round of accepting the queue's suggestions is worth: test accuracy with flipped, mended and true labels.

    python benchmarks/review_round.py --images 3000 --epochs 12 --seeds 301 302 303

Of Fashion-MNIST's train part, a tenth of the labels is flipped at random and a tenth between look-alikes, and 70% of
the images are trained on, so that labels matter. The queue is made as the stage `cluster` makes it, and a reviewer who
adds nothing of their own accepts the suggested label of each image in the first fifth that is more likely wrong than
right. Then the same network is trained again the same way, on the same images. Test: all 10,000 images of the test
part, with the labels as they are. `share` is what the round gains of what true labels would.
"""
# ruff: noqa: D103

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from fashion import USUAL
from label_errors import embed, flip, learn, load, logits, subjects_of
from numpy.typing import NDArray
from tables import Table, write_page
from torch import nn

from curation.evaluation.label_errors.label_error_probability import verdicts

FIRST = 0.2  # of the images that are reviewed
HEADER = ["seed", "labels wrong", "after the round", "accuracy: flipped", "mended", "true labels", "share"]


def round_of(folder: Path, count: int, epochs: int, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    pixels, truth = load(folder, "train")
    rows = rng.choice(len(pixels), count, replace=False)
    pixels, truth = pixels[rows], truth[rows].astype(np.int64)
    given = flip(truth, 0.1, "random", rng)
    given = np.where(given == truth, flip(truth, 0.1, "look-alike", rng), given)
    learnt = rng.random(count) < 0.7
    test_pixels, test = load(folder, "t10k")

    def accuracy(labels: NDArray[Any]) -> tuple[float, nn.Sequential]:
        model = learn(pixels[learnt], labels[learnt], seed, epochs)
        return float((logits(model, test_pixels).argmax(1) == test).mean()), model

    before, model = accuracy(given)
    found = verdicts(subjects_of(embed(model, pixels), pixels, given), learnt)
    first = np.argsort(-found.wrong, kind="stable")[: round(FIRST * count)]
    accepted = first[found.wrong[first] >= 0.5]
    mended = given.copy()
    mended[accepted] = found.suggested[accepted]
    after, perfect = accuracy(mended)[0], accuracy(truth)[0]
    wrong = [float((labels != truth).mean()) for labels in (given, mended)]
    share = (after - before) / (perfect - before)
    return {"wrong": wrong[0], "left": wrong[1], "before": before, "after": after, "perfect": perfect, "share": share}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[301, 302, 303])
    chosen = parser.parse_args()
    rows, rounds = [], []
    for seed in chosen.seeds:
        rounds.append(one := round_of(chosen.data, chosen.images, chosen.epochs, seed))
        figures = [f"{one[name]:.4f}" for name in ("before", "after", "perfect")]
        rows.append([seed, f"{one['wrong']:.1%}", f"{one['left']:.1%}", *figures, f"{one['share']:.2f}"])
        print(rows[-1], flush=True)
    gained, wanted = (np.mean([one[name] - one["before"] for one in rounds]) for name in ("after", "perfect"))
    verdict = "held" if gained >= 0.5 * wanted else "missed"
    notes = f"Mean gain {gained:.4f} of {wanted:.4f}: {gained / wanted:.0%}. Wanted: half, {verdict}."
    about = f"{chosen.images:,} images of Fashion-MNIST, {chosen.epochs} epochs of a small network."
    write_page("review_round", "One round of review, all suggestions accepted", about, [Table(HEADER, rows)], notes)


if __name__ == "__main__":
    main()
