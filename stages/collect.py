"""Stage collect: make the optional folders of data/ and models/, and the empty logs that the stages depend on.

A project without them runs: DVC refuses a dependency that does not exist, and git keeps no empty folder. The marker
is not cached, so a fresh clone or a temporary experiment makes the folders again. A name that is not UTF-8 is refused
here, because DVC would end without naming it. Run by `dvc repro collect`.
"""

from curation.images.collection.scan import LayoutError
from curation.images.collection.walk import names_not_text
from curation.project import Project
from curation.project.stage_main import stage_main
from curation.selection.renewal.benchmark_renewals import start


@stage_main
def main() -> None:
    project = Project.find()
    for place in (project.raw, project.unlabelled, project.benchmark):
        if wrong := names_not_text(place):
            raise LayoutError(f"{wrong[0]}: this name is not UTF-8, so DVC can't track it. `curate doctor` says more")
    for folder in (project.unlabelled, project.benchmark, project.weights, project.descriptors):
        folder.mkdir(parents=True, exist_ok=True)
    start(project.benchmark_renewals)
    for log in (project.versions, project.refusals, project.audits):
        if not log.exists():
            log.touch()
    project.collected.write_text("data/unlabelled and data/benchmark exist\n", encoding="utf-8")


if __name__ == "__main__":
    main()
