"""Folders and metadata.csv are followed as documented; whatever is wrong with them is one message."""

import os
import unicodedata

import pytest

from curation.images.collection.metadata import MetadataError
from curation.images.collection.scan import LayoutError, near_misses, scan, scan_folder
from curation.tables.class_names import LabelError, canonical

TWO = {"data/raw/cat/a.jpg": "a", "data/raw/dog/b.jpg": "b"}


def table(found):
    return {
        entry.path.split("/", 1)[1]: (entry.label, entry.subclass, entry.origin, entry.benchmark_set) for entry in found
    }


def test_folders_say_source_class_and_subclass(project):
    root = project(TWO | {
        "data/raw/dog/poodle/toy/c.jpg": "",
        "data/raw/unknown/d.jpg": "",
        "data/raw/loose.jpg": "",
        "data/benchmark/hard/cat/e.jpg": "",
        "data/benchmark/hard/unknown/f.jpg": "",
        "data/benchmark/hard/g.jpg": "",
        "data/unlabelled/deep/down/h.jpg": "",
    })  # fmt: skip
    assert table(scan(root)) == {
        "raw/cat/a.jpg": ("cat", "", "real", ""),
        "raw/dog/b.jpg": ("dog", "", "real", ""),
        "raw/dog/poodle/toy/c.jpg": ("dog", "poodle/toy", "real", ""),
        "raw/unknown/d.jpg": ("unknown", "", "real", ""),
        "raw/loose.jpg": ("unknown", "", "real", ""),
        "benchmark/hard/cat/e.jpg": ("cat", "", "real", "hard"),
        "benchmark/hard/unknown/f.jpg": ("unknown", "", "real", "hard"),
        "benchmark/hard/g.jpg": ("unknown", "", "real", "hard"),
        "unlabelled/deep/down/h.jpg": ("", "", "real", ""),
    }


def test_paths_are_relative_posix_and_sorted(project):
    paths = [entry.path for entry in scan(project(TWO | {"data/unlabelled/z.jpg": ""}))]
    assert paths == ["data/raw/cat/a.jpg", "data/raw/dog/b.jpg", "data/unlabelled/z.jpg"]


def test_litter_is_passed_over_and_strangers_are_not(project):
    root = project(TWO | {
        "data/raw/.gitignore": "", "data/raw/cat/.DS_Store": "", "data/raw/cat/Thumbs.db": "",
        "data/raw/.hidden/x.jpg": "",
        "data/raw/cat.dvc": "", "data/raw/cat/notes.txt": "",
    })  # fmt: skip
    assert [entry.path for entry in scan(root)] == [
        "data/raw/cat/a.jpg",
        "data/raw/cat/notes.txt",
        "data/raw/dog/b.jpg",
    ]


def test_metadata_overrides_the_folders(project):
    root = project(TWO | {
        "data/raw/metadata.csv":
            "file_name,label,subclass,origin\ncat/a.jpg,lion,young,staged\ndog/b.jpg,,,synthetic\n",
        "data/raw/dog/c.jpg": "",
        "data/raw/dog/metadata.csv": "\ufefffile_name,subclass\nc.jpg,poodle\n",
        "data/benchmark/hard/cat/d.jpg": "",
        "data/benchmark/hard/metadata.csv": "file_name,label\ncat/d.jpg,dog\n",
    })  # fmt: skip
    assert table(scan(root)) == {
        "raw/cat/a.jpg": ("lion", "young", "staged", ""),
        "raw/dog/b.jpg": ("dog", "", "synthetic", ""),
        "raw/dog/c.jpg": ("dog", "poodle", "real", ""),
        "benchmark/hard/cat/d.jpg": ("dog", "", "real", "hard"),
    }


def test_metadata_finds_names_in_either_unicode_form(project):
    root = project(
        {
            f"data/raw/{unicodedata.normalize('NFD', 'é')}.jpg": "",
            "data/raw/metadata.csv": "file_name,label\né.jpg,ok\n",
        }
    )
    assert [entry.label for entry in scan(root)] == ["ok"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file_name,lable\ncat/a.jpg,x\n", "lable"),
        ("name,label\ncat/a.jpg,x\n", "expected file_name"),
        ("", "its first line is empty"),
        ("file_name,label,label\n", "each once"),
        ("file_name,label\ncat/none.jpg,x\n", r"none\.jpg \(line 2\)"),
        ("file_name,label\n../../secret.jpg,x\n", "leaves its folder"),
        ("file_name,label\n/etc/passwd,x\n", "leaves its folder"),
        ("file_name,label\nC:\\x.jpg,x\n", "leaves its folder"),
        ("file_name,label\n,x\n", "leaves its folder"),
        ("file_name,label\ncat/a.jpg,x\ncat/a.jpg,y\n", "line 3: .* second time"),
        ("file_name,label\ncat/a.jpg\n", "as many cells"),
        ("file_name,label\ncat/a.jpg,x,y\n", "as many cells"),
        ("file_name,origin\ncat/a.jpg,made up\n", "real, staged, synthetic"),
        ("file_name,label\ncat/a.jpg,a/b\n", "line 2: .*slash"),
        ('file_name,label\ncat/a.jpg,"x\n', "no valid CSV"),
        (b"file_name,label\ncat/a.jpg,\xff\xfe\n", "not UTF-8"),
    ],
)
def test_a_wrong_metadata_csv_is_one_message_that_names_it(project, text, words):
    root = project(TWO | {"data/raw/metadata.csv": text})
    with pytest.raises(MetadataError, match=words) as caught:
        scan(root)
    assert "data/raw/metadata.csv" in str(caught.value)


def test_two_metadata_files_may_not_name_one_image(project):
    root = project(
        TWO | {"data/raw/metadata.csv": "file_name\ncat/a.jpg\n", "data/raw/cat/metadata.csv": "file_name\na.jpg\n"}
    )
    with pytest.raises(MetadataError, match=r"both name cat/a\.jpg"):
        scan(root)


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ({}, LayoutError, "data/raw does not exist"),
        ({"data/raw/.keep": ""}, LayoutError, "holds no files"),
        (TWO | {"data/raw/Cat/x.jpg": ""}, LabelError, "case"),
        (TWO | {"data/benchmark/hard/CAT/x.jpg": ""}, LabelError, "data/benchmark/hard/CAT"),
        (TWO | {"data/raw/caf\u00e9/x.jpg": "", "data/raw/cafe\u0301/y.jpg": ""}, LabelError, "Unicode form"),
        (TWO | {"data/raw/UNKNOWN/x.jpg": ""}, LabelError, "reserved"),
        (TWO | {"data/raw/metadata.csv": "file_name,label\ncat/a.jpg,DOG\n"}, LabelError, "cat/a.jpg in metadata.csv"),
        ({"data/raw/train/cat/x.jpg": "", "data/raw/val/cat/x.jpg": ""}, LabelError, "names of splits"),
    ],
)
def test_bad_layouts_are_one_message(project, files, error, words):
    with pytest.raises(error, match=words):
        scan(project(files))


def test_an_empty_class_is_named(project):
    root = project(TWO)
    (root / "data/raw/bird").mkdir()
    with pytest.raises(LayoutError, match=r"empty folders: data/raw/bird\."):
        scan(root)


def test_one_class_alone_is_read(project):
    assert len(scan(project({"data/raw/cat/a.jpg": ""}))) == 1


def test_what_is_no_ordinary_file_is_listed(project):
    root = project(TWO)
    place = root / "data/raw/cat"
    os.mkfifo(place / "pipe.jpg")
    (place / "nowhere.jpg").symlink_to("gone.jpg")
    (place / "round").symlink_to("..")
    (place / os.fsdecode(b"\xff.jpg")).write_bytes(b"")
    (place / "linked.jpg").symlink_to("a.jpg")
    problems = {entry.path.rpartition("/")[2]: entry.problem for entry in scan(root)}
    assert "pipe" in problems.pop("pipe.jpg")
    assert problems.pop("nowhere.jpg") == "a link to nothing"
    assert "leads back" in problems.pop("round")
    assert "UTF-8" in problems.pop("\\xff.jpg")
    assert problems == {"a.jpg": "", "b.jpg": "", "linked.jpg": ""}


def test_linked_folders_are_followed(project):
    root = project({"elsewhere/a.jpg": "", "data/raw/dog/b.jpg": ""})
    (root / "data/raw/cat").symlink_to(root / "elsewhere")
    assert [entry.label for entry in scan(root)] == ["cat", "dog"]


def test_any_folder_takes_its_first_level_as_label(project):
    root = project({"a.jpg": "", "cat/b.jpg": "", "cat/young/c.jpg": "", "CAT/d.jpg": ""})
    assert {entry.path: (entry.label, entry.subclass) for entry in scan_folder(root)} == {
        "a.jpg": ("", ""), "cat/b.jpg": ("cat", ""), "cat/young/c.jpg": ("cat", "young"), "CAT/d.jpg": ("CAT", ""),
    }  # fmt: skip
    with pytest.raises(LayoutError, match="not a folder"):
        scan_folder(root / "none")


def test_a_benchmark_without_a_set_is_one_message(project):
    with pytest.raises(LayoutError, match=r"data/benchmark/<set>/cat/name\.jpg"):
        scan(project(TWO | {"data/benchmark/cat/c.jpg": "", "data/benchmark/dog/d.jpg": ""}))


@pytest.mark.parametrize("path", ["Cat/c.jpg", "cat/young/c.jpg", "cat/unknown/c.jpg"])
def test_a_benchmark_without_a_set_is_seen_in_other_spellings_and_with_sub_classes(project, path):
    with pytest.raises(LayoutError, match="A set has a folder of its own"):
        scan(project(TWO | {f"data/benchmark/{path}": ""}))


def test_a_set_may_not_have_the_name_of_the_drawn_benchmark(project):
    with pytest.raises(LayoutError, match=r"data/benchmark/frozen: .*Rename the folder"):
        scan(project(TWO | {"data/benchmark/frozen/cat/c.jpg": ""}))


def test_a_set_named_as_a_class_may_hold_classes(project):
    root = project(TWO | {"data/benchmark/cat/cat/c.jpg": ""})
    assert table(scan(root))["benchmark/cat/cat/c.jpg"] == ("cat", "", "real", "cat")


@pytest.mark.parametrize("name", ["@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/x.jpg", "lost+found/y.jpg"])
def test_what_storage_systems_leave_behind_is_no_class(project, name):
    root = project(TWO | {f"data/raw/{name}": "", f"data/raw/cat/{name}": ""})
    assert [entry.path for entry in scan(root)] == ["data/raw/cat/a.jpg", "data/raw/dog/b.jpg"]


@pytest.mark.parametrize("name", ["labels.csv", "Metadata.csv", "cat/LABELS.CSV", "metadata.json", "Metadata.jsonl"])
def test_a_table_of_a_near_name_is_said_to_be_meant(project, name):
    found = {entry.path: entry.problem for entry in scan(project(TWO | {f"data/raw/{name}": "x"}))}
    assert "probably meant to be metadata.csv" in found[f"data/raw/{name}"]
    assert not found["data/raw/cat/a.jpg"]


def test_folders_of_a_near_name_are_named(project):
    root = project(TWO | {f"data/{name}/x.jpg": "" for name in ("unlabeled", "Benchmarks", "pixels", "notes")})
    assert near_misses(root) == [
        "data/Benchmarks is not read: did you mean data/benchmark?",
        "data/unlabeled is not read: did you mean data/unlabelled?",
    ]


@pytest.mark.parametrize("name", ["c\u200bat", "cat\ufeff", "\u202ecat", "ca\u00adt", "a\u3164b", "cat\u200d"])
def test_a_class_name_with_a_character_that_nobody_sees_is_refused(name):
    with pytest.raises(LabelError, match="nobody can see"):
        canonical(name)


NEEDED = ["👩\u200d🚀", "\u0645\u06cc\u200c\u062e", "क्\u200dष", "❤️", "🏴\U000e0067\U000e007f"]


@pytest.mark.parametrize("name", NEEDED)
def test_joiners_that_a_script_needs_may_stay(name):
    assert canonical(name) == unicodedata.normalize("NFC", name)
