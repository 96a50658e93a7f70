"""How much memory the stage evaluate takes for 2,000,000 scored images, beside 200,000.

    python benchmarks/evaluate_scale.py [--images 2000000] [--classes 100]

The scores are made up and stand on disk, as the network leaves them; everything after them is the stage's own: the
table of predictions, calibration, every metric with its interval, ROC-AUC of every class, baselines, plots. Each size
runs in a process of its own. `anonymous` is what the process really holds; `resident` counts pages of mapped files too,
which the system takes back when others need the memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tables import Table, write_page

HEADER = ["scored images", "s", "anonymous, MB", "resident with mapped files, MB", "accuracy"]
LIMIT = 4_000  # MB for two million images
SPLITS = {"train": 0.7, "val": 0.1, "test": 0.1, "benchmark": 0.05, "reserve": 0.05}
WIDTH = 64  # of the embeddings
BLOCK = 100_000


def make(folder: Path, count: int, classes: int) -> None:
    """Write the splits, two checkpoints' headers, and their scores for `count` images."""
    from curation import tables
    from curation.model.header import Header
    from curation.tables.codes import MODEL_SPLITS

    rng = np.random.default_rng(0)
    names = np.array([f"class {code:03d}" for code in range(classes)], dtype=object)
    truth = rng.integers(0, classes, count)
    ids = [f"{number:032x}" for number in range(count)]
    splits = pd.DataFrame({"image_id": ids, "label": names[truth], "leak_group": ids, "origin": "real"})
    splits["split"] = rng.choice(np.array(list(SPLITS), dtype=object), count, p=list(SPLITS.values()))
    splits["benchmark_set"] = np.where(splits["split"] == "benchmark", "frozen", "")
    splits = splits.assign(
        subclass="", fold=-1, basis="hash_bucket", reason="its hash bucket gives this split", turn=0, small=False
    )
    tables.write(splits[tables.SPLITS.columns], folder / "splits.parquet", tables.SPLITS)
    sides = splits.loc[splits["split"].isin(MODEL_SPLITS), ["image_id", "split"]]
    lineage = dict(sides.itertuples(index=False, name=None))
    for name, skill in (("candidate", 5.0), ("base", 4.0)):
        store = folder / name
        store.mkdir()
        logits = np.lib.format.open_memmap(store / "logits.npy", "w+", np.float32, (count, classes))
        vectors = np.lib.format.open_memmap(store / "embeddings.npy", "w+", np.float16, (count, WIDTH))
        for start in range(0, count, BLOCK):
            part = truth[start : start + BLOCK]
            logits[start : start + BLOCK] = rng.normal(size=(len(part), classes)).astype(np.float32) * 1.5
            logits[np.arange(start, start + len(part)), part] += np.float32(skill)
            vectors[start : start + BLOCK] = rng.normal(size=(len(part), WIDTH)).astype(np.float16)
        header = Header("resnet18", tuple(names), 32, (0.5,) * 3, (0.5,) * 3, lineage=lineage)
        write_checkpoint(folder / f"{name}.safetensors", header)


def write_checkpoint(path: Path, header: object) -> None:
    """A checkpoint without weights: the stage reads its header alone, since the scores are there."""
    import torch

    from curation.model import checkpoint

    checkpoint.save(path, {"nothing": torch.zeros(1)}, header)  # type: ignore[arg-type]


class Grey:
    """A pixel store of one grey, for the baseline that reads pixels."""

    def rows(self, image_ids: Sequence[str]) -> np.ndarray:
        """Their places, which are all alike."""
        return np.zeros(len(image_ids), np.int64)

    size = 8

    def batch(self, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Grey images of 8 x 8."""
        found = np.random.default_rng(len(rows)).integers(0, 255, (len(rows), 8, 8, 3), dtype=np.uint8)
        if out is not None:
            out[:] = found
        return found


def evaluate_there(folder: Path) -> None:
    """In the process that is measured: run the stage's function on the made-up scores; print what it took."""
    import importlib

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from curation import tables
    from curation.model.header import read_header
    from curation.params import Params
    from curation.predict.score_store import Scored

    stage, script = (importlib.import_module(name) for name in ("curation.evaluation.evaluate", "stages.evaluate"))

    def scored(path: Path, _pixels: object, ids: Sequence[str], *_how: object) -> Scored:
        store = folder / path.stem
        logits, vectors = (np.load(store / f"{name}.npy", mmap_mode="r") for name in ("logits", "embeddings"))
        return Scored(list(ids), list(read_header(path).classes), logits, vectors)

    vars(stage)["score"] = scored
    peak = Peak()
    started = time.perf_counter()
    paths = stage.Paths(
        candidate=folder / "candidate.safetensors",
        base=folder / "base.safetensors",
        predictions=folder / "predictions.parquet",
        cross=folder / "cross_trained.parquet",
        calibration=folder / "calibration.json",
        metrics=folder / "metrics.json",
        headline=folder / "summary.json",
        plots=folder / "plots",
        scratch=folder / "scratch",
    )
    splits = tables.read(folder / "splits.parquet", tables.SPLITS, script.COLUMNS)
    numbers = stage.evaluate(paths, splits, Grey(), Params())
    seconds = time.perf_counter() - started
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps([seconds, peak.end(), resident, numbers["test"]["accuracy"]]))


class Peak(threading.Thread):
    """The most anonymous memory of this process in MB, looked at ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._over = 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        """Look until the end."""
        while not self._over.wait(0.1):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            held = next(line for line in status.splitlines() if line.startswith("RssAnon"))
            self.most = max(self.most, int(held.split()[1]) / 1e3)

    def end(self) -> float:
        """Stop looking; the most there was."""
        self._over.set()
        self.join()
        return self.most


def main() -> None:
    """Measure both sizes, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2_000_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run:
        return evaluate_there(chosen.run)
    rows, held = [], []
    for count in (chosen.images // 10, chosen.images):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), count, chosen.classes)
            command = [sys.executable, __file__, "--run", folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, anonymous, resident, accuracy = json.loads(done.stdout.splitlines()[-1])
        held.append(anonymous)
        rows.append([f"{count:,}", f"{seconds:.0f}", f"{anonymous:,.0f}", f"{resident:,.0f}", f"{accuracy:.4f}"])
        print(rows[-1], flush=True)
    more = (held[1] - held[0]) / (0.9 * chosen.images) * 1e6
    verdict = "held" if held[1] <= LIMIT else "missed"
    notes = f"{more:,.0f} bytes more an image. Limit for two million: {LIMIT:,} MB, {verdict}."
    about = f"{chosen.classes} classes, embeddings of {WIDTH}, by `benchmarks/evaluate_scale.py`."
    write_page("evaluate_scale", "Memory of the stage evaluate", about, [Table(HEADER, rows)], notes)
    return None


if __name__ == "__main__":
    main()
