"""Every command has help with an example and stands in README.md; starting the command line imports nothing heavy."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from curation.cli.main import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = r"\bcurate ([a-z][^`\n|#&;)]*)"
LINK = r"\]\(([^)#]+)"


def commands(command, path=()):
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
    else:
        for name, child in sorted(below.items()):
            yield from commands(child, (*path, name))


COMMANDS = dict(commands(get_command(app)))


def test_there_are_commands():
    assert {"sample", "doctor", "report", "unknowns", "promote", "review push"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(name):
    text = f"{COMMANDS[name].help} {COMMANDS[name].epilog}"
    assert f"curate {name}" in text, f"the help of `curate {name}` shows no example of it"
    assert re.search(r"Examples?:", text)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_say_what_they_do(name):
    silent = [parameter.name for parameter in COMMANDS[name].params if not getattr(parameter, "help", None)]
    assert silent in ([], ["help"])


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"review open"}))  # which serves until Ctrl-C
def test_every_command_can_print_json(name):
    assert "--json" in {option for parameter in COMMANDS[name].params for option in parameter.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_paragraphs_of_help_flow(name):
    for paragraph in COMMANDS[name].help.split("\n\n"):
        assert all(line.startswith(" ") for line in paragraph.split("\n")[1:]), paragraph


@pytest.mark.parametrize("name", COMMANDS)
def test_it_stands_in_the_readme(name):
    assert f"curate {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_there_are_commands_and_links_to_look_at():
    """The two tests below say nothing where their patterns find nothing."""
    texts = [document.read_text(encoding="utf-8") for document in DOCUMENTS]
    assert sum(len(re.findall(COMMAND, _code(text))) for text in texts) > 50
    assert sum(len(re.findall(LINK, text)) for text in texts) > 20


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_commands_and_options_that_exist(document):
    lines = re.findall(COMMAND, _code(document.read_text(encoding="utf-8")))
    for line in lines:
        words = line.split()
        name = next((" ".join(words[:size]) for size in (2, 1) if " ".join(words[:size]) in COMMANDS), None)
        assert name, f"{document.name} names `curate {line}`, which is no command"
        known = {
            option for parameter in COMMANDS[name].params for option in [*parameter.opts, *parameter.secondary_opts]
        }
        used = {word.split("=")[0] for word in words if word.startswith("-")}
        assert used <= known | {"--help", "-h"}, f"{document.name}: `curate {line}` has unknown options"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_lead_to_files_that_exist(document):
    for target in re.findall(LINK, document.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_the_command_line_starts_without_anything_heavy():
    heavy = ["torch", "fiftyone", "pandas", "pyarrow", "sklearn", "matplotlib", "numpy", "scipy", "dvc", "PIL"]
    code = "import json, sys, curation.cli.main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(json.loads(done.stdout))
    assert not loaded & set(heavy)


@pytest.mark.parametrize("command", [["review", "push"], ["review", "pull"], ["review", "open"]])
def test_outside_of_a_project_the_review_says_so_before_it_speaks_of_fiftyone(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "FiftyOne" not in done.output
    assert "lies in no project" in done.output


def test_the_stages_start_without_what_only_their_work_needs():
    heavy = {"torch", "fiftyone", "sklearn", "matplotlib", "scipy", "numba", "dvc", "hdbscan", "cleanlab"}
    stages = sorted(path.stem for path in (ROOT / "stages").glob("[a-z]*.py"))
    code = f"import json, sys, {', '.join(f'stages.{name}' for name in stages)}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not set(json.loads(done.stdout)) & heavy


def _code(text):
    """The code of a Markdown text: fenced blocks and `spans`."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))])
