"""Stage evaluate: score every image with the candidate and its base, calibrate, measure. See `dvc repro evaluate`."""

from pathlib import Path

from curation import params, tables
from curation.project.stage_main import stage_main

DATA = Path("data")
REPORTS = Path("reports")
COLUMNS = ["image_id", "label", "subclass", "split", "benchmark_set", "fold", "basis", "small"]


@stage_main
def main() -> None:
    from curation.evaluation.evaluate import Paths, evaluate
    from curation.images.store.pixels import Pixels

    knobs = params.load()
    paths = Paths(
        candidate=Path("models/candidate.safetensors"),
        base=Path(knobs.base_model),
        predictions=DATA / "predictions.parquet",
        cross=DATA / "cross_trained.parquet",
        calibration=DATA / "calibration.json",
        metrics=REPORTS / "metrics.json",
        plots=REPORTS / "evaluate",
        scratch=Path(".cache/curation/evaluate"),
    )
    splits = tables.stored(tables.SPLITS, COLUMNS)
    numbers = evaluate(paths, splits, Pixels(DATA / "pixels"), knobs)
    for name in ("train", "val", "test"):
        if name in numbers:
            print(f"{name}: accuracy {numbers[name]['accuracy']:.4f} on {numbers[name]['images']:,} images")


if __name__ == "__main__":
    main()
