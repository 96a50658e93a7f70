"""A file is whole or is not there, whatever happens while it is written."""

import os
import subprocess
import sys

import pytest
from factories.full_disks import may_mount, small_disk

from curation.files import whole, write_text
from curation.files.whole_files import is_abandoned, reserve


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "table.txt"
    with whole(path) as draft:
        draft.write_text("half")
        assert not path.exists()
        draft.write_text("whole")
    assert path.read_text() == "whole"
    assert [file.name for file in path.parent.iterdir()] == ["table.txt"]


def fail_while_writing(path, error):
    with whole(path) as draft:
        draft.write_text("half")
        raise error


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_was_there_stays_when_the_block_fails(tmp_path, error):
    path = tmp_path / "table.txt"
    path.write_text("old")
    with pytest.raises(error):
        fail_while_writing(path, error)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.txt"]


def test_a_link_is_replaced_and_what_it_pointed_to_stays(tmp_path):
    (tmp_path / "cache").write_text("kept")
    (tmp_path / "model").symlink_to(tmp_path / "cache")
    write_text(tmp_path / "model", "néw\r\n")
    assert (tmp_path / "cache").read_text() == "kept"
    assert (tmp_path / "model").read_bytes() == "néw\r\n".encode()


WRITER = """
import sys
from pathlib import Path
from curation.files import whole
path, letter = Path(sys.argv[1]), sys.argv[2]
for _ in range(150):
    with whole(path) as draft, draft.open("w") as file:
        for _ in range(20):
            file.write(letter * 500)
            file.flush()
"""


def test_two_processes_that_write_one_file_never_show_a_mixed_or_a_half_file(tmp_path):
    path = tmp_path / "table.txt"
    write_text(path, "a" * 10_000)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, letter]) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(path.read_text())
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {"a" * 10_000, "b" * 10_000}
    assert [file.name for file in tmp_path.iterdir()] == ["table.txt"]


KILLED = """
import os, signal, sys
from pathlib import Path
from curation.files import whole
with whole(Path(sys.argv[1])) as draft:
    draft.write_text("half of a long text")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_draft_of_a_killed_process_is_taken_over(tmp_path):
    path = tmp_path / "table.txt"
    subprocess.run([sys.executable, "-c", KILLED, path], check=False, timeout=60)
    (left,) = tmp_path.iterdir()
    assert is_abandoned(left)
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["table.txt"]


def test_a_draft_that_is_being_written_is_not_abandoned(tmp_path):
    with whole(tmp_path / "table.txt") as draft:
        assert not is_abandoned(draft)
        with whole(tmp_path / "table.txt") as other:
            assert other != draft


def test_a_name_of_any_length_that_the_file_system_takes_can_be_written(tmp_path):
    for name in ("n" * 255, "\u1234" * 85):
        write_text(tmp_path / name, "text")
        assert (tmp_path / name).read_text() == "text"


def test_a_file_has_the_permissions_that_the_umask_gives(tmp_path):
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "table.txt", "text")
    finally:
        os.umask(old)
    assert (tmp_path / "table.txt").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not may_mount(), reason="this process may not mount a disk")
def test_room_for_a_file_that_is_written_through_memory_is_taken_before(tmp_path):
    with small_disk(2**16) as disk, (disk / "array").open("w+b") as file:
        file.truncate(2**20)
        with pytest.raises(OSError, match="No space left"):
            reserve(file.fileno())
        file.truncate(2**12)
        reserve(file.fileno())
        assert os.fstat(file.fileno()).st_size == 2**12
