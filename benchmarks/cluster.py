"""How long clustering and explaining 10,000 errors takes, step by step.

    python benchmarks/cluster.py

Made-up embeddings: 200 groups of very different sizes in 512 dimensions, and a tenth of noise.
"""

import itertools
import time
from typing import Any

import numpy as np
import pandas as pd
from tables import Table, write_page

from curation.evaluation.neighbours import unit
from curation.evaluation.queue import error_clusters
from curation.evaluation.queue.cluster_explanation import explanations


def errors(count: int, seed: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Embeddings and the facts of `count` errors."""
    rng = np.random.default_rng(seed)
    group = rng.choice(200, count, p=rng.dirichlet(np.full(200, 0.5)))
    vectors = rng.normal(size=(200, 512))[group] + rng.normal(size=(count, 512)) * 0.3
    lost = rng.random(count) < 0.1
    vectors[lost] = rng.normal(size=(int(lost.sum()), 512)) * 1.5
    frame = pd.DataFrame({name: rng.random(count) for name in ("brightness", "contrast", "blur", "size", "distance")})
    frame["label"] = [f"class{number % 30}" for number in group]
    frame["taken"] = [f"class{(number + 1) % 30}" for number in group]
    for name, value in {"subclass": "", "origin": "real", "split": "train", "conflict": ""}.items():
        frame[name] = value
    frame["leak_group"] = [f"g{row}" for row in range(count)]
    return vectors.astype(np.float32), frame.assign(crowded=False, label_error=rng.random(count))


def measured(count: int) -> list[list[object]]:
    """Rows: the steps of the stage `cluster` that look at `count` errors, and their seconds."""
    vectors, frame = errors(count, 0)
    marks = [time.perf_counter()]
    points = error_clusters.reduce(unit(vectors), 20, 0)
    marks.append(time.perf_counter())
    usual = error_clusters.usual_distance(points, 0)
    codes: list[Any] = [pd.factorize(frame[name], sort=True)[0] for name in ("label", "taken")]
    apart = error_clusters.with_pairs(points, codes, error_clusters.APART * usual)
    how = error_clusters.least_size(count, 5), error_clusters.NEAR * usual
    frame["cluster"] = error_clusters.cluster(apart, *how)
    marks.append(time.perf_counter())
    stable = error_clusters.stability(apart, frame["cluster"].to_numpy(), *how, 0)
    marks.append(time.perf_counter())
    found = explanations(frame, points, frame, stable)
    marks.append(time.perf_counter())
    steps = ["reduce", f"cluster ({len(found) - 1} clusters)", "stability, 5 reruns", "explain"]
    spent = [after - before for before, after in itertools.pairwise(marks)]
    return [[f"{count:,}", step, f"{one:.2f}"] for step, one in zip([*steps, "all"], [*spent, sum(spent)], strict=True)]


def main() -> None:
    """Measure, print and write the table."""
    measured(100)  # imports
    rows = [row for count in (1_000, 10_000) for row in measured(count)]
    about = "Made-up embeddings, 200 groups in 512 dimensions, by `benchmarks/cluster.py`. Limit: 10 s for 10,000."
    write_page("cluster", "Clustering and explaining errors", about, [Table(["errors", "step", "s"], rows)])


if __name__ == "__main__":
    main()
