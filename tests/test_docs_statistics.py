"""docs/statistics.md speaks of every number of quality that reports/metrics.json and the commands show."""

from pathlib import Path

import pytest

from curation.evaluation.error_breakdown import PARTS
from curation.evaluation.headline import SHOWN, caption
from curation.tables.codes import MODEL_SPLITS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
COMMANDS = ("learning-curve", "cross-validate", "tune", "promote", "sample-pool", "benchmark renew")
MORE = (
    "top5",
    "auc",
    "precision",
    "recall",
    "ood_score",
    "label_noise",
    "P(wrong label)",
    "coverage",
    "p_value",
    "blind",
)


@pytest.mark.parametrize("name", [*SHOWN, *PARTS, *MORE, *MODEL_SPLITS])
def test_the_page_explains(name):
    plain = name.removesuffix("_low").removesuffix("_high")
    assert plain in PAGE


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_names_the_command(name):
    assert f"`curate {name}" in PAGE


def test_val_is_marked_and_the_page_is_linked():
    assert caption("val") == "val (chosen on)"
    assert "chosen on" in PAGE
    assert "docs/statistics.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_benchmark_that_the_page_names_has_a_table():
    for name in ("intervals", "gate", "calibration", "label_probability", "cluster_facts", "learning_range"):
        assert f"`{name}`" in PAGE
        assert (ROOT / f"benchmarks/results/{name}.md").is_file()
