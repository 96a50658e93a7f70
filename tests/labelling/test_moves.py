"""No file can be lost: stopped at any point, each is in exactly one place, and the manifest says which."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict, replace

import pytest
from factories.kills import killed_everywhere

from curation.labelling.metadata_rows import Line
from curation.labelling.moves import AWAY, HOME, Manifest, ManifestError, Move
from curation.project import Project


def make(root, count):
    """`count` files of different content at home, every second one in metadata.csv, and their moves."""
    found = []
    sheet = ["file_name,label,origin"]
    for number in range(count):
        path = root / "pool" / f"{number:04d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
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
    """Each file is whole in exactly one place, and the manifest says in which."""
    said = {move.home: place for move, place in Manifest(root / "trash", root).places()}
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


PURGE = """
import json
from curation.labelling.metadata_rows import Line
from curation.labelling.moves import Manifest, Move
from curation.project import Project
with Project(root).journal.plan("purge") as plan:
    Manifest(root / "trash", root).send(plan, [Move.read(row) for row in json.loads((root / "moves.json").read_text())])
"""
UNDO = """
from curation.labelling.moves import Manifest
from curation.project import Project
Project(root).journal.settle()
with Project(root).journal.plan("purge --undo") as plan:
    Manifest(root / "trash", root).bring_back(plan)
"""
AGAIN = "from curation.project import Project\nProject(root).journal.settle()" + PURGE


def test_a_purge_and_its_undo_killed_anywhere_lose_nothing(tmp_path):
    moves = make(tmp_path / "start", 7)
    (tmp_path / "start/moves.json").write_text(json.dumps([asdict(move) for move in moves]))
    for number, (act, again) in enumerate(((PURGE, AGAIN), (UNDO, UNDO))):
        (tmp_path / str(number)).mkdir()
        found = killed_everywhere(tmp_path / "start", tmp_path / str(number), act, again=again)
        assert found["wrong"] == []
        assert found["kills"] > 20
        exec(act, {"root": tmp_path / "start"})
        check(tmp_path / "start", moves)
    assert all((tmp_path / "start" / move.home).exists() for move in moves)
    assert not any(named(tmp_path / "start", "raw", f"{number:04d}.bin") for number in range(7))


def test_kill_9_in_the_middle_of_a_real_run(tmp_path):
    moves = [replace(move, home_line=None) for move in make(tmp_path, 3000)]
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from curation.labelling.moves import Manifest, Move
        from curation.project import Project
        root = Path(sys.argv[1])
        names = sorted(path.name for path in (root / "pool").glob("*.bin"))
        print("ready", flush=True)
        with Project(root).journal.plan("purge") as plan:
            Manifest(root / "trash", root).send(plan, [Move(f"pool/{n}", f"trash/files/{n}") for n in names])
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
    assert Project(tmp_path).journal.settle() in ("", "An interrupted `curate purge` was completed.")
    check(tmp_path, moves)
    assert all((tmp_path / move.away).exists() for move in moves)
    assert bring_back(tmp_path) == {}
    check(tmp_path, moves)
    assert all((tmp_path / move.home).exists() for move in moves)


def send(root, moves):
    with Project(root).journal.plan("purge") as plan:
        return Manifest(root / "trash", root).send(plan, moves)


def bring_back(root):
    with Project(root).journal.plan("purge --undo") as plan:
        return Manifest(root / "trash", root).bring_back(plan)


def test_nothing_is_overwritten_and_the_reason_is_given(tmp_path):
    moves = make(tmp_path, 3)
    assert send(tmp_path, moves) == {}
    (tmp_path / moves[1].home).write_text("a new file")
    (tmp_path / moves[2].away).unlink()
    refused = bring_back(tmp_path)
    assert "exists already" in refused[moves[1].home]
    assert "does not exist" in refused[moves[2].home]
    assert (tmp_path / moves[1].home).read_text() == "a new file"
    assert (tmp_path / moves[0].home).exists()


def test_across_file_systems_a_file_is_copied_and_comes_back(tmp_path, other_disk):
    moves = make(tmp_path, 2)
    (tmp_path / "trash").symlink_to(other_disk)
    assert send(tmp_path, moves[:1]) == {}
    check(tmp_path, moves)
    assert (other_disk / "files/0000.bin").exists()
    assert bring_back(tmp_path) == {}
    check(tmp_path, moves)
    assert (tmp_path / moves[0].home).exists()
    assert not list(tmp_path.rglob("*.partial"))


def test_a_manifest_of_an_older_version_that_was_killed_says_where_each_file_is(tmp_path):
    moves = make(tmp_path, 3)
    (tmp_path / "trash").mkdir()
    lines = [json.dumps({"state": "going", **asdict(move)}) for move in moves]
    (tmp_path / "trash/manifest.jsonl").write_text("\n".join(lines) + '\n{"state": "goi')
    (tmp_path / moves[0].away).parent.mkdir(parents=True)
    (tmp_path / moves[0].home).rename(tmp_path / moves[0].away)
    (tmp_path / moves[1].away).write_bytes((tmp_path / moves[1].home).read_bytes())
    assert [place for _, place in Manifest(tmp_path / "trash", tmp_path).places()] == [AWAY, HOME, HOME]


def test_a_torn_line_does_not_hide_the_next_one(tmp_path):
    moves = make(tmp_path, 2)
    manifest = Manifest(tmp_path / "trash", tmp_path)
    send(tmp_path, moves[:1])
    with manifest.path.open("a") as file:
        file.write('{"state": "goi')
    send(tmp_path, moves[1:])
    check(tmp_path, moves)
    assert [place for _, place in manifest.places()] == [AWAY, AWAY]


@pytest.mark.parametrize("name", ["../outside", "/etc/hosts", "trash/../../outside"])
def test_a_manifest_that_names_a_place_outside_of_the_project_moves_nothing(tmp_path, name):
    moves = make(tmp_path, 2)
    manifest = Manifest(tmp_path / "trash", tmp_path)
    send(tmp_path, moves)
    before = sorted(str(path) for path in tmp_path.rglob("*.bin"))
    with manifest.path.open("a") as file:
        file.write(json.dumps({"state": AWAY, **asdict(replace(moves[0], home=name))}) + "\n")
    with pytest.raises(ManifestError, match="outside of the project"):
        bring_back(tmp_path)
    assert sorted(str(path) for path in tmp_path.rglob("*.bin")) == before
