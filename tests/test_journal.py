"""Several files change together or not at all, whatever happens in between."""

import errno
import json

import pytest
from factories.kills import killed_everywhere, state
from hypothesis import given
from hypothesis import strategies as st

from curation.files import steps
from curation.files.journal import Journal, JournalError
from curation.files.steps import Move, Write

ACT = """
from pathlib import Path
from curation.files.journal import Journal
with Journal(root, root / ".cache/transaction", lambda then: []).plan("change") as plan:
    plan.write(root / "a.txt", "new a")
    plan.write(root / "deep/new/b.txt", "new b")
    plan.move(root / "pool/1.bin", root / "raw/cat/1.bin")
    plan.move(root / "pool/2.bin", root / "raw/cat/2.bin")
    plan.append(root / "log.csv", "3,new\\n4,new\\n")
    plan.append(root / "other.csv", "1,first\\n")
"""
SETTLE = """
from curation.cli.checks import leftovers
from curation.files.journal import Journal
Journal(root, root / ".cache/transaction", lambda then: []).settle()
leftovers.remove_drafts(root)
"""
AGAIN = (
    SETTLE
    + "if not (root / 'raw/cat/1.bin').exists():\n"
    + "".join(f"    {line}\n" for line in ACT.strip().splitlines())
)


def start(root):
    """A folder with the files that ACT changes."""
    (root / "pool").mkdir(parents=True)
    (root / "a.txt").write_text("old a")
    (root / "log.csv").write_text("1,old\n2,old\n")
    for number in (1, 2):
        (root / f"pool/{number}.bin").write_text(str(number))
    return root


def journal(root):
    return Journal(root, root / ".cache/transaction", lambda then: [str(then)])


def test_a_kill_before_each_operation_ends_before_or_after_and_never_between(tmp_path):
    found = killed_everywhere(start(tmp_path / "start"), tmp_path, ACT, again=AGAIN, settle=SETTLE)
    assert found["wrong"] == []
    assert found["kills"] > 25
    assert found["before"] > 5
    assert found["after"] > 5


def test_a_recovery_that_is_killed_as_well_ends_before_or_after(tmp_path):
    root = start(tmp_path / "start")
    planned(root)
    found = killed_everywhere(root, tmp_path, SETTLE, settle=SETTLE)
    assert found["wrong"] == []
    assert found["kills"] > 8


def planned(root):
    """Leave the journal of a command that was killed before its first step."""
    one = journal(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "_carry_out", lambda *_: None)
        exec(ACT, {"root": root})
    assert one.unfinished().command == "change"
    return one


def test_what_follows_is_done_last_and_its_notes_are_kept(tmp_path):
    with journal(tmp_path).plan("x") as plan:
        plan.write(tmp_path / "a.txt", "a")
        plan.then = {"tag": "v1"}
    assert plan.notes == ["{'tag': 'v1'}"]
    assert journal(tmp_path).settle() == ""


def test_an_interrupted_command_is_completed_and_said(tmp_path):
    one = planned(start(tmp_path / "start"))
    assert one.settle() == "An interrupted `curate change` was completed."
    assert (one.root / "log.csv").read_text() == "1,old\n2,old\n3,new\n4,new\n"
    assert one.settle() == ""
    assert one.unfinished() is None


@pytest.mark.parametrize("name", ["a.txt", "deep/new/b.txt", "raw/cat/2.bin"])
def test_where_somebody_has_changed_a_file_since_all_is_taken_back_and_the_change_stays(tmp_path, name):
    one = planned(start(tmp_path / "start"))
    (one.root / name).parent.mkdir(parents=True, exist_ok=True)
    (one.root / name).write_text("mine")
    wanted = state(one.root)
    said = one.settle()
    assert "was taken back, because" in said
    assert (one.root / name).read_text() == "mine"
    assert {key: value for key, value in state(one.root).items() if not key.endswith("/")} == {
        key: value for key, value in wanted.items() if not key.endswith(("/", ".partial"))
    }


def test_lines_of_others_that_came_after_a_kill_stay(tmp_path):
    one = planned(start(tmp_path / "start"))
    with (one.root / "log.csv").open("a") as file:
        file.write("5,theirs\n")
    one.settle()
    assert (one.root / "log.csv").read_text() == "1,old\n2,old\n5,theirs\n3,new\n4,new\n"


@given(number=st.integers(0, 5))
def test_an_error_at_any_step_takes_all_back(tmp_path_factory, number):
    root = start(tmp_path_factory.mktemp("project") / "start")
    before, left = state(root), [number]

    def failing(function):
        def run(self, root):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device", self.path)
            function(self, root)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for kind in (Write, Move):
            patch.setattr(kind, "do", failing(kind.do))
        if number < 4:
            with pytest.raises(OSError, match="No space"):
                exec(ACT, {"root": root})
            assert state(root) == before
        else:
            exec(ACT, {"root": root})
    assert journal(root).unfinished() is None


def test_a_log_that_nobody_may_write_ends_the_command_as_if_it_had_not_begun(tmp_path, monkeypatch):
    root = start(tmp_path / "start")
    before = state(root)

    def refused(path):
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(steps, "appending", refused)
    with pytest.raises(PermissionError):
        exec(ACT, {"root": root})
    assert state(root) == before
    assert journal(root).unfinished() is None


@pytest.mark.parametrize(
    "values",
    [
        {"do": "move", "path": "../outside", "to": "here"},
        {"do": "move", "path": "a.txt", "to": "/etc/hosts"},
        {"do": "move", "path": "a.txt", "to": ".git/hooks/post-commit"},
        {"do": "delete", "path": "a.txt", "aside": "x/../../b"},
        {"do": "write", "path": "a.txt", "draft": "d", "aside": "e", "old": "", "new": 4},
        {"do": "append", "path": "a.txt", "at": "0", "text": "x"},
        {"do": "run", "path": "a.txt"},
        {"do": "append"},
    ],
)
def test_a_journal_that_curate_never_wrote_changes_nothing(tmp_path, values):
    one = journal(start(tmp_path / "start"))
    before = state(one.root)
    one.folder.mkdir(parents=True)
    one.path.write_text(json.dumps({"command": "x", "steps": [values], "then": None}))
    with pytest.raises(JournalError, match="never writes such a file"):
        one.settle()
    assert state(one.root) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"steps": []}', "\x00"])
def test_a_torn_journal_is_named(tmp_path, text):
    one = journal(tmp_path)
    one.folder.mkdir(parents=True)
    one.path.write_text(text)
    with pytest.raises(JournalError, match=r"journal\.json"):
        one.settle()


def test_a_second_command_waits_and_a_look_does_not(tmp_path):
    one = journal(start(tmp_path / "start"))
    with one.plan("x") as plan:
        plan.write(tmp_path / "start/a.txt", "a")
        assert journal(one.root).settle() == ""
        assert journal(one.root).unfinished() is None


def test_between_two_file_systems_a_file_is_copied_and_the_old_one_removed(tmp_path, other_disk):
    root = start(tmp_path / "start")
    (root / "far").symlink_to(other_disk)
    with journal(root).plan("x") as plan:
        plan.move(root / "pool/1.bin", root / "far/new/1.bin")
        assert (root / "pool/1.bin").exists()
    assert (other_disk / "new/1.bin").read_text() == "1"
    assert not (root / "pool/1.bin").exists()
    assert sorted(path.name for path in (root / "pool").iterdir()) == ["2.bin"]
    assert [path.name for path in other_disk.iterdir()] == ["new"]
