"""Stage backbone.

Write the first "previous model" (untrained, torchvision-pretrained or local weights). Run by `dvc repro backbone`.
"""

from pathlib import Path

from curation import params
from curation.project.stage_main import stage_main

OUT = Path("models/backbone.safetensors")


@stage_main
def main() -> None:
    from curation.model.base_model import make_backbone

    print(make_backbone(params.load(), OUT))


if __name__ == "__main__":
    main()
