"""Stage ingest: walk data/raw, data/unlabelled and data/benchmark; open, hash and measure every image once.

What can't be read is listed and stays in the table with its reason; the run goes on. Run by `dvc repro ingest`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from curation.project import Project
from curation.project.stage_main import stage_main

if TYPE_CHECKING:
    import pandas as pd


@stage_main
def main() -> None:
    from curation import tables
    from curation.images.ingest import ingest_batches
    from curation.images.ingest_report import Report

    project, report = Project.find(), Report()

    def watched() -> Iterator["pd.DataFrame"]:
        for frame in ingest_batches(project.root, project.params()):
            report.add(frame)
            yield frame

    project.write_table(watched(), tables.IMAGES)
    report.print()


if __name__ == "__main__":
    main()
