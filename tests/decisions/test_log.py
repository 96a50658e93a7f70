"""The log of decisions: nothing is lost, nothing is half-written, and bad rows are named."""

import subprocess
import sys

import pytest
from factories.reviews import HEADER, row
from factories.tables import image_id
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.decisions.log import ReviewsError, append_reviews, read_reviews
from curation.decisions.words import parse_decision
from curation.tables.class_names import BLANKS

ID = image_id("one")


WRITER = """
import hashlib, sys
from pathlib import Path
from curation.decisions.log import append_reviews

for number in range(40):
    image_id = hashlib.md5(f"{sys.argv[2]} {number}".encode()).hexdigest()
    row = {"image_id": image_id, "decision": "keep"}
    append_reviews(Path(sys.argv[1]), [row | {"note": f"note {number}, with a comma"}, row])
"""


def test_two_processes_lose_no_row(tmp_path):
    path = tmp_path / "reviews.csv"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in ("ana", "ben")]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = read_reviews(path)
    assert len(found) == 160
    assert found["image_id"].nunique() == 80
    assert path.read_text().count("image_id") == 1


def test_the_header_and_earlier_rows_stay(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(HEADER + f"{ID},keep,,,,,,\n")
    assert len(append_reviews(path, [row()])) == 1
    assert path.read_text().startswith(HEADER + f"{ID},keep")
    assert len(read_reviews(path)) == 2


def test_an_open_last_line_is_closed_first(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(HEADER + f"{ID},keep,,,,,,")
    append_reviews(path, [row()])
    assert len(read_reviews(path)) == 2


def test_no_file_is_an_empty_log(tmp_path):
    assert read_reviews(tmp_path / "reviews.csv").empty


@settings(max_examples=50)
@given(note=st.text(), label=st.text(st.characters(categories=["L", "N"], exclude_characters=BLANKS), min_size=1))
def test_what_is_written_is_read(tmp_path_factory, note, label):
    path = tmp_path_factory.mktemp("log") / "reviews.csv"
    append_reviews(path, [row(decision="relabel", label=label, note=note)])
    found = read_reviews(path).iloc[0]
    assert (found["label"], found["note"]) == (label, " ".join(note.split()))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nosuch,keep,,,,,,", "no image_id"),
        (f"{ID},promote,,,,,,", "no decision"),
        (f"{ID},turn:45,,,,,,", "no decision"),
        (f"{ID},benchmark:,,,,,,", "no decision"),
        (f"{ID},benchmark:frozen,,,,,,", "no decision"),
        (f"{ID},relabel,,,,,,", "names no label"),
        (f"{ID},keep", "2 fields"),
        (f"{ID},copy:abc,,,,,,", "no image_id"),
        (f"{ID},not_copy,,,,,,", "no decision"),
        (f"{ID},copy:{ID},,,,,,", "with itself"),
        (f"{ID},keep,,,,27/11/2026 14:05,,", "no ISO 8601 time"),
        (f'{ID},keep,,,,,,"cut in', "torn"),
        ("<<<<<<< HEAD", "git merge"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, line, message):
    path = tmp_path / "reviews.csv"
    path.write_text(HEADER + f"{ID},keep,,,,,,\n{line}\n")
    with pytest.raises(ReviewsError, match=message) as caught:
        read_reviews(path)
    assert f"{path} line 3" in str(caught.value)


def test_another_header_is_refused(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text("id,decision\n")
    with pytest.raises(ReviewsError, match="header"):
        read_reviews(path)


def test_logs_of_a_spreadsheet_may_be_added_to_one_another(tmp_path):
    path, mark = tmp_path / "reviews.csv", "\ufeff"
    one, two = f"{ID},keep,,,,,,\r\n", f"{image_id('two')},remove,,,,,,\r\n"
    path.write_text(mark + HEADER + one + mark + HEADER + two + mark + one, encoding="utf-8", newline="")
    assert sorted(read_reviews(path)["decision"]) == ["keep", "remove"]


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", "frozen", "hard\u202e", "ha\u200brd", "hard\x1b[2J"])
def test_a_benchmark_set_has_a_name_that_can_be_a_folder_and_be_seen(name):
    with pytest.raises(ValueError, match="is no decision"):
        parse_decision(f"benchmark:{name}")


def test_a_bad_row_among_good_ones_writes_nothing(tmp_path):
    path = tmp_path / "reviews.csv"
    with pytest.raises(ReviewsError, match=r"line 2.*nonsense"):
        append_reviews(path, [row(), row(decision="nonsense")])
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "remove",
        "unknown",
        "keep",
        "small",
        "relabel",
        "benchmark:hard",
        "turn:90",
        "turn:0",
        f"copy:{ID}",
        f"not_copy:{ID}",
    ],
)
def test_every_decision_reads_back(text):
    assert str(parse_decision(text)) == text


def test_a_torn_line_hides_none_of_its_neighbours(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(HEADER + f'{ID},keep,,,,,,"cut in\n')
    append_reviews(path, [row(number) for number in range(5)])
    with pytest.raises(ReviewsError, match="line 2: a torn line"):
        read_reviews(path)
    path.write_text(path.read_text().replace('"cut in', "mended"))
    assert len(read_reviews(path)) == 6


@pytest.mark.parametrize("label", ["../../x", ".", "..", "x" * 300, "Unknown", "UNKNOWN", "a\\b", ".hidden"])
def test_a_label_that_would_block_the_pipeline_later_is_refused_at_the_door(tmp_path, label):
    path = tmp_path / "reviews.csv"
    with pytest.raises(ReviewsError, match=f"line 2.*{row(2)['image_id']}.*label"):
        append_reviews(path, [row(1), row(2, decision="relabel", label=label)])
    assert not path.exists()


FULL = """
import resource, sys
from pathlib import Path
from curation.decisions.log import append_reviews
from curation.files.append_only import AppendError
path, image_id = Path(sys.argv[1]), sys.argv[2]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    append_reviews(path, [{"image_id": image_id, "decision": "keep", "note": "n" * 500} for _ in range(20)])
except AppendError as error:
    print(error)
"""


def test_a_disk_that_fills_up_leaves_the_log_as_it_was(tmp_path):
    path = tmp_path / "reviews.csv"
    append_reviews(path, [row(1), row(2)])
    before = path.read_bytes()
    for room in (1, 40, 700, 5000):
        command = [sys.executable, "-c", FULL, path, ID, str(len(before) + room)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        assert "Nothing of them was left" in told
        assert path.read_bytes() == before
    append_reviews(path, [row(3)])
    assert len(read_reviews(path)) == 3
