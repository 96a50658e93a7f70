"""What `curate doctor` looks at, one function a question.

Each says what it found and, where that is not well, what to do.
"""

from curation.cli.checks.check import Check, State, run_checks
from curation.cli.checks.data import DATA_CHECKS
from curation.cli.checks.machine import MACHINE_CHECKS
from curation.cli.checks.repository import REPOSITORY_CHECKS

__all__ = ["DATA_CHECKS", "MACHINE_CHECKS", "REPOSITORY_CHECKS", "Check", "State", "run_checks"]
