"""Names are data: a table shows them whole, JSON carries them, and nothing in them acts on the terminal."""

import csv
import json
import os
import subprocess
import sys
import unicodedata

import pandas as pd
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from curation.cli.shared import output
from curation.cli.shared.app import CurateGroup
from curation.errors import CurationError
from curation.tables.names_as_data import guard, unguard

ODD = ["dog[edited].jpg", "[/x]", "[red]x[/red]", ":smile:", "\x1b[2J\x1b]0;title\x07", "a\rb", "\x9b31m"]
ODD += ["x\u202egpj.exe", "\udcff"]
NAMES = st.one_of(st.sampled_from(ODD), st.text(max_size=30), st.text("[]/\\\x1b=+-@'\ta", max_size=30))


def printed(rows, capsys, **options):
    output.show(rows, **options)
    return capsys.readouterr().out


def acts(text):
    return [one for one in text if unicodedata.category(one) in {"Cc", "Cf", "Cs"} and one not in "\n\u200c\u200d"]


@pytest.fixture(scope="module")
def app():
    """Commands that print a name, fail with it, and wait to be stopped."""
    made = typer.Typer(cls=CurateGroup)

    @made.command()
    def tell(name: str):
        output.show([{name: name}], title=name)
        output.say(name)

    @made.command()
    def fail(name: str):
        raise CurationError(name)

    @made.command()
    def stop():
        raise KeyboardInterrupt

    return made


@settings(max_examples=50)
@given(name=NAMES)
def test_no_name_acts_on_the_terminal(app, name):
    for command in ("tell", "fail"):
        done = CliRunner().invoke(app, [command, "--", name])
        assert not acts(done.stdout + done.stderr)
        assert done.exit_code == (command == "fail"), done.output


@pytest.mark.parametrize("name", ODD)
def test_a_table_shows_a_name_whole(name, capsys):
    text = printed([{"path": name}], capsys, title=name)
    assert text.count(output.printable(name)) == 2


def test_brackets_stay_and_escape_sequences_are_spelt(capsys):
    assert "dog[edited].jpg" in printed([{"path": "dog[edited].jpg"}], capsys)
    assert output.printable("\x1b[2J") == "\\x1b[2J"
    assert output.printable("grün 猫 👩‍🔬 می‌خواهم") == "grün 猫 👩‍🔬 می‌خواهم"


@settings(max_examples=50)
@given(name=NAMES)
def test_json_gives_back_the_same_text(name):
    done = CliRunner().invoke(_json_app(), ["--", name])
    assert json.loads(done.stdout) == [{"name": name}]
    assert not acts(done.stdout)


def _json_app():
    made = typer.Typer()
    made.command()(_tell_json)
    return made


def _tell_json(name: str):
    output.show([{"name": name}], as_json=True)


@given(text=NAMES)
def test_no_text_cell_runs_in_a_spreadsheet_and_what_was_written_comes_back(text):
    kept = guard(text)
    assert not kept.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguard(kept) == text
    assert kept in (text, f"'{text}")


def test_csv_changes_only_what_a_spreadsheet_would_run(tmp_path):
    rows = pd.DataFrame({"path": ["data/raw/a,b.jpg", "=cmd()"], "margin": [-0.5, 1.0], "note": ["it's", None]})
    output.write_csv(rows, tmp_path / "new" / "out.csv")
    with (tmp_path / "new" / "out.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "margin", "note"],
            ["data/raw/a,b.jpg", "-0.5", "it's"],
            ["'=cmd()", "1.0", ""],
        ]


def test_ctrl_c_is_one_line_and_exit_code_130(app):
    done = CliRunner().invoke(app, ["stop"])
    assert done.exit_code == 130
    assert done.stderr.splitlines() == ["stopped by Ctrl-C; run the same command again to go on"]


def test_ctrl_c_while_a_real_command_works(tmp_path):
    code = (
        "import os, signal, sys, threading; from curation.cli.main import app; import curation.images.ingest as room\n"
        "room.ingest_folder = lambda *_: (os.kill(os.getpid(), signal.SIGINT), signal.pause())\n"
        "sys.argv = ['curate', 'dedupe', '.']; app()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_enough_is_no_error(tmp_path):
    code = "from curation.cli.shared.output import say\nfrom curation.cli.main import app\napp(['--help'])"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    os.close(write)
    assert "disk" not in done.stderr
    assert "Traceback" not in done.stderr


def test_several_names_in_a_cell_stand_on_lines_of_their_own(capsys):
    output.show([{"examples": ("data/a.jpg", "data/b\nc.jpg")}])
    lines = capsys.readouterr().out.splitlines()
    assert sum("data/a.jpg" in line for line in lines) == 1
    assert sum("data/b\\nc.jpg" in line for line in lines) == 1
    assert not any("a.jpg" in line and "b" in line.split("a.jpg")[1] for line in lines)
