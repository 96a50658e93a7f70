"""Warnings before harm: who loses many images to copies or to a renamed folder, one ground, a scene past max_group."""

from factories import tables as made

from curation.params.blocks import Dedupe
from curation.selection.copies import losses

ID = made.image_id


def warned(copies, scene="", **config):
    """The warnings of 40 images of the class `cup`, 40 of `pen`; the first `copies` cups are copies of cup 0."""
    images = made.images(
        [{"name": f"{label}{number}", "label": label} for label in ("cup", "pen") for number in range(40)]
    )
    pairs = {ID(f"cup{number}"): ID("cup0") for number in range(1, copies + 1)}
    duplicates = made.duplicates(images, pairs)
    duplicates["scene"] = duplicates["keeper"]
    if scene:
        duplicates.loc[duplicates["image_id"].isin(images.loc[images["label"] == scene, "image_id"]), "scene"] = ID(
            "pen0"
        )
    settings = Dedupe(**config)
    return [
        str(one) for one in losses.warnings(losses.expected(images, duplicates, settings.policy), duplicates, settings)
    ]


def test_a_few_copies_are_no_warning():
    assert warned(2) == []


def test_a_class_that_loses_many_images_is_named_with_what_helps():
    text = "\n".join(warned(8))
    assert "8 of 80 labelled images (10%) are left out as copies" in text
    assert "class `cup` loses 8 of 40 images (20%)" in text
    assert "dedupe.policy: identical" in text
    assert "pen" not in text
    assert warned(8, warn_above=0.5) == []
    assert warned(8, policy="none") == []


def test_a_keeper_of_many_and_the_one_ground_are_named():
    text = "\n".join(warned(12, scene="pen"))
    assert f"12 images are left out as copies of the one image {ID('cup0')[:12]}" in text
    assert f"are in the one of image {ID('pen0')[:12]}" in text
    assert "max_group" not in text
    assert "holds 40 images, more than `dedupe.max_group`" in "\n".join(warned(0, scene="pen", max_group=30))


def test_a_class_that_only_the_benchmark_has_is_named_with_the_name_that_it_probably_has_now():
    rows = [{"name": "old", "label": "gazelle", "source": "benchmark", "state": "benchmark"}]
    rows += [{"name": "ours", "label": "cat", "source": "benchmark", "state": "benchmark"}]
    rows += [{"name": "new", "label": "gazelles", "state": "kept"}]
    rows += [{"name": "cat", "label": "cat", "state": "dropped", "reason_code": "below_minimum"}]
    (found,) = losses.of_benchmark(made.selection(rows))
    assert str(found).startswith("warning: class `gazelle` has 1 images in the benchmark and none elsewhere")
    assert "`classes: {merge: {gazelle: gazelles}}` in params.yaml" in found.fix
    assert found.image_ids == [ID("old")]
    assert losses.of_benchmark(made.selection(rows[1:])) == []


def test_benchmark_images_of_no_class_of_the_model_are_named():
    rows = [{"name": "b", "label": "gazelle", "split": "benchmark"}, {"name": "t", "label": "cat", "split": "train"}]
    rows += [{"name": "u", "label": "unknown", "split": "benchmark"}]
    (found,) = losses.unmeasured(made.splits(rows))
    assert "1 benchmark images of class `gazelle` are in no metric" in found.text
    assert losses.unmeasured(made.splits(rows[1:])) == []
