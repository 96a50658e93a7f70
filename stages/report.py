"""Stage report: the round in pictures, as one HTML page that opens from disk. Run by `dvc repro report`."""

from curation.errors import printable
from curation.project import Project
from curation.project.stage_main import stage_main


@stage_main
def main() -> None:
    from curation.registry import benchmark_use
    from curation.report.round_data import Round
    from curation.report.round_page import write_report

    project = Project.find()
    for words in benchmark_use.sentences(project, Round(project).metrics):
        print(printable(words))
    out = project.report_page
    print(f"{write_report(project, out)} sections in {project.relative(out)}")


if __name__ == "__main__":
    main()
