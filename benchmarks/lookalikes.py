"""Does `curate lookalikes` find a class that nobody has named? One class of Fashion-MNIST is hidden from training.

    python benchmarks/lookalikes.py --data FOLDER

The network learns nine classes; the pool holds all ten. The question is asked of the known class that the hidden one is
most often taken for, and the first 50 answers are counted. Beside it: the same images ranked by confidence, and by
distance to known images. Writes benchmarks/results/lookalikes.md.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from curation.pool.identified_table import identified
from curation.pool.new_class_search import lookalikes, near_class
from curation.predict.calibration import Calibration
from curation.predict.ood import Reference, unit
from curation.tables import PREDICTIONS

sys.path.insert(0, str(Path(__file__).parent))
from fashion import NAMES, USUAL, Probe, load
from tables import Table, write_page

FIRST = 50


def main() -> None:
    """Hide one class after the other; one row for each."""
    asked = _arguments()
    images, labels = load(asked.data)
    rows = []
    for hidden in asked.hidden:
        rows.append(row(images, labels, NAMES.index(hidden), asked))
        print(*rows[-1], flush=True)
    rows.append(["mean", "", *("" for _ in range(2)), *(float(np.mean([one[at] for one in rows])) for at in (4, 5, 6))])
    about = (
        f"Fashion-MNIST with one class hidden from training: {asked.train:,} images of nine classes to train on, "
        f"{asked.val:,} to calibrate on, a pool of {asked.pool:,} images of all ten; a CNN of 90,000 weights, "
        f"{asked.steps} steps. Share of the hidden class among the first {FIRST} of `curate lookalikes` on the class "
        "that the hidden one is most often taken for; beside it, the same images ranked by confidence and by distance "
        "to known images. Made by `python benchmarks/lookalikes.py`."
    )
    header = ["hidden", "nearest class", "near it", "of them hidden", "ours", "least sure first", "farthest first"]
    write_page("lookalikes", "Finding a class that nobody has named", about, [Table(header, rows)])


def row(images: np.ndarray, labels: np.ndarray, hidden: int, asked: argparse.Namespace) -> list[object]:
    """One hidden class: train, identify, ask."""
    rng = np.random.default_rng(1)
    order = rng.permutation(len(images))
    seen = order[labels[order] != hidden][: asked.train + asked.val]
    pool = np.setdiff1d(order[-asked.pool :], seen)
    known = [name for number, name in enumerate(NAMES) if number != hidden]
    codes = np.array([known.index(NAMES[label]) if label != hidden else -1 for label in labels])
    model = Probe(len(known), 0).fit(images[seen[: asked.train]], codes[seen[: asked.train]], asked.steps)
    predictions = scored(model, images, seen, codes, known, asked)
    val = predictions[predictions.split == "val"]
    train = seen[: asked.train]
    reference = Reference.fit(unit(model.score(images[train])[1]), codes[train], unit(model.score(images[val.row])[1]))
    fitted = Calibration.fit(np.stack(val.logits.tolist()), codes[val.row], classes=known)
    table = pool_table(model, images, pool, replace(fitted, ood=reference))
    truth = dict(zip(table.image_id, labels[pool] == hidden, strict=True))
    nearest = table.label[[truth[one] for one in table.image_id]].mode()[0]
    near = near_class(table, nearest, 1.0)
    ours = lookalikes(table, predictions, nearest)
    unsure = near.sort_values("confidence")
    far = near.sort_values("ood_score", ascending=False, kind="stable")
    shares = [np.mean([truth[one] for one in ranked.image_id[:FIRST]]) for ranked in (ours, unsure, far)]
    base = float(np.mean([truth[one] for one in near.image_id]))
    return [NAMES[hidden], nearest, len(near), base, *map(float, shares)]


def scored(
    model: Probe, images: np.ndarray, rows: np.ndarray, codes: np.ndarray, names: list[str], asked: argparse.Namespace
) -> pd.DataFrame:
    """What the stage evaluate writes, as far as it is used here."""
    logits, embeddings = model.score(images[rows])
    empty = PREDICTIONS.schema.empty_table().to_pandas()
    frame = pd.DataFrame({
        "image_id": [f"{row:032x}" for row in rows],
        "split": ["train" if place < asked.train else "val" for place in range(len(rows))],
        "label": [names[code] for code in codes[rows]],
        "predicted": [names[code] for code in logits.argmax(1)],
        "embedding": [vector.astype("<f2").tobytes() for vector in embeddings],
        "row": rows,
        "logits": list(logits),
    })  # fmt: skip
    assert set(empty.columns) >= {"image_id", "split", "label", "predicted", "embedding"}
    return frame


def pool_table(model: Probe, images: np.ndarray, pool: np.ndarray, calibration: Calibration) -> pd.DataFrame:
    """What the stage identify writes, as far as it is used here."""
    logits, embeddings = model.score(images[pool])
    names = [f"{row:032x}" for row in pool]
    raw = pd.DataFrame({"image_id": names, "path": names, "error": "", "logits": list(logits), "hash": b""})
    raw["embedding"] = [vector.astype("<f2").tobytes() for vector in embeddings]
    raw["blur"] = raw["brightness"] = raw["contrast"] = 0.0
    return identified([raw], calibration).assign(leak_group=names, near_duplicate_of="", source="unlabelled")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--hidden", nargs="+", default=NAMES)
    parser.add_argument("--train", type=int, default=4_000)
    parser.add_argument("--val", type=int, default=1_200)
    parser.add_argument("--pool", type=int, default=4_000)
    parser.add_argument("--steps", type=int, default=400)
    return parser.parse_args()


if __name__ == "__main__":
    main()
