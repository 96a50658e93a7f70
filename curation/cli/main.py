"""Where `curate` starts: every command module is imported here, and so adds its commands to the app."""

from curation.cli import doctor, identify, purge, questions, registry, report, review, sample, summary  # noqa: F401
from curation.cli.app import app

__all__ = ["app"]
