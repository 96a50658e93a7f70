"""Where `curate` starts: every command module is imported here, and so adds its commands to the app."""

from curation.cli import (  # noqa: F401
    compare,
    dedupe,
    doctor,
    explain,
    identify,
    init,
    label,
    next,  # noqa: A004
    purge,
    questions,
    registry,
    report,
    review,
    sample,
    split,
    summary,
    train,
)
from curation.cli.app import app

__all__ = ["app"]
