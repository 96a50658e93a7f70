"""Stage evaluate: score every image with the candidate and its base, calibrate and measure (`dvc repro evaluate`)."""

import sys

from curation import tables
from curation.errors import printable
from curation.project import Project
from curation.project.stage_main import stage_main

COLUMNS = ["image_id", "label", "subclass", "leak_group", "split", "benchmark_set", "fold", "basis", "small"]


@stage_main
def main() -> None:
    from curation.decisions.audited import audited
    from curation.decisions.log import read_reviews
    from curation.evaluation.evaluate import Paths, evaluate
    from curation.evaluation.headline import caption, measured
    from curation.images.store.pixels import Pixels
    from curation.selection.copies import losses

    project = Project.find()
    params = project.located(project.params())
    paths = Paths(
        candidate=project.candidate,
        base=project.base_model(params),
        predictions=project.table_path(tables.PREDICTIONS),
        cross=project.table_path(tables.CROSS_TRAINED),
        calibration=project.calibration,
        metrics=project.metrics,
        headline=project.headline,
        plots=project.report("evaluate"),
        scratch=project.cache("evaluate"),
    )
    splits = project.table(tables.SPLITS, COLUMNS)
    splits["audited"] = splits["image_id"].isin(audited(read_reviews(project.reviews)))
    numbers = evaluate(paths, splits, Pixels(project.pixels), params)
    for name, facts in measured(numbers):
        reach = f"95% interval {facts['accuracy_low']:.4f} to {facts['accuracy_high']:.4f}"
        print(printable(f"{caption(name)}: accuracy {facts['accuracy']:.4f} on {facts['images']:,} images ({reach})"))
    for warning in losses.unmeasured(splits):
        print(printable(str(warning)), file=sys.stderr)


if __name__ == "__main__":
    main()
