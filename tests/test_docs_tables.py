"""docs/tables.md is made from curation/tables/schemas.py and is not behind it."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_of_tables_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_tables", DOCS / "make_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = (DOCS / "tables.md").read_text(encoding="utf-8")
    assert module.document() == found, "run: python docs/make_tables.py"
