"""Stage identify: predict with the candidate what every unlabelled or unknown image shows (`dvc repro identify`)."""

from curation import tables
from curation.project import Project
from curation.project.stage_main import stage_main


@stage_main
def main() -> None:
    from curation.pool.identify_pool import Known, identify_pool
    from curation.predict.model_lookup import open_model

    project = Project.find()
    model = open_model(project.candidate, project.calibration)
    found = identify_pool(Known.read(project), model, project.params(), project)
    project.write_table(found, tables.IDENTIFIED)
    print(f"{len(found):,} images that nobody named; {(found.confidence >= 0.9).sum():,} of them are now sure at 0.9")


if __name__ == "__main__":
    main()
