"""The table `images`: one row for each content, the same bytes whatever the order, the workers or the cache."""

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.projects import Repository
from PIL import Image

from curation import tables
from curation.images import ingest as stage
from curation.images.collection.known_md5 import known_to_dvc
from curation.images.collection.scan import scan
from curation.images.hashing import HashError
from curation.images.image_measures import Measures, Settings
from curation.images.ingest import ingest, ingest_batches, ingest_folder
from curation.images.ingest_cache import Cache, CacheError
from curation.images.reading import Reading
from curation.images.store.pixel_store import write_store
from curation.images.store.pixels import PixelsError
from curation.params.loading import parse

ONE = parse({"ingest": {"workers": 1}})
CACHE = Path(".cache/curation")


@pytest.fixture
def collection(project, picture, encoded):
    """A small project with copies, a pool, a benchmark and files that can't be read."""
    images = {seed: encoded(picture(seed), quality=90) for seed in range(12)}
    files: dict[str, bytes | str] = {
        f"data/raw/{'cat' if seed % 2 else 'dog'}/{seed}.jpg": data for seed, data in images.items()
    }
    files |= {
        "data/raw/dog/again.jpg": images[0],
        "data/raw/unknown/also.jpg": images[1],
        "data/raw/unknown/only.jpg": encoded(picture(20)),
        "data/unlabelled/pool.jpg": images[2],
        "data/unlabelled/new.png": encoded(picture(21), "PNG"),
        "data/benchmark/hard/cat/frozen.jpg": images[3],
        "data/raw/cat/cut.jpg": images[5][:600],
        "data/raw/cat/text.jpg": "no picture",
        "data/raw/cat/really.jpg": encoded(picture(22), "PNG"),
        "data/raw/cat/nothing.jpg": b"",
    }
    root = project(files)
    for path in root.rglob("*.*"):
        age(path)
    return root


def age(path: Path, seconds: float = 100) -> None:
    """Make a file look as if it was written a while ago, as files are that lie in a collection."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def written(root: Path, params=ONE) -> bytes:
    path = root / "data/images.parquet"
    tables.write_batches(ingest_batches(root, params), path, tables.IMAGES)
    content = path.read_bytes()
    path.unlink()
    return content


def by_path(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(frame["path"].str.rpartition("/")[2])


def test_one_row_stands_for_each_content(collection):
    frame = ingest(collection, ONE)
    assert list(frame.columns) == tables.IMAGES.columns
    assert frame["image_id"].is_monotonic_increasing
    assert frame["image_id"].is_unique
    files = [one.path for one in scan(collection)]
    assert sorted([*frame["path"], *(path for copies in frame["copy_paths"] for path in copies)]) == files
    for row in frame.itertuples():
        for path in (row.path, *row.copy_paths):
            data = (collection / path).read_bytes()
            assert hashlib.md5(data).hexdigest() == row.image_id
            assert len(data) == row.bytes


def test_the_file_that_says_most_stands_for_the_others(collection):
    rows = by_path(ingest(collection, ONE))
    assert list(rows.loc["0.jpg", "copy_paths"]) == ["data/raw/dog/again.jpg"]
    assert list(rows.loc["1.jpg", "copy_labels"]) == ["unknown"]
    assert list(rows.loc["2.jpg", "copy_paths"]) == ["data/unlabelled/pool.jpg"]
    assert rows.loc["frozen.jpg", ["source", "benchmark_set", "label"]].tolist() == ["benchmark", "hard", "cat"]
    assert list(rows.loc["frozen.jpg", "copy_paths"]) == ["data/raw/cat/3.jpg"]
    assert rows.loc["only.jpg", "label"] == "unknown"
    assert rows.loc["new.png", "label"] == ""


def test_what_can_not_be_read_is_listed_and_the_run_goes_on(collection):
    rows = by_path(ingest(collection, ONE))
    bad = rows[rows["error"] != ""]
    assert set(bad.index) == {"cut.jpg", "text.jpg", "nothing.jpg"}
    assert "truncated" in bad.loc["cut.jpg", "error"]
    assert (bad["hash"] == b"").all()
    assert bad["blur"].isna().all()
    assert rows.loc["really.jpg", "note"] == "PNG data in a file named .jpg"
    assert (rows.loc["really.jpg", "error"], rows.loc["really.jpg", "format"]) == ("", "PNG")


@pytest.mark.parametrize("workers", [1, 2])
def test_the_table_is_the_same_whatever_the_order_or_the_workers(collection, tmp_path, workers):
    expected = written(collection)
    shuffled = tmp_path / "elsewhere"
    paths = [one.path for one in scan(collection)]
    random.Random(workers).shuffle(paths)
    for path in paths:
        (shuffled / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(collection / path, shuffled / path)
    assert written(shuffled, parse({"ingest": {"workers": workers}})) == expected


def test_deleting_the_cache_changes_nothing(collection):
    first = written(collection)
    assert written(collection) == first
    shutil.rmtree(collection / CACHE)
    assert written(collection) == first


def overwrite_unseen(path: Path, data: bytes) -> None:
    """Change bytes behind the back of anybody who goes by path, size, time and inode."""
    state = path.stat()
    with path.open("r+b") as stream:
        stream.write(data[: state.st_size].ljust(state.st_size, b"\0"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_only_what_is_new_is_read(collection, picture, encoded):
    before = ingest(collection, ONE)
    overwrite_unseen(collection / "data/raw/dog/4.jpg", b"gone")
    (collection / "data/raw/dog/new.jpg").write_bytes(encoded(picture(30)))
    after = by_path(ingest(collection, ONE))
    assert after.loc["4.jpg", "image_id"] == by_path(before).loc["4.jpg", "image_id"]
    assert after.loc["new.jpg", "error"] == ""
    assert len(after) == len(before) + 1


@pytest.mark.parametrize("change", ["content", "time", "replaced"])
def test_what_has_changed_is_read_again(collection, picture, encoded, change):
    ingest(collection, ONE)
    path = collection / "data/raw/dog/4.jpg"
    data = encoded(picture(31))
    if change == "content":
        path.write_bytes(data)
        age(path, 50)
    else:
        same_size = data.ljust(path.stat().st_size, b"\0")[: path.stat().st_size]
        state = path.stat()
        if change == "replaced":
            path.with_suffix(".tmp").write_bytes(same_size)
            path.with_suffix(".tmp").rename(path)
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        else:
            overwrite_unseen(path, same_size)
            age(path, 50)
    assert by_path(ingest(collection, ONE)).loc["4.jpg", "image_id"] == hashlib.md5(path.read_bytes()).hexdigest()


def test_a_file_written_just_now_is_not_trusted_by_its_time(collection):
    path = collection / "data/raw/dog/4.jpg"
    path.touch()
    ingest(collection, ONE)
    overwrite_unseen(path, b"changed within a tick of the clock")
    assert by_path(ingest(collection, ONE)).loc["4.jpg", "error"] != ""


def test_other_params_are_other_measures_and_going_back_is_free(collection):
    first = written(collection)
    wide = parse({"ingest": {"workers": 1}, "dedupe": {"bits": 256}})
    assert written(collection, wide) != first
    for path in scan(collection):
        overwrite_unseen(collection / path.path, b"gone")
    assert written(collection) == first
    assert written(collection, wide) != first


@pytest.mark.parametrize("content", [b"", b"this is no database", bytes(5000)])
def test_a_damaged_cache_is_made_anew(collection, content):
    first = written(collection)
    for path in (collection / CACHE).iterdir():
        path.write_bytes(content)
    assert written(collection) == first


def test_a_cache_that_can_not_be_written_costs_time_only(collection):
    first = written(collection)
    shutil.rmtree(collection / CACHE)
    (collection / CACHE).write_bytes(b"a file where the folder should be")
    assert written(collection) == first


def test_a_full_disk_is_a_message(collection, monkeypatch):
    class Full(Cache):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self._database.execute("PRAGMA max_page_count = 1")

    monkeypatch.setattr(stage, "Cache", Full)
    with pytest.raises(CacheError, match=r"disk is full.*Free space"):
        ingest(collection, ONE)


def test_a_killed_run_goes_on_where_it_was(collection, picture, encoded):
    before = len(scan(collection)) - 4  # contents: four files are copies
    data = encoded(picture(40, (400, 300)))
    for number in range(100, 1300):
        path = collection / f"data/raw/cat/{number}.jpg"
        path.write_bytes(data + str(number).encode())
        age(path)
    code = (
        "from pathlib import Path\n"
        "from curation.images.ingest import ingest\n"
        "from curation.params.loading import parse\n"
        f"if __name__ == '__main__': ingest(Path({str(collection)!r}), parse({{'ingest': {{'workers': 1}}}}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    database = collection / CACHE / "ingest-2.sqlite"
    until = time.monotonic() + 60
    while process.poll() is None and counted(database) == 0 and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert counted(database) > 0
    assert not list(collection.glob("data/*.parquet*"))
    assert len(ingest(collection, ONE)) == 1200 + before


def counted(database: Path) -> int:
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*) FROM files").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_files_that_nobody_may_read_are_named_by_their_path(project, picture, encoded):
    root = project({"data/raw/cat/a.jpg": encoded(picture(0)), "data/raw/dog/b.jpg": encoded(picture(1))})
    os.mkfifo(root / "data/raw/dog/pipe.jpg")
    rows = by_path(ingest(root, ONE))
    assert "pipe" in rows.loc["pipe.jpg", "error"]
    assert rows["image_id"].is_unique


def test_a_hash_that_does_not_exist_is_refused_before_work(collection):
    with pytest.raises(HashError, match="256 bits"):
        ingest(collection, parse({"dedupe": {"hash": "pdq"}}))


def test_any_folder_can_be_read(project, picture, encoded):
    root = project({"cat/a.jpg": encoded(picture(0)), "b.png": encoded(picture(1), "PNG"), "c.jpg": "no"})
    frame = ingest_folder(root, ONE)
    assert set(zip(frame["path"], frame["label"], strict=True)) == {("cat/a.jpg", "cat"), ("b.png", ""), ("c.jpg", "")}
    assert not (root / ".cache").exists()
    assert ingest_folder(project({"empty/.keep": ""}) / "empty", ONE).columns.tolist() == tables.IMAGES.columns


def test_measures_that_depend_on_the_moment_are_not_kept(tmp_path):
    found = scan_one(tmp_path)
    moment = Reading("a" * 32, 1, 2, 3, Measures(error="it took longer than 30 seconds"), steady=False)
    lasting = Reading("b" * 32, 1, 2, 3, Measures(error="damaged"))
    with Cache(tmp_path, Settings()) as cache:
        assert list(cache.kept([found, found], [moment, lasting])) == [moment, lasting]
        assert cache.measured(["a" * 32, "b" * 32]) == {"b" * 32}
        assert cache.measures(["a" * 32, "b" * 32])["b" * 32].error == "damaged"
        assert np.isnan(cache.measures(["b" * 32])["b" * 32].blur)


def scan_one(folder: Path):
    (folder / "data/raw/cat").mkdir(parents=True)
    (folder / "data/raw/cat/a.jpg").write_bytes(b"x")
    return scan(folder)[0]


def test_what_dvc_has_hashed_is_not_hashed_again(collection):
    Repository.start(collection).run("dvc", "add", "-q", "data/raw")
    found = scan(collection)
    raw = [one for one in found if one.source == "raw"]
    known = known_to_dvc(collection, raw, worth_from=1)
    assert known == [hashlib.md5((collection / one.path).read_bytes()).hexdigest() for one in raw]
    changed = collection / raw[0].path
    changed.write_bytes(b"changed")
    assert (
        known_to_dvc(collection, scan(collection), worth_from=1)[[one.path for one in found].index(raw[0].path)] == ""
    )
    assert set(known_to_dvc(collection, raw)) == {""}


def test_a_larger_limit_of_megapixels_holds_from_ingest_to_resize(project, encoded):
    """256 megapixels; 250 is the default."""
    root = project({"data/raw/cat/large.jpg": encoded(Image.new("L", (16_000, 16_000), 90))})
    params = parse({"ingest": {"workers": 1, "max_megapixels": 300}})
    images = ingest(root, params)
    assert images["error"].tolist() == [""]
    wanted = images[["image_id"]].assign(path=str(root / images["path"][0]), turn=0)
    wanted.attrs["max_megapixels"] = params.ingest.max_megapixels
    assert write_store(wanted, root / "out", root / "cache", 32, params.resize).decoded == 1
    wanted.attrs["max_megapixels"] = 250
    with pytest.raises(PixelsError, match=r"256 megapixels; at most 250 \(ingest.max_megapixels\)"):
        write_store(wanted, root / "out", root / "other", 32, params.resize)
