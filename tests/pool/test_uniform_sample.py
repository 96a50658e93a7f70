"""The uniform sample of the pool: each picture has the same chance, copies count once, and a larger sample holds it."""

import numpy as np
import pandas as pd
import pytest
from factories import tables as made
from hypothesis import given
from hypothesis import strategies as st

from curation.pool.uniform_sample import SampleError, draw, one_of_each, open_pictures

ID = made.image_id


@given(number=st.integers(1, 60), count=st.integers(0, 70), more=st.integers(0, 20), seed=st.integers(0, 99))
def test_a_larger_sample_holds_the_smaller_one_whatever_the_order_of_the_rows(number, count, more, seed):
    ids = pd.Index([ID(place) for place in range(number)])
    drawn = ids[draw(ids, count, seed)]
    assert len(drawn) == len(set(drawn)) == min(count, number)
    assert list(ids[draw(ids, count + more, seed)][:count]) == list(drawn)
    assert list(ids[::-1][draw(ids[::-1], count, seed)]) == list(drawn)


def test_each_image_has_the_same_chance():
    """Over 2,000 seeds each of 20 images is drawn in a quarter of them; 4 standard errors are allowed."""
    ids = pd.Index([ID(place) for place in range(20)])
    times = np.zeros(20)
    for seed in range(2_000):
        times[draw(ids, 5, seed)] += 1
    assert np.abs(times / 2_000 - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / 2_000)


def test_copies_count_once_in_any_order():
    rows = pd.DataFrame({"image_id": ["d", "b", "a", "c"]})
    clusters = pd.Series(["x", "y", "x", "c"])
    assert one_of_each(rows, clusters)["image_id"].tolist() == ["a", "b", "c"]
    assert one_of_each(rows[::-1], clusters)["image_id"].tolist() == ["a", "b", "c"]


def pool(number):
    return made.images([{"name": f"p{place}", "source": "unlabelled", "label": ""} for place in range(number)])


@given(copies=st.dictionaries(st.integers(0, 9), st.integers(0, 9)), settled=st.sets(st.integers(0, 9)))
def test_a_picture_is_open_when_none_of_its_copies_is_settled(copies, settled):
    images = pool(10)
    keepers = {ID(f"p{one}"): ID(f"p{min(one, other)}") for one, other in copies.items()}
    keepers = {one: keepers.get(keeper, keeper) for one, keeper in keepers.items()}
    cluster = pd.Series({image: keepers.get(image, image) for image in images["image_id"]})
    done = {ID(f"p{one}") for one in settled}
    wanted = set(cluster) - set(cluster[list(done)])
    if not wanted:
        with pytest.raises(SampleError, match="nobody has labelled"):
            open_pictures(images, made.duplicates(images, keepers), done)
        return
    found = open_pictures(images, made.duplicates(images, keepers), done)
    assert sorted(cluster[found["image_id"]]) == sorted(wanted)


def test_copies_of_labelled_images_and_unreadable_files_are_not_open():
    images = pd.concat([pool(3), made.images([{"name": "raw"}])], ignore_index=True)
    images.loc[images["image_id"] == ID("p1"), "error"] = "torn"
    copies = made.duplicates(images, {ID("p0"): ID("raw")})
    assert open_pictures(images, copies, set())["image_id"].tolist() == [ID("p2")]
