"""Scenes that are too large for a leak group: what stays together in them; and identical pictures in a cluster."""

import numpy as np
import pytest
from factories.collection import FILES, images, row
from PIL import Image

from curation.dedupe.leak_groups import leak_groups, scene_levels
from curation.dedupe.near_duplicates import find_duplicates
from curation.dedupe.relations.bursts import TimeOf, bursts, seconds_of
from curation.dedupe.relations.nearest_pairs import Edges
from curation.dedupe.verification.compare_pictures import Verdict
from curation.params.blocks import Dedupe
from curation.selection.copies.label_conflicts import counted_keepers
from curation.tables.codes import Relation

NONE = np.zeros(0, np.int32)


def groups(seconds, largest=4):
    """Leak groups of one scene, all of whose pictures differ, taken at these seconds."""
    size = len(seconds)
    verdicts = {(row, row + 1): Verdict(Relation.SAME_SCENE, 0, 0.2) for row in range(size - 1)}
    edges = Edges(NONE, NONE, np.zeros(0, np.float32), 0, 0)
    keeper, config = np.arange(size, dtype=np.int32), Dedupe(max_group=largest)
    levels = scene_levels(edges, verdicts, keeper, config, lambda rows: [seconds[row] for row in rows])
    return leak_groups(levels, keeper, config)[0].tolist()


def test_a_burst_of_a_large_scene_stays_together():
    assert groups([0.0, 60.0, 61.0, None, 62.5, 300.0]) == [0, 1, 1, 3, 1, 5]


def test_a_film_of_a_large_scene_has_no_bursts():
    assert groups([float(second) for second in range(9)]) == list(range(9))


def test_a_small_scene_stays_whole_whatever_the_times():
    assert groups([0.0, 1000.0, None]) == [0, 0, 0]


def test_only_neighbours_in_time_make_a_burst():
    rows = np.array([5, 7, 9, 11], np.int32)
    assert bursts(rows, [10.0, None, 12.0, 12.5]).tolist() == [[5, 9], [9, 11]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1970:01:01 00:01:00", 60.0),
        ("1970-01-01T00:01:00.25", 60.25),
        ("1970-01-01 00:01:00+02:00", 60.0),
        ("1970-01-01", None),
        ("last summer", None),
        ("", None),
    ],
)
def test_times_are_read_as_metadata_and_cameras_write_them(text, found):
    assert seconds_of(text) == found


def test_times_of_files_are_read_where_the_metadata_is_silent():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:27 08:00:01"
    exif.get_ifd(0x8769)[0x9291] = "50"
    Image.new("RGB", (32, 32)).save(FILES.root / "timed.jpg", exif=exif)
    Image.new("RGB", (32, 32)).save(FILES.root / "silent.png")
    assert TimeOf(FILES)(["timed.jpg", "silent.png", "missing.jpg"]) == ["2026:11:27 08:00:01.50", "", ""]


def test_identical_pictures_are_copies_of_the_first_of_them_also_below_a_better_keeper():
    random = np.random.default_rng(12)
    coarse = Image.fromarray(random.integers(0, 256, (30, 40, 3), np.uint8))
    large, small = (coarse.resize(size, Image.Resampling.BICUBIC) for size in ((320, 240), (160, 120)))
    turned = small.transpose(Image.Transpose.ROTATE_180)
    table = images(row(1, large), row(2, small), row(3, small, "BMP"), row(4, turned))
    found = find_duplicates(table, Dedupe(), files=FILES)
    assert [int(name, 16) for name in found["keeper"]] == [1, 1, 1, 1]
    kept = counted_keepers(found, "identical")
    assert [int(name, 16) for name in kept] == [1, 2, 2, 4]
