"""The table and the plot of the warm-start trials, from the lines that warm_trials.py wrote.

    python benchmarks/warm_report.py trials.jsonl --machine "one NVIDIA H200"

Each warm start is compared with the best cold start of its set: the same seed, the same round, the same images. A
seed's difference is the mean over its rounds, and the interval is Student's over the seeds. Writes
benchmarks/results/warm_start.md and .svg.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from tables import RESULTS, Table, write_page
from warm_recipes import EPOCHS, FIRST, LAST, SHIPPED

MEASURES = ("best", "last", "test")
ROUNDS = LAST - FIRST


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--machine", default="the same machine", help="what the trials ran on")
    parser.add_argument("--notes", type=Path, help="text that follows the tables")
    parser.add_argument("--trial", action="store_true", help="print the page, and write nothing")
    asked = parser.parse_args()
    runs = load(asked.files)
    tables = []
    for name, own in runs.groupby("set", sort=False):
        tables += [cold_table(str(name), own), warm_table(str(name), own)]
    about = (
        f"{len(runs):,} trainings on {asked.machine}, and this page made here.\n"
        "`python benchmarks/warm_trials.py`, then `python benchmarks/warm_report.py`"
    )
    notes = "![Val accuracy by epoch](warm_start.svg)\n\n" + (asked.notes.read_text("utf-8") if asked.notes else "")
    write_page("warm_start", "Warm start against cold start", about, tables, notes.strip(), keep=not asked.trial)
    if not asked.trial:
        plot(runs).savefig(RESULTS / "warm_start.svg", metadata={"Date": None})


def load(files: list[Path]) -> pd.DataFrame:
    """All trainings, each once."""
    lines = [line for file in files for line in file.read_text("utf-8").splitlines() if line.endswith("}")]
    runs = pd.DataFrame([json.loads(line) for line in lines])
    runs = runs.drop_duplicates(["set", "recipe", "seed", "classes"])
    runs["best"] = [max(curve) for curve in runs["val"]]
    runs["last"] = [curve[-1] for curve in runs["val"]]
    runs["test"] = runs["test_best"]
    return runs


def reference(runs: pd.DataFrame) -> str:
    """The cold start with the highest mean best val accuracy, of those that were run in all rounds with most seeds."""
    cold = runs[runs["recipe"].str.startswith("cold") & (runs["classes"] > FIRST)]
    counts = cold.groupby("recipe").size()
    whole = counts[counts >= max(counts.max() - ROUNDS, 1)].index
    return str(cold[cold["recipe"].isin(whole)].groupby("recipe")["best"].mean().idxmax())


def cold_table(name: str, runs: pd.DataFrame) -> Table:
    """The search for the cold start: accuracies in the last round, and in all rounds where they were run."""
    cold = runs[runs["recipe"].str.startswith("cold")]
    rows: list[list[object]] = []
    for recipe, own in cold.groupby("recipe"):
        last, rounds = own[own["classes"] == LAST], own[own["classes"] > FIRST]
        whole = len(rounds) >= ROUNDS * last["seed"].nunique() > 0
        means = [float(last[measure].mean()) for measure in MEASURES]
        rows.append([recipe, len(last), *means, float(rounds["best"].mean()) if whole else None])
    rows.sort(key=lambda row: -float(str(row[2])))
    header = ["recipe", "seeds", "best val", "last val", "test", "best val, all rounds"]
    return Table(header, rows, f"## {name}\n\nCold starts of {EPOCHS[name]} epochs, in the round of {LAST} classes.")


def compared(runs: pd.DataFrame, recipe: str, against: str) -> pd.DataFrame:
    """The rounds that two recipes both have, by seed and classes: points of difference, and epochs to the goal."""
    keys = ["seed", "classes"]
    one, two = (runs[runs["recipe"] == name].set_index(keys) for name in (recipe, against))
    both = one.join(two.add_suffix("_cold"), how="inner")
    for measure in MEASURES:
        both[f"more_{measure}"] = 100 * (both[measure] - both[f"{measure}_cold"])
    both["epoch"] = [reached(row["val"], row["best_cold"]) for _, row in both.iterrows()]
    return both


def reached(curve: list[float], goal: float) -> float:
    """The first epoch (1 is the first) with at least that accuracy, or NaN."""
    return next((float(epoch) for epoch, value in enumerate(curve, 1) if value >= goal), float("nan"))


def interval(both: pd.DataFrame, measure: str) -> str:
    """The mean difference over the seeds in points, with its 95% interval."""
    seeds = both.groupby("seed")[f"more_{measure}"].mean().to_numpy(float)
    if len(seeds) < 2:
        return f"{seeds.mean():+.2f}"
    half = stats.t.ppf(0.975, len(seeds) - 1) * seeds.std(ddof=1) / np.sqrt(len(seeds))
    return f"{seeds.mean():+.2f} ({seeds.mean() - half:+.2f} to {seeds.mean() + half:+.2f})"


def warm_table(name: str, runs: pd.DataFrame) -> Table:
    """Warm starts beside the best cold start."""
    best = reference(runs)
    rows: list[list[object]] = []
    for recipe in dict.fromkeys([SHIPPED.name, *runs["recipe"]]):
        both = compared(runs, recipe, best)
        both = both[both.index.get_level_values("classes") > FIRST]
        if recipe == best or not len(both) or (recipe.startswith("cold") and recipe != SHIPPED.name):
            continue
        hits = both["epoch"].notna()
        share = both["epoch"] / EPOCHS[name]
        median = f"1/{1 / share[hits].median():.1f}" if hits.mean() >= 0.5 else "in less than half"
        facts = [recipe, both.index.get_level_values("seed").nunique(), len(both)]
        differences = [interval(both, measure) for measure in MEASURES]
        rows.append([*facts, *differences, f"{hits.sum()} of {len(both)}", median])
    rows.sort(key=lambda row: -float(str(row[3]).split()[0]))
    header = ["recipe", "seeds", "rounds", "best val, points above", "last val", "test"]
    header += ["rounds that reach the cold start's best val", "in a share of its epochs (median)"]
    caption = (
        f"Against `{best}`, in points, mean of the seeds (95% interval); the warm starts of a fraction of its epochs."
    )
    return Table(header, rows, caption)


def plot(runs: pd.DataFrame) -> Figure:
    """Mean val accuracy by the share of the cold start's epochs, for each set."""
    names = list(dict.fromkeys(runs["set"]))
    figure = Figure(figsize=(5 * len(names), 4), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        own = runs[(runs["set"] == name) & (runs["classes"] > FIRST)]
        warm = [str(row[0]) for row in warm_table(name, own).rows if str(row[0]).startswith("warm")]
        shipped = [one for one in warm if one.startswith(f"warm 1/4 plain {SHIPPED.rate:g}")]
        for recipe in dict.fromkeys([reference(own), SHIPPED.name, *warm[:1], *shipped[:1]]):
            curves = np.array(own[own["recipe"] == recipe]["val"].tolist())
            if len(curves):
                shares = np.arange(1, curves.shape[1] + 1) / EPOCHS[name]
                axes.plot(shares, curves.mean(0), label=f"{recipe} ({len(curves)})")
        axes.set(title=name, xlabel="share of the cold start's epochs", ylabel="mean val accuracy of all rounds")
        axes.set_ylim(bottom=axes.get_ylim()[1] - 0.15)
        axes.legend(fontsize=7)
    return figure


if __name__ == "__main__":
    main()
