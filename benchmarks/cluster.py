"""How long clustering and explaining 10,000 errors takes, beside HDBSCAN alone.

    python benchmarks/cluster.py

Made-up embeddings: 200 groups of very different sizes in 512 dimensions, and a tenth of noise.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from curation.evaluation import clusters
from curation.evaluation.explain import explanations

RESULTS = Path("benchmarks/results/cluster.md")


def errors(count: int, seed: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Embeddings and the facts of `count` errors."""
    rng = np.random.default_rng(seed)
    group = rng.choice(200, count, p=rng.dirichlet(np.full(200, 0.5)))
    vectors = rng.normal(size=(200, 512))[group] + rng.normal(size=(count, 512)) * 0.3
    lost = rng.random(count) < 0.1
    vectors[lost] = rng.normal(size=(int(lost.sum()), 512)) * 1.5
    frame = pd.DataFrame({name: rng.random(count) for name in ("brightness", "contrast", "blur", "size", "distance")})
    frame["label"] = [f"class{number % 30}" for number in group]
    frame["predicted"] = [f"class{(number + 1) % 30}" for number in group]
    for name, value in {"subclass": "", "origin": "real", "split": "train", "conflict": ""}.items():
        frame[name] = value
    return vectors.astype(np.float32), frame.assign(crowded=False, label_error=rng.random(count))


def main() -> None:
    """Measure, print and write the table."""
    lines = ["Made by `benchmarks/cluster.py`.", "", "| errors | step | CPU s |", "|---|---|---|"]
    for count in (1_000, 10_000):
        vectors, frame = errors(count, 0)
        marks = [time.process_time()]
        points = clusters.reduce(vectors, 20, 0)
        marks.append(time.process_time())
        frame["cluster"] = clusters.cluster(points, 5)
        marks.append(time.process_time())
        stable = clusters.stability(points, frame["cluster"].to_numpy(), 5, 0)
        marks.append(time.process_time())
        found = explanations(frame, points, frame, stable)
        marks.append(time.process_time())
        steps = ("reduce", f"cluster ({len(found) - 1} clusters)", "stability, 5 reruns", "explain")
        lines += [
            f"| {count:,} | {step} | {after - before:.2f} |"
            for step, before, after in zip(steps, marks, marks[1:], strict=False)
        ]
        lines.append(f"| {count:,} | all | {marks[-1] - marks[0]:.2f} |")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
