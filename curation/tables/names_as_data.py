r"""Names are data: how the names of files and classes are written so that nothing in them is ever run.

Whatever leaves the program goes through one of these functions, or through a writer that does the same by itself (the
templates of the pages escape HTML, Parquet carries any text).

- A terminal, a log or a page: `printable`. Control characters, also those that turn the direction of reading such as
  U+202E, are spelt (`\x1b`, `\u202e`).
- CSV: `guard`. A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@`, also behind a tab or a carriage
  return, as a formula, and quotes around it do not help (OWASP, "CSV Injection"). Its own sign for "this is text" is a
  leading `'`. `guard` sets it in front of such texts only, so that almost every file stays as it is for machines;
  numbers are never changed. `unguard` takes it off again, and gives back exactly what was written. The data of
  `dvc plots` is guarded too, because people open these files in a spreadsheet: so a plot shows such a name with the
  `'`.
- JSON: `json_text`. Characters that a terminal may act on are written as `\u202e`, which means the same in JSON.
- Markdown: `markdown`. Punctuation that Markdown or HTML in it could act on gets a backslash.

Who reads a CSV file of `curate` with other means and has class names that begin like a formula reads JSON instead,
which is exact.
"""

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.errors import printable, unseen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["guard", "json_text", "markdown", "printable", "read_csv", "unguard", "write_csv"]

RUNS = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"''*[=+\-@\t\r]")
NAMES = ("set", "class", "subclass", "label", "actual", "mostly_taken_for")  # columns of the reports that hold names
MARKS = re.compile(
    r"[\\`*_{}\[\]()<>#+!|~&$:@]"  # of Markdown, of HTML, of formulas, and of addresses, which GitHub turns into links
    r"|(?<=\bwww)\.|^[-=]",
    re.IGNORECASE,
)
NUMBER = re.compile(r"^(\d{1,9})\.")  # of a list, at the beginning


def guard(value: Any) -> Any:
    """Set `'` in front of a text that a spreadsheet would run; whatever else stays as it is."""
    return f"'{value}" if isinstance(value, str) and RUNS.match(value) else value


def unguard(value: Any) -> Any:
    """Take off what `guard` has set."""
    return value[1:] if isinstance(value, str) and GUARDED.match(value) else value


def markdown(name: object) -> str:
    """Write a name so that Markdown shows it as it is: no link, no image, no HTML, no new cell of a table."""
    marked = MARKS.sub(r"\\\g<0>", " ".join(printable(str(name)).split()))
    return NUMBER.sub(r"\1\\.", marked)


def json_text(value: Any, indent: int | None = 2) -> str:
    r"""Write a value as JSON; a character that a terminal may act on becomes `\u001b`, every other one stays."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "".join(one if one == "\n" or not unseen(one) else json.dumps(one)[1:-1] for one in text)


def write_csv(frame: "pd.DataFrame", path: Path, float_format: str | None = None) -> None:
    """Write a CSV file, whole or not at all; no cell of it runs in a spreadsheet."""
    from curation.files import whole

    guarded = frame.rename(columns=guard).map(guard)
    with whole(path) as draft:
        guarded.to_csv(draft, index=False, float_format=float_format, lineterminator="\n")


def read_csv(path: Path, names: Collection[str] = NAMES, **options: Any) -> "pd.DataFrame":
    """Read a file of `write_csv` and give back what was written.

    names: the columns that hold names, which stay text where every one of them looks like a number. options: as
    pandas.read_csv has them.
    """
    import pandas as pd

    frame = pd.read_csv(path, keep_default_na=False, dtype=dict.fromkeys(names, "str"), **options)
    texts = frame.select_dtypes(include=["object", "string"]).columns
    found: pd.DataFrame = frame.rename(columns=unguard)
    return found.assign(**{unguard(name): frame[name].map(unguard) for name in texts})
