"""Code compares a column of codes with the members of its enumeration, never with text, so that no rename is missed."""

import ast
from pathlib import Path

import pytest

import curation
from curation import tables
from curation.tables import codes

ROOT = Path(curation.__file__).parent
MODULES = [path for path in sorted(ROOT.rglob("*.py")) if path != Path(codes.__file__)]
COLUMNS = {column: {code.value for code in kind} for table in tables.ALL for column, kind in table.codes.items()}
COLUMNS["source"] |= {code.value for code in codes.Source}  # two tables have a column of this name
LISTS = [set(codes.MODEL_SPLITS), {origin.value for origin in codes.Origin}]


def texts(node):
    """The texts that an expression holds as literals, in a list, tuple, set, or alone; the keys of a dictionary."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return {text for part in node.elts for text in texts(part)}
    if isinstance(node, ast.Dict):
        return {text for part in node.keys if part is not None for text in texts(part)}
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def column(node):
    """The column of codes that an expression names, as `frame["split"]`, `frame.split` or `split`; "" for none."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # frame["split"].to_numpy()
        return column(node.func.value)
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice  # frame.loc[rows, "split"]
        name = inner.value if isinstance(inner, ast.Constant) else ""
    else:
        name = getattr(node, "attr", "") or getattr(node, "id", "")
    return name if name in COLUMNS else ""


def breaches(tree):
    """The line of every comparison with, lookup of, or assignment to a column of codes that names a code as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            pairs = [(node.left, part) for part in node.comparators] + [(part, node.left) for part in node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "isin":
            pairs = [(node.func.value, part) for part in node.args]
        elif isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.Subscript):  # {"raw": ...}[row["source"]]
            pairs = [(node.slice, node.value)]
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            if any(known <= texts(node) for known in LISTS):
                yield node.lineno
            continue
        else:
            continue
        for one, other in pairs:
            if texts(other) & COLUMNS.get(column(one), set()) - {""}:
                yield node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_codes_are_compared_as_members_of_their_enumeration(path):
    lines = sorted(set(breaches(ast.parse(path.read_text(encoding="utf-8")))))
    assert not lines, f"{path}: lines {lines} name a code as text; use the enumeration of curation/tables/codes.py"


@pytest.mark.parametrize(
    "line",
    [
        'frame["split"] == "train"',
        'frame.split != "out"',
        'frame.loc[rows, "split"] = "out"',
        'rows["state"].isin(["kept", "reserve"])',
        '(rows["origin"] == "real").to_numpy()',
        '{"raw": 1}[image["source"]]',
        'kind in ("error", "doubt")',
        'SPLITS = ("train", "val", "test", "benchmark")',
        '[*("real", "staged", "synthetic"), "other"]',
    ],
)
def test_a_code_that_is_named_as_text_is_found(line):
    assert list(breaches(ast.parse(line)))


@pytest.mark.parametrize("line", ['frame["split"] == Split.TRAIN', 'frame["state"] == ""', 'metrics["test"] == "test"'])
def test_what_names_no_code_passes(line):
    assert not list(breaches(ast.parse(line)))
