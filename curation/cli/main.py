"""The entry point of `curate`: it imports every command module, and each module adds its command to the app."""

from curation.cli import (  # noqa: F401
    audit,
    benchmark,
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
    sample_pool,
    split,
    staged,
    summary,
    thin,
    tune,
    undrop,
    unknowns,
    versions,
)
from curation.cli.shared import unfinished  # noqa: F401
from curation.cli.shared.app import app

__all__ = ["app"]
