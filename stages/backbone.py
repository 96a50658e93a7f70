"""Stage backbone: make the first base model, with random, pretrained or local weights. Run by `dvc repro backbone`."""

from curation.project import Project
from curation.project.stage_main import stage_main


@stage_main
def main() -> None:
    from curation.model.base_model import make_backbone

    project = Project.find()
    print(make_backbone(project.located(project.params()), project.backbone))


if __name__ == "__main__":
    main()
