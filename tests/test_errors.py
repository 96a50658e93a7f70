"""An error that a person can mend is one message and exit code 1; a fault of ours keeps its traceback."""

from pathlib import Path

import pytest

from curation.errors import CurationError, fail_cleanly


def test_a_curation_error_is_one_message():
    @fail_cleanly
    def main():
        raise CurationError("data/raw does not exist: put your images there")

    with pytest.raises(SystemExit, match=r"^error: data/raw does not exist: put your images there$"):
        main()


def test_a_full_disk_is_one_message_that_names_the_place():
    @fail_cleanly
    def main():
        with Path("/dev/full").open("w") as file:
            file.write("x" * 100_000)

    with pytest.raises(SystemExit, match=r"No space left on device"):
        main()


def test_a_read_only_place_is_named(tmp_path):
    @fail_cleanly
    def main():
        (tmp_path / "no" / "such" / "folder.txt").write_text("x")

    with pytest.raises(SystemExit, match=r"the disk refused at .*folder\.txt"):
        main()


def test_a_fault_of_ours_is_not_hidden():
    @fail_cleanly
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()
