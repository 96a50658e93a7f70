"""A file that is accepted as a class lies in a folder that is read as this class, whatever the class is called."""

import json
import os
import unicodedata
import xml.etree.ElementTree as ET
from urllib.parse import parse_qs, urlsplit

import pytest
from factories.odd_names import KINDS, names
from factories.tables import identified

from curation.images.collection.scan import scan
from curation.labelling import cvat, label_studio
from curation.labelling.accept import move
from curation.tables.class_names import canonical, label_problem, look_alike


def test_an_accepted_file_is_read_as_the_class_that_was_decided(tmp_path):
    alone = {}
    for name in names():
        if name not in KINDS["no text"] and not label_problem(name):
            alone.setdefault(look_alike(name), canonical(name))
    assert len(alone) > 200
    classes = [name for name in alone.values() if name != "unknown"]
    decided = {f"data/unlabelled/{number}.png": (f"{number:032d}", name) for number, name in enumerate(classes)}
    put(tmp_path, decided)
    assert move(decided, tmp_path) == (len(decided), {})
    read = {one.path.split("/")[-1]: one.label for one in scan(tmp_path)}
    assert read == {path.split("/")[-1]: name for path, (_, name) in decided.items()}


def test_files_of_any_name_move_twice_into_one_class(tmp_path):
    left_out = {*KINDS["no text"], "metadata.csv"}  # a sheet, which `move` reads
    there = [name for name in names() if name not in left_out and not name.startswith(".")]
    for round_ in range(3):
        decided = {f"data/unlabelled/{name}": (f"{round_}{number:031x}", "cat") for number, name in enumerate(there)}
        put(tmp_path, decided)
        assert move(decided, tmp_path) == (len(there), {})
    moved = [path.name for path in (tmp_path / "data/raw/cat").iterdir()]
    assert len(moved) == 3 * len(there)
    assert max(len(os.fsencode(name)) for name in moved) == 255


def test_a_class_folder_that_is_spelt_otherwise_is_used(tmp_path):
    spelt = unicodedata.normalize("NFD", "Überträger")
    put(tmp_path, [f"data/raw/{spelt}/1.png", "data/unlabelled/2.png"])
    label = unicodedata.normalize("NFC", spelt)
    assert move({"data/unlabelled/2.png": ("2" * 32, label)}, tmp_path) == (1, {})
    assert [path.name for path in (tmp_path / "data/raw").iterdir()] == [spelt]
    assert {one.label for one in scan(tmp_path)} == {label}


def test_a_label_that_a_hand_wrote_as_a_path_leads_nowhere(tmp_path):
    put(tmp_path, ["data/unlabelled/1.png"])
    move({"data/unlabelled/1.png": ("1" * 32, "../../../x")}, tmp_path)
    assert [path.parent.parent for path in tmp_path.rglob("1.png")] == [tmp_path / "data/raw"]


def put(root, paths):
    """Empty files."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def test_odd_names_go_to_the_labelling_tools_and_come_back(tmp_path):
    paths = [f"data/unlabelled/{name}" for name in names() if name not in KINDS["no text"]]
    fit = [path for path in paths if not cvat.NO_XML.search(path)]
    classes = ["=1+1", "a\"b'c", "<b>", "a & b", "猫", "x" * 255]
    table = identified(*({"path": path, "label": classes[at % len(classes)]} for at, path in enumerate(fit)))
    assert cvat.write_images(table, tmp_path / "tags.xml", classes) == len(fit) > 230
    known = dict(zip(table.path, table.image_id, strict=True))
    assert cvat.read_written(tmp_path / "tags.xml", known) == dict(zip(table.image_id, table.label, strict=True))
    odd = identified(*({"path": path} for path in paths))
    with pytest.raises(cvat.CvatError, match="no XML file"):
        cvat.write_images(odd, tmp_path / "tags.xml", classes)
    label_studio.write_tasks(odd, tmp_path / "tasks.json", "m")
    for task, path in zip(json.loads((tmp_path / "tasks.json").read_text()), paths, strict=True):
        assert parse_qs(urlsplit(task["data"]["image"]).query, keep_blank_values=True) == {"d": [path]}
        assert task["data"]["path"] == path
    choices = ET.fromstring(label_studio.config(classes)).iter("Choice")
    assert [one.get("value") for one in choices] == [*classes, "unknown", "remove"]
