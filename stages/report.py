"""Stage report: the round in pictures, as one HTML page that opens from disk. Run by `dvc repro report`."""

from pathlib import Path

from curation.project.stage_main import stage_main

OUT = Path("reports/report.html")


@stage_main
def main() -> None:
    from curation.report import write_report

    print(f"{write_report(Path(), OUT)} sections in {OUT}")


if __name__ == "__main__":
    main()
