"""Text cells of CSV files that people open in a spreadsheet.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@`, also behind a tab or a carriage return, as a formula,
and quotes around it do not help (OWASP, "CSV Injection"). Its own sign for "this is text" is a leading `'`. `guard`
sets it in front of such texts only, so that almost every file stays as it is for machines; numbers are never changed.
`unguard` takes it off again, and gives back exactly what was written. Who reads a CSV file of `curate` with other
means and has class names that begin like a formula reads JSON instead, which is exact.
"""

import re
from typing import Any

RUNS = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"''*[=+\-@\t\r]")


def guard(value: Any) -> Any:
    """Set `'` in front of a text that a spreadsheet would run; whatever else stays as it is."""
    return f"'{value}" if isinstance(value, str) and RUNS.match(value) else value


def unguard(value: Any) -> Any:
    """Take off what `guard` has set."""
    return value[1:] if isinstance(value, str) and GUARDED.match(value) else value
