"""Stage ingest: walk data/raw, data/unlabelled and data/benchmark; open, hash and measure every image once.

What can't be read is listed and stays in the table with its reason; the run goes on. Run by `dvc repro ingest`.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from curation.project import Project
from curation.project.stage_main import stage_main

if TYPE_CHECKING:
    import pandas as pd


@stage_main
def main() -> None:
    from curation import tables
    from curation.images.collection.scan import near_misses
    from curation.images.ingest import ingest_batches
    from curation.images.ingest_report import Report, passed_over_note

    project, report = Project.find(), Report()
    passed_over: Counter[str] = Counter()

    def watched() -> Iterator["pd.DataFrame"]:
        for frame in ingest_batches(project.root, project.params(), passed_over):
            report.add(frame)
            yield frame

    project.write_table(watched(), tables.IMAGES)
    report.print([*near_misses(project.root), *passed_over_note(passed_over)])


if __name__ == "__main__":
    main()
