"""Writes docs/tables.md from curation/tables/schemas.py and codes.py, whose comments describe columns and codes.

Run it after a change there: python docs/make_tables.py
"""

import re
from enum import StrEnum
from pathlib import Path

from curation import tables
from curation.tables import codes, schemas

HERE = Path(__file__).parent
INTRO = """# The tables

The stages pass Parquet tables in `data/`, one row an image, sorted by `image_id` (the MD5 of the file's bytes, in hex).
Text is never null: "" means that there is none. Columns, types and codes are checked on write and on read. A column of
the type "code" holds only the codes of one list; the lists stand at the end of this page.

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
            f"| `{field.name}` | {_type(table, field.name)} | {remarks.get((table.name, field.name), '')} |"
            for field in table.schema
        ]
        head = f"\n## data/{table.name}.parquet\n\nWritten by the stage `{table.stage}`."
        parts.append("\n".join([head, "", "| column | type | what |", "|---|---|---|", *rows]))
    parts += ["\n## Codes", *code_lists(Path(codes.__file__).read_text(encoding="utf-8"))]
    return "\n".join(parts) + "\n"


def code_lists(source: str) -> list[str]:
    """A list for each enumeration that a column holds: its sentence, its columns, and each code with its comment."""
    columns: dict[type[StrEnum], list[str]] = {}
    for table in tables.ALL:
        for column, kind in table.codes.items():
            columns.setdefault(kind, []).append(f"`{table.name}.{column}`")
    found = []
    for kind, places in columns.items():
        body = source.split(f"class {kind.__name__}(StrEnum)")[1].split("\nclass ", maxsplit=1)[0]
        said = dict(re.findall(r"^    (\w+) = .*?  # (.+)$", body, re.MULTILINE))
        rows = [f"| `{code.value or chr(34) * 2}` | {said[code.name]} |" for code in kind]
        told = (kind.__doc__ or "").partition("\n")[0]
        head = [f"\n### {kind.__name__}\n", f"{told} Columns: {', '.join(places)}.", "", "| code | what it says |"]
        found.append("\n".join([*head, "|---|---|", *rows]))
    return found


def _type(table: tables.Table, column: str) -> str:
    if column in table.codes:
        name = table.codes[column].__name__
        return f"code: [{name}](#{name.lower()})"
    return type_name(str(table.schema.field(column).type))


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
