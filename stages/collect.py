"""Stage collect: make the optional folders data/unlabelled and data/benchmark, so that a project without them runs.

DVC refuses a dependency that does not exist, and git keeps no empty folder. The marker is not cached, so a fresh clone
or a temporary experiment makes the folders again. Run by `dvc repro collect`.
"""

from pathlib import Path

from curation.errors import fail_cleanly

DATA = Path("data")


@fail_cleanly
def main() -> None:
    for name in ("unlabelled", "benchmark"):
        (DATA / name).mkdir(parents=True, exist_ok=True)
    (DATA / ".collected").write_text("data/unlabelled and data/benchmark exist\n", encoding="utf-8")


if __name__ == "__main__":
    main()
