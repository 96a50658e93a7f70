"""A file is whole or is not there, whatever happens while it is written."""

import pytest

from curation.files import whole, write_text


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
