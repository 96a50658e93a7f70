"""Stage collect: make the optional folders data/unlabelled, data/benchmark and models/weights.

A project without them runs: DVC refuses a dependency that does not exist, and git keeps no empty folder. The marker
is not cached, so a fresh clone or a temporary experiment makes the folders again. Run by `dvc repro collect`.
"""

from pathlib import Path

from curation.project.stage_main import stage_main

DATA = Path("data")


@stage_main
def main() -> None:
    for folder in (DATA / "unlabelled", DATA / "benchmark", Path("models/weights")):
        folder.mkdir(parents=True, exist_ok=True)
    (DATA / ".collected").write_text("data/unlabelled and data/benchmark exist\n", encoding="utf-8")


if __name__ == "__main__":
    main()
