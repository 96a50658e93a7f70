"""Where `curate` starts: every command module is imported here, and so adds its commands to the app."""

from curation.cli import doctor, identify, next, purge, questions, registry, report, review, sample, summary  # noqa: A004, F401
from curation.cli.app import app

__all__ = ["app"]
