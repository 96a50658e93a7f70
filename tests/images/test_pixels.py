import hashlib
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from curation.images.store.model_input import square, upright
from curation.images.store.pixel_cache import PixelCache
from curation.images.store.pixel_store import expected_bytes, plan, write_store
from curation.images.store.pixels import Pixels, PixelsError
from curation.params.blocks import Resize

ARRAY, JPEG = Resize(workers=1), Resize(workers=1, store="jpeg", quality=98)


def paint(root: Path, count: int, turn: int = 0) -> pd.DataFrame:
    rows = []
    for number in range(count):
        draw = np.random.default_rng(number)
        small = draw.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        path = root / f"{number}.png"
        Image.fromarray(small).resize((40, 30), Image.Resampling.BICUBIC).save(path)
        rows.append((hashlib.md5(path.read_bytes()).hexdigest(), str(path), turn))
    return pd.DataFrame(rows, columns=["image_id", "path", "turn"])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("config", [ARRAY, JPEG], ids=["array", "jpeg"])
def test_every_image_comes_back_at_the_size_wanted(tmp_path, config):
    wanted = paint(tmp_path, 12)
    write_store(wanted, tmp_path / "out", tmp_path / "cache", 24, config)
    pixels = Pixels(tmp_path / "out")
    assert pixels.image_ids == sorted(wanted["image_id"])
    got = pixels.batch(pixels.rows(wanted["image_id"]))
    expected = np.stack([square(Image.open(path), 24) for path in wanted["path"]])
    assert got.shape == (12, 24, 24, 3)
    assert np.abs(got.astype(int) - expected).mean() < (1e-9 if config is ARRAY else 4)


@pytest.mark.parametrize("config", [ARRAY, JPEG], ids=["array", "jpeg"])
def test_the_store_does_not_depend_on_order_workers_or_cache(tmp_path, config):
    wanted = paint(tmp_path, 9)
    write_store(wanted, tmp_path / "one", tmp_path / "cache", 16, config)
    half = wanted.iloc[:4]
    write_store(half, tmp_path / "two", tmp_path / "other", 16, config)
    shuffled = wanted.sample(frac=1, random_state=0)
    report = write_store(shuffled, tmp_path / "three", tmp_path / "other", 16, config)
    assert report.decoded == 5
    assert content(tmp_path / "one") == content(tmp_path / "three")
    assert write_store(wanted, tmp_path / "four", tmp_path / "other", 16, config).decoded == 0


def test_new_images_leave_most_shards_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("curation.images.store.pixel_store.SHARD_BYTES", 16 * 16 * 3 * 4)
    wanted = paint(tmp_path, 60)
    write_store(wanted.iloc[:59], tmp_path / "old", tmp_path / "cache", 16, ARRAY)
    write_store(wanted, tmp_path / "new", tmp_path / "cache", 16, ARRAY)
    old, new = content(tmp_path / "old"), content(tmp_path / "new")
    changed = [name for name in new if name.startswith("array") and new[name] != old.get(name)]
    assert len([name for name in new if name.startswith("array")]) == 16
    assert len(changed) == 1
    pixels = Pixels(tmp_path / "new")
    everything = pixels.batch(np.arange(60))
    assert all(np.array_equal(everything[row], pixels.batch([row])[0]) for row in range(60))


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_images_are_turned_upright_clockwise(tmp_path, turn):
    wanted = paint(tmp_path, 1, turn)
    write_store(wanted, tmp_path / "out", tmp_path / "cache", 16, ARRAY)
    expected = Image.fromarray(square(Image.open(wanted["path"][0]), 16)).rotate(-turn)
    assert np.array_equal(Pixels(tmp_path / "out").batch([0])[0], np.asarray(expected))


def test_upright_agrees_with_a_persons_clockwise():
    arrow = np.zeros((4, 4, 3), np.uint8)
    arrow[0, 0] = 255
    assert upright(arrow, 90)[0, 3].tolist() == [255, 255, 255]


def test_a_missing_image_is_named(tmp_path):
    write_store(paint(tmp_path, 2), tmp_path / "out", tmp_path / "cache", 16, ARRAY)
    with pytest.raises(PixelsError, match="no pixels of image f00d"):
        Pixels(tmp_path / "out").rows(["f00d"])
    with pytest.raises(PixelsError, match="dvc repro resize"):
        Pixels(tmp_path / "nowhere")


def test_a_file_that_was_broken_since_is_named(tmp_path):
    wanted = paint(tmp_path, 2)
    Path(wanted["path"][1]).write_bytes(b"not an image")
    with pytest.raises(PixelsError, match=r"1\.png"):
        write_store(wanted, tmp_path / "out", tmp_path / "cache", 16, ARRAY)


def test_small_images_become_arrays_and_large_ones_jpegs():
    assert plan(1000, 32, Resize()).kind == "array"
    assert plan(1000, 224, Resize()).kind == "jpeg"
    assert plan(1_000_000, 224, Resize()).shards == 1024
    assert expected_bytes("array", 10, 8) == 10 * 8 * 8 * 3


def test_the_cache_survives_a_kill_while_it_is_written(tmp_path):
    """A process adds blobs until it is killed; what it had committed is there, whole, and no more than it added."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom curation.images.store import pixel_cache\n"
        "pixel_cache.COMMIT_BYTES = 50_000\n"
        "with pixel_cache.PixelCache(Path(sys.argv[1])).writer() as add:\n"
        "    for number in range(10**9):\n"
        "        add(str(number), number.to_bytes(8, 'big') * 1250)\n"
        "        print(number, flush=True)\n"
    )
    path = tmp_path / "pixels.sqlite"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    added = [int(process.stdout.readline()) for _ in range(200)]
    process.kill()
    process.communicate()
    again = PixelCache(path)
    kept = [number for number in added if str(number) in again]
    assert kept == added[: len(kept)]
    assert len(kept) >= len(added) - 10
    assert all(again.read(str(number)) == number.to_bytes(8, "big") * 1250 for number in kept)


def test_the_cache_keeps_what_was_added_before_an_error_and_drops_what_nobody_needs(tmp_path):
    path = tmp_path / "pixels.sqlite"
    cache = PixelCache(path)
    with suppress(KeyError), cache.writer() as add:
        add("a", b"1" * 100_000)
        raise KeyError
    with cache.writer() as add:
        add("b", b"2")
    assert "a" in cache
    cache.forget_all_but(["b"])
    cache.close()
    assert path.stat().st_size < 50_000
    assert "a" not in PixelCache(path)
    assert "b" in PixelCache(path)


def test_two_writers_of_one_cache_lose_nothing(tmp_path):
    caches = [PixelCache(tmp_path / "pixels.sqlite") for _ in range(2)]
    with caches[0].writer() as one, caches[1].writer() as other:
        one("a", b"1")
        other("b", b"2")
    assert [caches[0].read(key) for key in "ab"] == [b"1", b"2"]


@pytest.mark.parametrize("start", [0, 9000], ids=["its head", "its middle"])
def test_a_damaged_cache_is_made_anew(tmp_path, start):
    wanted = paint(tmp_path, 60)
    write_store(wanted, tmp_path / "out", tmp_path / "cache", 16, ARRAY)
    (file,) = (tmp_path / "cache").glob("*.sqlite")
    broken = bytearray(file.read_bytes())
    broken[start : start + 20_000] = b"\x5a" * 20_000
    file.write_bytes(broken)
    assert write_store(wanted, tmp_path / "again", tmp_path / "cache", 16, ARRAY).decoded == 60
    assert content(tmp_path / "again") == content(tmp_path / "out")
    assert write_store(wanted, tmp_path / "more", tmp_path / "cache", 16, ARRAY).decoded == 0
