"""Where `curate` starts: every command module is imported here, and so adds its command to the app."""

from curation.cli import (  # noqa: F401
    compare,
    cross_validate,
    dedupe,
    doctor,
    explain,
    identify,
    init,
    label,
    learning_curve,
    lookalikes,
    next,  # noqa: A004
    promote,
    purge,
    report,
    review,
    rollback,
    sample,
    split,
    staged,
    summary,
    thin,
    tune,
    unknowns,
    versions,
)
from curation.cli.shared.app import app

__all__ = ["app"]
