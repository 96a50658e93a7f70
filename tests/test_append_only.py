"""A log holds every line that was added, whole, whatever happens to its writers and to the disk."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.files.append_only import LineError, append_lines, appending, read_json


def rows(path):
    return [row for _, row in read_json(path)]


def test_a_log_that_does_not_exist_has_no_lines(tmp_path):
    assert rows(tmp_path / "log.jsonl") == []


def test_lines_are_read_in_the_order_in_which_they_were_added(tmp_path):
    path = tmp_path / "new" / "log.jsonl"
    append_lines(path, [])
    assert not path.exists()
    append_lines(path, ['{"a": 1}'])
    append_lines(path, ['{"a": 2}', '{"a": "\\u2028 é"}'])
    assert list(read_json(path)) == [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": "\u2028 é"})]


@given(cut=st.integers(1, 60), added=st.integers(1, 3))
def test_a_torn_line_is_named_and_swallows_no_neighbour(tmp_path_factory, cut, added):
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    append_lines(path, [json.dumps({"number": number, "note": 'quoted " note'}) for number in range(3)])
    data = path.read_bytes()
    path.write_bytes(data[: max(len(data) - cut, 1)])
    complete = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    append_lines(path, [json.dumps({"number": 10 + number}) for number in range(added)])
    seen = []
    for line in path.read_text().split("\n"):
        try:
            seen.append(json.loads(line))
        except ValueError:
            continue
    assert [row for row in seen if row["number"] < 10][: len(complete)] == complete
    assert [row["number"] for row in seen if row["number"] >= 10] == [10 + number for number in range(added)]


@pytest.mark.parametrize("line", ['{"a": 1', "[1]", "4", "<<<<<<< HEAD", "\x00"])
def test_a_foreign_line_is_named_with_its_number(tmp_path, line):
    path = tmp_path / "log.jsonl"
    append_lines(path, ['{"a": 1}', line])
    with pytest.raises(LineError, match="line 2"):
        rows(path)


FULL = """
import resource, sys
from pathlib import Path
from curation.files.append_only import AppendError, append_lines
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    append_lines(path, ["{}" * 100] * 20)
except AppendError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [1, 300, 2000])
def test_a_disk_that_fills_up_leaves_the_log_as_it_was(tmp_path, room):
    path = tmp_path / "log.jsonl"
    append_lines(path, ['{"a": 1}'])
    before = path.read_bytes()
    command = [sys.executable, "-c", FULL, path, str(len(before) + room)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "Nothing of them was left" in told
    assert path.read_bytes() == before


WRITER = """
import sys
from pathlib import Path
from curation.files.append_only import append_lines
for number in range(100):
    append_lines(Path(sys.argv[1]), ['{"writer": "%s", "number": %d}' % (sys.argv[2], number)] * 2)
"""


def test_two_writers_at_once_lose_no_line(tmp_path):
    path = tmp_path / "log.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in "ab"]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    found = rows(path)
    assert len(found) == 400
    for name in "ab":
        assert [row["number"] for row in found if row["writer"] == name] == [n for n in range(100) for _ in range(2)]


def test_a_line_goes_to_the_file_that_git_put_at_the_path_meanwhile(tmp_path):
    path = tmp_path / "log.jsonl"
    append_lines(path, ['{"a": 1}'])
    command = [sys.executable, "-c", WRITER.replace("range(100)", "range(1)"), path, "late"]
    with appending(path):
        late = subprocess.Popen(command)
        with pytest.raises(subprocess.TimeoutExpired):
            late.wait(2)
        other = tmp_path / "other"
        other.write_text('{"a": 2}\n')
        other.replace(path)
    assert late.wait(60) == 0
    assert [row.get("a", row.get("writer")) for row in rows(path)] == [2, "late", "late"]
