"""The checks of `curate doctor`, one function for each question.

Each function says what it found, and what to do when that is not well.
"""

from curation.cli.checks.check import Check, State, run_checks
from curation.cli.checks.data import DATA_CHECKS
from curation.cli.checks.leftovers import LEFTOVER_CHECKS, MENDS
from curation.cli.checks.machine import MACHINE_CHECKS
from curation.cli.checks.repository import REPOSITORY_CHECKS, no_project

__all__ = [
    "DATA_CHECKS",
    "LEFTOVER_CHECKS",
    "MACHINE_CHECKS",
    "MENDS",
    "REPOSITORY_CHECKS",
    "Check",
    "State",
    "no_project",
    "run_checks",
]
