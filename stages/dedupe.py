"""Stage dedupe: group near-duplicates, choose the copy that stays, name label conflicts. Run by `dvc repro dedupe`."""

import sys
from typing import TYPE_CHECKING

from curation import tables
from curation.errors import printable
from curation.project import Project
from curation.project.stage_main import stage_main

if TYPE_CHECKING:
    import pandas as pd

FACTS = ["image_id", "path", "source", "label", "copy_paths", "copy_labels", "error"]


@stage_main
def main() -> None:
    from curation.decisions.while_running import with_all_decisions

    project = Project.find()
    with_all_decisions(project.reviews, "dedupe", lambda reviews: dedupe(project, reviews))


def dedupe(project: Project, reviews: "pd.DataFrame") -> None:
    from curation.decisions.fold import fold, pairs
    from curation.dedupe.descriptors.described_images import Resources
    from curation.dedupe.descriptors.descriptor_model import check_tracked
    from curation.dedupe.image_arrays import from_parquet
    from curation.dedupe.near_duplicates import find, rules
    from curation.dedupe.verification.file_pixels import ImageFiles
    from curation.report.duplicates_page import report, warning_sections, write_report
    from curation.selection.copies import losses

    params = project.params()
    check_tracked(params.dedupe.descriptor)
    files = ImageFiles.of(project.root, params.ingest)
    pictures = from_parquet(project.table_path(tables.IMAGES))
    reviewed = set(fold(reviews)["image_id"])
    resources = Resources(params.ingest.workers, project.cache("dedupe"))
    table, summary = find(pictures, rules(params), files, reviewed, resources, pairs(reviews))
    project.write_table(table, tables.DUPLICATES)
    images = project.table(tables.IMAGES, FACTS)
    warnings = losses.warnings(losses.expected(images, table, params.dedupe.policy), table, params.dedupe)
    warned = warning_sections(warnings, images, project.root)
    write_report(report(images, table), project.root, project.report("dedupe"), summary.lines(), warned)
    print(printable("\n".join(summary.lines()), keep="\n"))
    for warning in warnings:
        print(printable(str(warning)), file=sys.stderr)


if __name__ == "__main__":
    main()
