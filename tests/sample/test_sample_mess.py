"""The faults of the messy sample: what the plan promises, for seeds that no setting was chosen by."""

import io
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from curation.sample import Source, SourceError
from curation.sample.image_sources import digits, fashion_mnist, find_fashion, on_paper, thinned
from curation.sample.mess_plan import COPIES, Item, Mess, plan_clean, plan_mess
from curation.sample.sample_files import encode, image_of, suffix

KINDS = {
    *(*COPIES, "copy, other label", "copy, pool", "copy, benchmark", "label flipped", "EXIF-rotated", "16-bit"),
    *("truncated", "text", "empty", "staged", "synthetic", "scribble", "pool", "benchmark", "unknown", "second round"),
}


def toy(per_class, classes=("a", "b", "c", "d", "e"), group=("a", "b"), thin="e"):
    labels = np.repeat(np.arange(len(classes)), per_class)
    return Source("toy", classes, labels, lambda index: on_paper(np.eye(8) * 16, index), group, "pair", thin)


@pytest.fixture(scope="module", params=[0, 11, 4294967295])
def plan(request):
    return plan_mess(digits(), None, request.param, Mess())


def test_every_kind_of_file_of_real_collections_is_made(plan):
    assert {item.kind for item in plan} == KINDS | {""}


def test_one_class_is_under_the_minimum_but_for_its_copies(plan):
    raw = [item for item in plan if item.folder.startswith("raw/") and item.label == "seven" and item.round == 1]
    assert len(raw) >= 40 > sum(item.copy_of is None for item in raw) >= 5


def test_one_class_is_over_the_maximum_even_without_its_copies(plan):
    images = [item for item in plan if item.folder.startswith("raw/loop/") and item.copy_of is None]
    assert len({item.index for item in images}) > 400
    assert {item.subclass for item in images} == {"zero", "six", "nine"}


def test_the_other_classes_lie_between(plan):
    counts = Counter(
        item.label for item in plan if item.folder.startswith("raw/") and item.copy_of is None and item.round == 1
    )
    assert all(40 < count < 400 for label, count in counts.items() if label not in {"seven", "loop", "unknown"})


def test_an_image_is_used_once_but_for_twins_and_broken_copies(plan):
    used = [item for item in plan if item.copy_of is None and item.kind not in {"truncated", "text", "empty"}]
    seen = [item.index for item in used] + [item.other for item in used if item.other >= 0]
    assert len(seen) == len(set(seen)) <= 1797


def test_twins_come_of_images_that_nothing_else_was_done_to(plan):
    bases = Counter(item.copy_of for item in plan if item.copy_of)
    assert bases
    assert all(base in set(plan) and not base.kind for base in bases)
    assert all(count == 1 for base, count in bases.items() if base.label != "seven")


def test_twins_under_another_label_and_flipped_labels_disagree_with_the_truth(plan):
    wrong = [item for item in plan if item.kind in {"label flipped", "copy, other label"}]
    assert wrong
    assert all(item.label != item.true_label and item.folder == f"raw/{item.label}" for item in wrong)
    others = [item for item in plan if item not in wrong and item.label not in {"", "unknown"}]
    assert all(item.label == item.true_label for item in others)


@settings(max_examples=40)
@given(st.integers(12, 200), st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(60, 500))
def test_any_set_makes_a_plan_without_two_files_of_one_item(per_class, seed, minimum, maximum):
    source = toy(per_class)
    plan = plan_mess(source, None, seed, Mess(minimum, maximum))
    keys = [(item.index, item.folder, item.kind) for item in plan if item.label != "e"]
    assert len(keys) == len(set(keys))
    assert plan == plan_mess(source, None, seed, Mess(minimum, maximum))


@given(st.integers(1, 400), st.integers(0, 99))
def test_a_count_is_drawn_evenly_over_the_classes(count, seed):
    source = toy(60)
    drawn = thinned(source, count, seed)
    counts = np.bincount(source.labels[drawn], minlength=5)
    assert len(set(drawn.tolist())) == min(count, 300)
    assert counts.max() - counts.min() <= 1


def test_a_clean_plan_is_class_folders_and_nothing_else():
    plan = plan_clean(toy(3), None, 0)
    assert [item.folder for item in plan] == [f"raw/{name}" for name in "abcde" for _ in range(3)]


@pytest.mark.parametrize("kind", [*COPIES, "copy, pool", "copy, benchmark", "copy, other label"])
def test_a_twin_looks_like_its_image(kind):
    source = digits()
    base = source.picture(5)
    item = Item(5, "raw/five", kind=kind, copy_of=Item(5, "raw/five"))
    copied = Image.open(io.BytesIO(encode(item, source.picture, 1)))
    if kind == "flipped":
        copied = copied.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pair = [np.asarray(image.convert("L").resize((16, 16)), dtype=float).ravel() for image in (base, copied)]
    assert np.corrcoef(*pair)[0, 1] > 0.97


def test_a_digit_is_no_near_duplicate_of_another():
    pictures = [np.asarray(digits().picture(index).convert("L").resize((16, 16)), dtype=float) for index in range(120)]
    agreement = np.corrcoef(np.stack(pictures).reshape(120, -1)) - np.eye(120)
    assert agreement.max() < 0.9


def test_broken_and_odd_files_are_what_they_should_be():
    source = digits()
    kinds = {name: encode(Item(1, "raw/one", kind=name), source.picture, 0) for name in ("truncated", "text", "empty")}
    assert kinds["empty"] == b""
    assert kinds["text"].startswith(b"This is a text file")
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(kinds["truncated"])).load()
    deep = Image.open(io.BytesIO(encode(Item(1, "raw/one", kind="16-bit"), source.picture, 0)))
    assert deep.mode == "I;16"
    turned = Image.open(io.BytesIO(encode(Item(1, "raw/one", kind="EXIF-rotated"), source.picture, 0)))
    assert turned.getexif()[0x0112] == 6


def test_suffix_and_bytes_agree():
    source = digits()
    for kind in ["", *sorted(KINDS - {"text", "empty", "truncated"})]:
        for number in (0, 1):
            item = Item(3, "raw/three", kind=kind, other=4)
            found = Image.open(io.BytesIO(encode(item, source.picture, number))).format
            assert {"JPEG": ".jpg", "PNG": ".png"}[found] == suffix(item, number)


def test_grey_images_can_be_staged_and_blended():
    grey = lambda index: Image.fromarray(np.full((28, 28), index, dtype=np.uint8))  # noqa: E731
    for kind in ("staged", "synthetic", "scribble"):
        assert image_of(Item(10, "raw/x", kind=kind, other=20), grey).mode == "L"


def test_fashion_mnist_is_read_from_its_files(tmp_path):
    folder = tmp_path / "usr/share/datasets/fashion-mnist"
    folder.mkdir(parents=True)
    write_idx(folder, "train", 3)
    write_idx(folder, "t10k", 2)
    source = fashion_mnist(find_fashion(tmp_path))
    assert source.labels.tolist() == [0, 1, 2, 0, 1]
    assert np.asarray(source.picture(4)).tolist() == [[1] * 28] * 28


@pytest.mark.parametrize("harm", ["missing", "cut", "no gzip"])
def test_damaged_fashion_mnist_is_one_clear_error(tmp_path, harm):
    write_idx(tmp_path, "train", 3)
    write_idx(tmp_path, "t10k", 2)
    victim = tmp_path / "t10k-images-idx3-ubyte.gz"
    if harm == "missing":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:40] if harm == "cut" else b"hello")
    with pytest.raises(SourceError, match="t10k-images-idx3"):
        fashion_mnist(tmp_path)


def test_a_folder_without_fashion_mnist_names_the_debian_package(tmp_path):
    with pytest.raises(SourceError, match="dataset-fashion-mnist"):
        find_fashion(tmp_path)


def write_idx(folder, name, count):
    import gzip
    import struct

    pixels = np.arange(count, dtype=np.uint8).repeat(28 * 28).tobytes()
    (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">HBBIII", 0, 8, 3, count, 28, 28) + pixels)
    )
    (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">HBBI", 0, 8, 1, count) + bytes(range(count)))
    )
