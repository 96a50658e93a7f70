"""Writes docs/tables.md from curation/tables/schemas.py, whose comments describe the columns.

Run it after a change there: python docs/make_tables.py
"""

import re
from pathlib import Path

from curation import tables
from curation.tables import schemas

HERE = Path(__file__).parent
INTRO = """# The tables

The stages pass Parquet tables in `data/`, one row an image, sorted by `image_id` (the MD5 of the file's bytes, in hex).
Text is never null: "" means that there is none. Columns and types are checked on write and on read.

Read one with pandas:

    python -c "import pandas; print(pandas.read_parquet('data/selection.parquet').head())"

`curate explain IMAGE` tells one image's rows in words. This page is made by `python docs/make_tables.py`.
"""


def document() -> str:
    """The page, in Markdown."""
    remarks = comments(Path(schemas.__file__).read_text(encoding="utf-8"))
    parts = [INTRO]
    for table in tables.ALL:
        rows = [
            f"| `{field.name}` | {type_name(str(field.type))} | {remarks.get((table.name, field.name), '')} |"
            for field in table.schema
        ]
        head = f"\n## data/{table.name}.parquet\n\nWritten by the stage `{table.stage}`."
        parts.append("\n".join([head, "", "| column | type | what |", "|---|---|---|", *rows]))
    return "\n".join(parts) + "\n"


def type_name(arrow: str) -> str:
    """A type in the words of a reader."""
    words = {"string": "text", "float": "real", "binary": "bytes", "bool": "yes or no"}
    return (
        f"list of {words['string' if 'string' in arrow else 'float']}s"
        if arrow.startswith("list")
        else words.get(arrow, arrow)
    )


def comments(source: str) -> dict[tuple[str, str], str]:
    """(table, column) -> the comment that stands behind the column."""
    found, table = {}, ""
    for line in source.splitlines():
        if opened := re.match(r'\s+"(\w+)",$', line):
            table = table or opened[1]
        if line.startswith(")"):
            table = ""
        if column := re.match(r"\s+(\w+)=.*?#\s*(.+)$", line):
            found[table, column[1]] = column[2].replace("|", "/")
    return found


if __name__ == "__main__":
    (HERE / "tables.md").write_text(document(), encoding="utf-8")
