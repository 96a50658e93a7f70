"""The log of decisions: nothing is lost, nothing is half-written, and bad rows are named."""

import subprocess
import sys

import pytest
import selection_toys as toys
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.decisions.log import REVIEW_COLUMNS, ReviewsError, append_reviews, parse_decision, read_reviews

HEADER = ",".join(REVIEW_COLUMNS) + "\n"
ID = toys.image_id("one")


def row(number=1, **values):
    return {"image_id": toys.image_id(number), "decision": "keep", **values}


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
    assert append_reviews(path, [row()]) == 1
    assert path.read_text().startswith(HEADER + f"{ID},keep")
    assert len(read_reviews(path)) == 2


def test_an_open_last_line_is_closed_first(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(HEADER + f"{ID},keep,,,,,,")
    append_reviews(path, [row()])
    assert len(read_reviews(path)) == 2


def test_no_file_is_an_empty_log(tmp_path):
    assert read_reviews(tmp_path / "reviews.csv").empty


@settings(deadline=None, max_examples=50)
@given(note=st.text(), label=st.text(st.characters(categories=["L", "N"]), min_size=1))
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


def test_a_bad_row_among_good_ones_writes_nothing(tmp_path):
    path = tmp_path / "reviews.csv"
    with pytest.raises(ReviewsError):
        append_reviews(path, [row(), row(decision="nonsense")])
    assert not path.exists()


@pytest.mark.parametrize(
    "text", ["remove", "unknown", "keep", "small", "relabel", "benchmark:hard", "turn:90", "turn:0"]
)
def test_every_decision_reads_back(text):
    assert str(parse_decision(text)) == text
