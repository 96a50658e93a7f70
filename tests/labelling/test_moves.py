"""No file can be lost: stopped at any point, each is in exactly one place, and the journal says which."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.labelling import moves as moves_module
from curation.labelling import relocate as relocate_module
from curation.labelling.metadata_rows import Line
from curation.labelling.metadata_sheets import Sheet
from curation.labelling.moves import AWAY, HOME, Journal, Move


class Killed(BaseException):
    """What a kill looks like from inside: nothing catches it."""


def make(root, count):
    """`count` files of different content at home, every second one in metadata.csv, and their moves."""
    found = []
    sheet = ["file_name,label,origin"]
    for number in range(count):
        path = root / "pool" / f"{number:04d}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%d" % number)
        home, away, line = f"pool/{path.name}", f"trash/files/{path.name}", None
        if number % 2:
            line = Line("pool/metadata.csv", {"file_name": path.name, "label": "", "origin": "staged"}, len(sheet) - 1)
            sheet.append(f"{path.name},,staged")
        there = line and Line("raw/metadata.csv", {"file_name": path.name, "origin": "staged"})
        found.append(Move(home, away, f"{number:032x}", {}, line, there))
    (root / "pool/metadata.csv").write_text("\n".join(sheet) + "\n")
    return found


def check(root, moves):
    """Each file is whole in exactly one place, and a fresh journal says in which."""
    said = {move.home: place for move, place in Journal(root / "trash", root).places()}
    for number, move in enumerate(moves):
        home, away = root / move.home, root / move.away
        assert home.exists() != away.exists(), move
        assert (home if home.exists() else away).read_bytes() == b"%d" % number
        assert said.get(move.home, HOME) == (HOME if home.exists() else AWAY)
        if move.home_line:  # where the file is, what is known of it is too
            assert named(root, "pool" if home.exists() else "raw", home.name)


def named(root, folder, name):
    """Whether the sheet of a folder names a file."""
    sheet = root / folder / "metadata.csv"
    return sheet.exists() and f"\n{name}," in sheet.read_text()


@given(stop=st.integers(0, 50), again=st.integers(0, 50))
@settings(max_examples=60)
def test_a_purge_and_its_undo_killed_anywhere_lose_nothing(tmp_path_factory, stop, again):
    root = tmp_path_factory.mktemp("world")
    moves = make(root, 7)
    sheet = (root / "pool/metadata.csv").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moves_module, "BATCH", 3)
        until_killed(patch, stop, lambda: Journal(root / "trash", root).send(moves))
        check(root, moves)
        until_killed(patch, again, lambda: Journal(root / "trash", root).bring_back())
        check(root, moves)
    Journal(root / "trash", root).bring_back()
    check(root, moves)
    assert all((root / move.home).exists() for move in moves)
    assert (root / "pool/metadata.csv").read_text() == sheet
    assert not any(named(root, "raw", f"{number:04d}.bin") for number in range(7))


def until_killed(patch, steps, action):
    """Run an action that dies at its `steps`-th write or rename, before or after it takes effect."""
    left = [steps]

    def deadly(function):
        def run(*args):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            function(*args)
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        return run

    with pytest.MonkeyPatch.context() as inner:
        inner.setattr(moves_module, "relocate", deadly(relocate_module.relocate))
        inner.setattr(Sheet, "write", deadly(Sheet.write))
        inner.setattr(Journal, "_write", deadly(Journal._write))
        with contextlib.suppress(Killed):
            action()


def test_kill_9_in_the_middle_of_a_real_run(tmp_path):
    moves = [replace(move, home_line=None) for move in make(tmp_path, 3000)]
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from curation.labelling.moves import Journal, Move
        root = Path(sys.argv[1])
        names = sorted(path.name for path in (root / "pool").glob("*.bin"))
        print("ready", flush=True)
        Journal(root / "trash", root).send([Move(f"pool/{n}", f"trash/files/{n}") for n in names])
    """)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    run = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], **pipes)
    said = run.stdout.readline()
    until = time.monotonic() + 300
    while run.poll() is None and not (tmp_path / "trash/files").exists() and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    _, errors = run.communicate()
    assert said == "ready\n", errors
    assert (tmp_path / "trash/files").exists(), errors
    check(tmp_path, moves)
    assert Journal(tmp_path / "trash", tmp_path).bring_back() == {}
    check(tmp_path, moves)
    assert all((tmp_path / move.home).exists() for move in moves)


def test_nothing_is_overwritten_and_the_reason_is_given(tmp_path):
    moves = make(tmp_path, 3)
    journal = Journal(tmp_path / "trash", tmp_path)
    assert journal.send(moves) == {}
    (tmp_path / moves[1].home).write_text("a new file")
    (tmp_path / moves[2].away).unlink()
    refused = journal.bring_back()
    assert "exists already" in refused[moves[1].home]
    assert "does not exist" in refused[moves[2].home]
    assert (tmp_path / moves[1].home).read_text() == "a new file"
    assert (tmp_path / moves[0].home).exists()


def test_across_file_systems_a_copy_is_checked_and_a_half_copy_is_cleared(tmp_path, monkeypatch):
    moves = make(tmp_path, 2)
    journal = Journal(tmp_path / "trash", tmp_path)

    def across(self, target):
        if self.name.startswith("."):
            return os.rename(self, target)  # noqa: PTH104 - Path.rename is what this replaces
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("pathlib.Path.rename", across)
    assert journal.send(moves[:1]) == {}
    check(tmp_path, moves)
    journal._write([("going", moves[1])])
    (tmp_path / moves[1].away).write_bytes((tmp_path / moves[1].home).read_bytes())
    journal.settle()
    check(tmp_path, moves)


def test_a_torn_line_does_not_hide_the_next_one(tmp_path):
    moves = make(tmp_path, 2)
    journal = Journal(tmp_path / "trash", tmp_path)
    journal.send(moves[:1])
    with journal.path.open("a") as file:
        file.write('{"state": "goi')
    journal.send(moves[1:])
    check(tmp_path, moves)
    assert [place for _, place in journal.places()] == [AWAY, AWAY]


@pytest.mark.parametrize("name", ["../outside", "/etc/hosts", "trash/../../outside"])
def test_a_journal_that_names_a_place_outside_of_the_project_moves_nothing(tmp_path, name):
    moves = make(tmp_path, 2)
    journal = Journal(tmp_path / "trash", tmp_path)
    journal.send(moves)
    before = sorted(str(path) for path in tmp_path.rglob("*.bin"))
    journal._write([(AWAY, replace(moves[0], home=name))])
    with pytest.raises(moves_module.JournalError, match="outside of the project"):
        journal.bring_back()
    assert sorted(str(path) for path in tmp_path.rglob("*.bin")) == before
