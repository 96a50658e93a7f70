"""House rules that a machine can hold: imports only go down, heavy libraries stay in their rooms, files are short."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = [
    *("errors", "files", "tables", "params", "project", "engine", "decisions", "images", "dedupe", "selection"),
    *("model", "sample", "predict", "evaluation", "tuning", "pool", "labelling", "review", "registry", "report", "cli"),
]
ONLY_IN = {"torch": {"model"}, "torchvision": {"model", "sample"}, "timm": {"model"}, "fiftyone": {"review"}}
FILES = sorted([*ROOT.glob("curation/**/*.py"), *ROOT.glob("stages/*.py")])


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "curation" and len(parts) > 1 else parts[0]


def imported(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            found += [f"curation.{alias.name}" for alias in node.names] if base == "curation" else [base]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_keeps_the_house_rules(path):
    assert path.read_text().count("\n") < 250
    for name in imported(path):
        head, *rest = name.split(".")
        assert room(path) in ONLY_IN.get(head, {room(path)}), f"{head} is imported outside its room"
        assert head not in {"pickle", "dill", "cloudpickle"}
        if head == "curation" and room(path) in ROOMS and rest and rest[0] in ROOMS:
            assert ROOMS.index(rest[0]) <= ROOMS.index(room(path)), f"{name} lies above"


def test_every_room_exists():
    assert set(ROOMS) <= {room(path) for path in FILES}


@pytest.mark.parametrize("module", ["curation.cli.main", "curation.params", "curation.tables"])
def test_starting_a_command_imports_neither_torch_nor_fiftyone(module):
    code = f"import sys, {module}; print(sorted({{'torch', 'fiftyone', 'sklearn'}} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_every_library_that_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {re.split(r"[<>=\[]", line)[0].lower() for line in lines} | {
        "pymongo",
        "dvc-data",
    }  # FiftyOne's own driver, DVC's own cache
    distributions = metadata.packages_distributions()
    heads = {name.split(".")[0] for path in FILES for name in imported(path)} - {"curation", "stages", ""}
    for head in sorted(heads - set(sys.stdlib_module_names)):
        assert {name.lower().replace("_", "-") for name in distributions.get(head, [head])} & declared, head
