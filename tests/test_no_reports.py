"""Every process that curation starts is told to report nothing, unless the user said otherwise."""

import json
import os
import subprocess
import sys

from curation import NO_REPORTS

CHILD = """
import subprocess, sys, curation
print(subprocess.check_output([sys.executable, "-c", sys.argv[1]], text=True))
"""
TELL = "import json, os; print(json.dumps(dict(os.environ)))"


def environment(**given):
    """The environment that a process started from curation sees."""
    clean = {name: value for name, value in os.environ.items() if name not in NO_REPORTS}
    out = subprocess.run(
        [sys.executable, "-c", CHILD, TELL], env={**clean, **given}, capture_output=True, text=True, check=True
    )
    return json.loads(out.stdout)


def test_what_curation_starts_reports_nothing():
    assert NO_REPORTS.items() <= environment().items()


def test_what_the_user_has_set_stays():
    assert environment(DVC_NO_ANALYTICS="", DO_NOT_TRACK="0")["DO_NOT_TRACK"] == "0"
