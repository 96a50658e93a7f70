"""Every odd name at the door: a folder or file of that name is read, or refused with its name; nothing vanishes."""

import os
import subprocess
import sys
from collections import Counter

import pandas as pd
import pytest
from factories.odd_names import KINDS, names
from hypothesis import given
from hypothesis import strategies as st

from curation.decisions.log import append_reviews
from curation.errors import CurationError, printable
from curation.files import fitting
from curation.images.collection.scan import scan
from curation.images.collection.walk import names_not_text
from curation.tables.class_names import label_problem
from curation.tables.names_as_data import read_csv, write_csv

ID = "0" * 32
PLACES = ("raw/{}/1.png", "raw/dog/{}/1.png", "benchmark/{}/dog/1.png")
AS_NUMBERS = ["0", "007", "1e5", "1e400", "-1", "+1", "nan", "NaN", "inf", "true", "null", "NA", "", " "]


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_of_any_name_is_read_or_refused_by_its_name(tmp_path, place):
    for number, name in enumerate(names()):
        root = tmp_path / f"{number}"
        put(root / "data/raw/dog/1.png")
        put(root / "data" / place.format(name))
        passed_over = Counter()
        refusal, found = "", []
        try:
            found = scan(root, passed_over)
        except CurationError as error:
            refusal = str(error)
        if refusal:
            shown = {printable(name), ascii(name)[1:-1], repr(name)[1:-1], name}
            assert any(one[:40] in refusal for one in shown), (name, refusal)
            continue
        assert len(found) + sum(passed_over.values()) == 2, name
        assert all(not label_problem(one.label) for one in found if one.source == "raw"), name


def test_a_file_of_any_name_is_a_row(tmp_path):
    there = [name for name in names() if name not in {"metadata.csv", "x.dvc"}]
    put(tmp_path / "data/raw/dog/1.png")
    for name in there:
        put(tmp_path / "data/unlabelled" / name)
    passed_over = Counter()
    found = [one for one in scan(tmp_path, passed_over) if one.source == "unlabelled"]
    assert len(found) + sum(passed_over.values()) == len(there)
    assert {one.problem for one in found} == {"", "its name is not valid UTF-8: rename it"}
    assert len(names_not_text(tmp_path / "data/unlabelled")) == sum(bool(one.problem) for one in found)
    assert all(one.path.encode() for one in found)


def test_the_log_takes_a_label_exactly_where_a_folder_of_that_name_is_read(tmp_path):
    for number, name in enumerate([*names(), ".", "..", "../../x", "a/b", "", "x" * 300]):
        row = {"image_id": ID, "decision": "relabel", "label": name}
        if label_problem(" ".join(name.split())):
            with pytest.raises(CurationError, match="label"):
                append_reviews(tmp_path / f"{number}.csv", [row])
        else:
            append_reviews(tmp_path / f"{number}.csv", [row])


def test_a_folder_that_can_not_be_opened_is_named_and_not_called_empty(tmp_path):
    put(tmp_path / "data/raw/dog/1.png")
    put(tmp_path / "data/raw/cat/1.png")
    (tmp_path / "data/raw/cat").chmod(0)
    look = (
        "import os, sys; from pathlib import Path; from curation.images.collection.scan import scan\n"
        "os.setuid(65534) if os.getuid() == 0 else None\n"
        "print([one.problem for one in scan(Path(sys.argv[1]))])"
    )
    own = [folder for folder in tmp_path.parents if folder.name.startswith(("pytest-", "popen-"))]
    for folder in (tmp_path / "data/raw", tmp_path / "data", tmp_path, *own):
        folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", look, str(tmp_path)], capture_output=True, text=True, check=False)
    (tmp_path / "data/raw/cat").chmod(0o755)
    assert "the system refused to open this folder" in done.stdout, done.stderr


@given(st.lists(st.one_of(st.sampled_from(AS_NUMBERS), st.text(alphabet=st.characters(codec="utf-8"))), min_size=1))
def test_names_in_a_csv_file_come_back_as_they_were(tmp_path_factory, labels):
    path = tmp_path_factory.getbasetemp() / "names.csv"
    plain = [label.replace("\r", "").replace("\n", "") for label in labels]
    write_csv(pd.DataFrame({"class": plain, "n": range(len(plain))}), path)
    assert read_csv(path)["class"].tolist() == plain


@given(st.sampled_from([name for name in names() if name not in KINDS["no text"]]), st.sampled_from(["", "-0123abcd"]))
def test_a_marked_name_fits_the_disk_and_keeps_its_suffix(name, mark):
    found = fitting(name, mark)
    assert len(os.fsencode(found)) <= 255
    assert mark in found
    if len(os.fsencode(name)) + len(mark) <= 255:
        assert found.replace(mark, "", 1) == name if mark else found == name


def put(path):
    """An empty file, as the scan opens none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
