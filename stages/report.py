"""Stage report: the round in pictures, as one HTML page that opens from disk. Run by `dvc repro report`."""

from curation.project import Project
from curation.project.stage_main import stage_main


@stage_main
def main() -> None:
    from curation.report.round_page import write_report

    project = Project.find()
    out = project.report_page
    print(f"{write_report(project, out)} sections in {project.relative(out)}")


if __name__ == "__main__":
    main()
