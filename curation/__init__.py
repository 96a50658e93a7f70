"""Data-centric curation for image classifiers: the library behind `dvc repro` and the `curate` command."""

__version__ = "0.1.0"
