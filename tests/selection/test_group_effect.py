"""How much test would share with train without groups: counted right, and nothing where there is nothing to share."""

import pytest
from factories import tables as made
from factories.reviews import log_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.params import Params
from curation.selection.cutoff import select
from curation.selection.groups.group_effect import Sharing, shared, without_groups
from curation.selection.split import split
from curation.tables.codes import Split

ID = made.image_id


def round_of(groups, leaks=None, **values):
    """SELECTION, DUPLICATES and Params of images with these groups; `leaks` maps an image to its own leak group."""
    params = Params.model_validate({"cutoff": {"min": 1, "max": 100_000}, "split": values})
    images = made.images([{"name": n, "group": group} for n, group in enumerate(groups)])
    duplicates = made.duplicates(images, None, leaks)
    return select(images, duplicates, log_of([]), params), duplicates, params


@settings(max_examples=25)  # each makes five splits of tables, which cost a quarter of a second
@given(
    groups=st.lists(st.sampled_from(["", *"abcdefgh"]), min_size=1, max_size=80),
    leaks=st.dictionaries(st.integers(0, 79), st.integers(0, 79), max_size=10),
    mixed=st.sampled_from(["out", "follow"]),
    salt=st.text("xyz", max_size=3),
)
def test_it_counts_test_images_with_a_group_mate_in_train_in_any_order_of_rows(groups, leaks, mixed, salt):
    near = {ID(one): ID(other) for one, other in leaks.items()}
    selection, duplicates, params = round_of(groups, near, mixed=mixed, salt=salt)
    found = without_groups(selection, duplicates, params)
    assert shared(split(selection, params, {}), selection).share_with_train == 0  # groups are respected
    assert without_groups(selection[::-1], duplicates[::-1], params) == found
    plain, _, without = round_of(groups, near, mixed=mixed, salt=salt, group_by=[])
    splits = split(plain, without, {}).set_index("image_id")["split"]
    joined = selection.set_index("image_id")["leak_group"]
    train = {joined[one] for one in splits.index[splits == Split.TRAIN]}
    test = list(splits.index[splits == Split.TEST])
    if not any(groups) or not test:
        assert found is None
        return
    assert found == (len(test), sum(joined[one] in train for one in test))
    assert 0 <= found.share_with_train <= found.test_images


@given(number=st.integers(1, 60), salt=st.text("xyz", max_size=3))
@settings(max_examples=20)
def test_groups_of_single_images_share_nothing(number, salt):
    selection, duplicates, params = round_of(map(str, range(number)), salt=salt)
    found = without_groups(selection, duplicates, params)
    assert found is None or found.share_with_train == 0


@pytest.mark.parametrize("mixed", ["out", "follow"])
def test_of_large_groups_nearly_every_test_image_would_share(mixed):
    selection, duplicates, params = round_of([str(n % 40) for n in range(800)], mixed=mixed)
    found = without_groups(selection, duplicates, params)
    assert 80 < found.test_images < 160
    assert found.share_with_train == found.test_images


def test_it_says_so_in_one_line():
    said = "of 1,200 test images 300 would share a group with train if all images were split anew without"
    assert str(Sharing(1200, 300)) == f"{said} `split.group_by`"
