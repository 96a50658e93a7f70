"""Twins, stars, leak groups and conflicts, on small pictures made here."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.collection import FILES, images, row
from PIL import Image, ImageEnhance

from curation import tables
from curation.dedupe import image_arrays
from curation.dedupe.descriptors.described_images import Resources
from curation.dedupe.image_arrays import from_frame, from_parquet, release
from curation.dedupe.keeper_ranking import keeper_order
from curation.dedupe.leak_groups import leak_groups
from curation.dedupe.near_duplicates import find, find_duplicates
from curation.params.blocks import Dedupe
from curation.report.duplicates_page import report

CONFIG = Dedupe()


def picture(seed, size=160):
    """Blobs of colour over several scales: enough structure to hash, nothing in common between seeds."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, n, 3), np.uint8)).resize((size, size), Image.Resampling.BICUBIC)
        )
        for n in (3, 5, 9, 17)
    ]
    return Image.fromarray(np.mean(layers, axis=0, dtype=np.float64).astype(np.uint8))


def crop(image, share):
    wide, high = image.size
    return image.crop((round(wide * share), round(high * share), round(wide * (1 - share)), round(high * (1 - share))))


COPIES = {
    "half": lambda image: image.resize((80, 80)),
    "bright": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "crop": lambda image: crop(image, 0.05),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "turned left": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned right": lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


def star(table):
    return dict(zip(table["image_id"], table["keeper"], strict=True))


@pytest.fixture(scope="module")
def crowd():
    """Three pictures with all their copies, and nine that stand alone."""
    made = []
    for seed in range(3):
        one = picture(seed)
        made += [
            row(100 * seed + k, image) for k, image in enumerate([one, *(change(one) for change in COPIES.values())])
        ]
    return images(*made, *(row(5000 + seed, picture(seed)) for seed in range(100, 109)))


@pytest.fixture(scope="module")
def in_crowd(crowd):
    """What one process finds in the crowd."""
    return find(from_frame(crowd), CONFIG, FILES, resources=Resources(1))


@pytest.mark.parametrize("name", COPIES)
def test_a_changed_copy_is_a_twin_and_the_larger_one_stays(name):
    one = picture(3)
    table = find_duplicates(images(row(1, one), row(2, COPIES[name](one)), row(3, picture(4))), CONFIG, files=FILES)
    joined = table["keeper"].iloc[:2].nunique() == 1
    assert joined
    assert table["keeper"].iloc[2] == table["image_id"].iloc[2]


@pytest.mark.parametrize(
    ("name", "orientation"), [("mirrored", 4), ("upside down", 2), ("turned left", 1), ("turned right", 3)]
)
@pytest.mark.parametrize("keeper", [1, 3])
def test_orientation_says_how_to_turn_the_keeper(name, orientation, keeper):
    one = picture(5)
    found = find_duplicates(
        images(row(keeper, one, source="benchmark"), row(2, COPIES[name](one))), CONFIG, files=FILES
    )
    copied = found.set_index("image_id").loc[f"{2:032x}"]
    assert (copied["keeper"], copied["orientation"]) == (f"{keeper:032x}", orientation)


def test_every_twin_names_a_keeper_that_stays_and_agrees(crowd, in_crowd):
    table = find_duplicates(crowd, CONFIG, files=FILES)
    pd.testing.assert_frame_equal(table, in_crowd[0])
    keepers = star(table)
    assert all(keepers[keeper] == keeper for keeper in keepers.values())
    assert (table["similarity"] >= np.float32(CONFIG.min_similarity)).all()
    assert len(set(keepers.values())) == 12
    leak = dict(zip(table["image_id"], table["leak_group"], strict=True))
    assert all(leak[one] == leak[keeper] for one, keeper in keepers.items())


def test_result_depends_neither_on_the_order_nor_on_the_workers(crowd, in_crowd):
    table, summary = in_crowd
    shuffled, again = find(from_frame(crowd.sample(frac=1, random_state=1)), CONFIG, FILES, resources=Resources(2))
    pd.testing.assert_frame_equal(table, shuffled)
    assert summary == again


def test_the_file_and_the_frame_give_the_same_table(crowd, in_crowd, tmp_path):
    named = list(tables.IMAGES.columns)
    whole = crowd.assign(**{name: "" for name in named if name not in crowd})[named]
    tables.write(whole, tmp_path / "images.parquet", tables.IMAGES)
    found, _ = find(from_parquet(tmp_path / "images.parquet"), CONFIG, FILES)
    pd.testing.assert_frame_equal(found, in_crowd[0])
    tables.write(found, tmp_path / "duplicates.parquet", tables.DUPLICATES)


def resident():
    """Pages of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is counted as Linux does")
def test_released_pages_leave_the_memory_and_keep_what_is_in_them(tmp_path, monkeypatch):
    monkeypatch.setattr(image_arrays, "SPARED", 0)
    rows = np.memmap(tmp_path / "scratch", np.uint8, "w+", shape=(20_000, 1024))
    rows[:] = np.arange(20_000, dtype=np.uint32)[:, None] % 251
    full = resident()
    release(rows[5_000:])
    assert full - resident() > 3_000  # of 3,750
    assert (rows == np.arange(20_000)[:, None] % 251).all()
    release(np.zeros((3, 1024), np.uint8))


def test_copies_with_different_labels_are_named_as_a_conflict():
    one = picture(7)
    table = images(row(1, one), row(2, COPIES["half"](one), label="dog"), row(3, COPIES["grey"](one), label="unknown"))
    found = find_duplicates(table, CONFIG, files=FILES)
    assert found["conflict"].tolist() == ["dog", "cat", ""]
    told = report(table, found)
    assert [one["labels"] for one in told["conflicts"]] == [["cat", "dog"]] * 2
    assert [copy["path"] for group in told["groups"] for copy in group["copies"]] == [table["path"].iloc[2]]


def test_identical_files_with_different_labels_are_a_conflict():
    found = find_duplicates(
        images(row(1, picture(8), copy_labels=["dog"], copy_paths=["dog/x.png"])), CONFIG, files=FILES
    )
    assert found["conflict"].tolist() == ["dog"]


def test_a_flat_picture_is_a_twin_only_of_one_with_equal_pixels():
    white, blue = Image.new("RGB", (160, 160), "white"), Image.new("RGB", (160, 160), "blue")
    rows = [row(1, white), row(2, blue), row(3, white.resize((200, 100))), row(4, white, "BMP")]
    found = find_duplicates(images(*rows), CONFIG, files=FILES)
    assert [int(name, 16) for name in found["keeper"]] == [1, 2, 3, 1]
    assert [int(name, 16) for name in found["same_pixels_as"]] == [1, 2, 3, 1]


def test_keepers_are_chosen_in_the_stated_order():
    facts = images(
        row(1, picture(1)),
        row(2, picture(1), label="unknown"),
        row(3, picture(1), origin="synthetic"),
        row(4, picture(1), origin="staged"),
        row(5, picture(1, size=200)),
        row(6, picture(1), label="unknown"),
        row(7, picture(1), source="benchmark", label="unknown"),
        row(8, picture(1), format="JPEG", bytes=10**5),
        row(9, picture(1), format="WEBP", bytes=9 * 10**4),
        row(10, picture(1), format="JPEG", bytes=9 * 10**4),
        row(11, picture(1), bytes=1),
    )
    order = [int(name, 16) for name in facts["image_id"].iloc[keeper_order(facts, reviewed={f"{6:032x}"})]]
    assert order == [7, 6, 5, 1, 11, 9, 8, 10, 4, 3, 2]


def test_a_chain_that_grows_too_long_is_cut_but_no_star_is():
    rows = 12
    wide = np.zeros(rows, np.int32)
    fine = np.array([0] * 6 + [6] * 6, np.int32)
    keeper = np.array([0, 0, 0, 0, 0, 0, 6, 6, 6, 9, 9, 9], np.int32)
    linked = np.stack([wide, fine, fine, fine, fine])
    group, cuts = leak_groups(linked, keeper, Dedupe(max_group=6))
    assert group.tolist() == fine.tolist()
    assert [(cut.size, cut.largest) for cut in cuts] == [(12, 6)]
    group, cuts = leak_groups(linked, keeper, Dedupe(max_group=4))
    assert group.tolist() == keeper.tolist()
    assert [cut.size for cut in cuts] == [12, 6]


def test_no_images_give_an_empty_table():
    table = images(row(1, picture(1))).assign(error="broken")
    assert find_duplicates(table, CONFIG, files=FILES).empty
