"""A project of an annotation tool is imported again and again: only what is new or changed becomes a decision."""

import json

import pytest

from curation.decisions.fold import fold
from curation.decisions.log import append_reviews, read_reviews
from curation.labelling import cvat, label_studio
from curation.labelling.accept import Stamp
from curation.labelling.imported import Choice, ImportedError, new_decisions, refuse_new_classes

A, B = "a" * 32, "b" * 32
STAMP = Stamp("ana", "abc123")


def task(image_id, *chosen, control="label"):
    result = [
        {"result": [{"from_name": control, "type": "choices", "value": {"choices": [label]}}], "updated_at": when}
        for label, when in chosen
    ]
    return {"data": {"image_id": image_id}, "annotations": result}


def exported(tmp_path, tasks, encoding="utf-8"):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), encoding=encoding)
    return path


def held(path):
    about = fold(read_reviews(path))
    return dict(zip(about.image_id, about.label, strict=True))


def bring(path, made, tool="Label Studio"):
    found = new_decisions(made, read_reviews(path), STAMP, tool)
    append_reviews(path, found.rows)
    return len(found.rows), found.older


def test_a_second_import_takes_only_what_is_new_or_changed(tmp_path):
    log = tmp_path / "reviews.csv"
    first = {A: Choice("cat", "7", "2026-01-01T10:00:00Z")}
    assert bring(log, first) == (1, 0)
    assert bring(log, first) == (0, 0)
    grown = {**first, B: Choice("dog", "7", "2026-01-02T10:00:00Z")}
    assert bring(log, grown) == (1, 0)
    changed = {**grown, A: Choice("dog", "7", "2026-01-03T10:00:00Z")}
    assert bring(log, changed) == (1, 0)
    assert held(log) == {A: "dog", B: "dog"}


@pytest.mark.parametrize("when", ["2026-01-01T10:00:00Z", ""])
def test_a_decision_made_since_is_not_undone(tmp_path, when):
    log = tmp_path / "reviews.csv"
    bring(log, {A: Choice("cat", "7", when)})
    append_reviews(log, [STAMP.row(A, "relabel", "dog")])
    assert bring(log, {A: Choice("cat", "7", when)}) == (0, 1)
    assert held(log) == {A: "dog"}
    assert bring(log, {A: Choice("bird", "7", "2026-11-01T10:00:00Z" if when else "")})[0] == (0 if when else 1)


def test_the_newest_annotation_wins_whatever_its_zone_task_or_row(tmp_path):
    tasks = [
        task(A, ("new", "2026-01-01T12:00:00+00:00"), ("old", "2026-01-01T13:30:00+02:00")),
        task(A, ("x", "2025")),
    ]
    assert label_studio.read_annotations(exported(tmp_path, tasks)).choices[A].label == "new"
    rows = [
        {"image_id": A, "label": "new", "updated_at": "2026-02-01T00:00:00Z"},
        {"image_id": A, "label": "old", "updated_at": "2026-01-01T00:00:00Z"},
    ]
    assert label_studio.read_annotations(exported(tmp_path, rows, "utf-8-sig")).choices[A].label == "new"


def test_of_several_controls_the_class_is_chosen_by_name(tmp_path):
    when = "2026-01-01T00:00:00Z"
    both = [task(A, ("cat", when), control="kind"), task(A, ("sharp", when), control="quality")]
    with pytest.raises(label_studio.LabelStudioError, match=r"kind, quality.*--control"):
        label_studio.read_annotations(exported(tmp_path, both))
    assert label_studio.read_annotations(exported(tmp_path, both), "kind").choices[A].label == "cat"
    with pytest.raises(label_studio.LabelStudioError, match="no choices of a control `class`"):
        label_studio.read_annotations(exported(tmp_path, both), "class")
    usual = [*both, task(B, ("dog", when))]
    assert list(label_studio.read_annotations(exported(tmp_path, usual)).choices) == [B]
    short = [{"image_id": A, "kind": "cat"}, {"image_id": B, "kind": {"choices": ["dog", "cat"]}}]
    with pytest.raises(label_studio.LabelStudioError, match="keep only one"):
        label_studio.read_annotations(exported(tmp_path, short))
    assert label_studio.read_annotations(exported(tmp_path, short[:1])).choices[A].label == "cat"


def test_tasks_of_others_are_counted(tmp_path):
    found = label_studio.read_annotations(exported(tmp_path, [{"data": {"image": "x"}}, task(A, ("cat", ""))]))
    assert (found.strange, list(found.choices)) == (1, [A])


@pytest.mark.parametrize("source", ["auto", "file"])
def test_a_changed_tag_of_cvat_counts_whatever_its_source_and_an_agreed_one_is_told_apart(tmp_path, source):
    path = tmp_path / "done.xml"
    tags = f'<image name="a.png"><tag label="dog" source="{source}"/></image><image name="b.png"><tag label="cat" '
    path.write_text(
        f'<annotations>{tags}source="{source}"/></image><image name="gone.png"><tag label="x"/></image></annotations>'
    )
    found = cvat.read_tags(path, {"a.png": A, "b.png": B}, {A: "cat", B: "cat"})
    assert (found.chosen, found.agreed, found.changed, found.unknown) == ({A: "dog"}, {B: "cat"}, 1, ["gone.png"])
    assert cvat.read_written(path, {"a.png": A, "b.png": B}) == {A: "dog", B: "cat"}


def test_a_new_class_may_not_look_like_one_that_exists_or_another_new_one():
    refuse_new_classes(["four", "five", "unknown", ""], {"four"}, allowed=True)
    with pytest.raises(ImportedError, match="`Four` and the class `four` differ only in case"):
        refuse_new_classes(["Four"], {"four"}, allowed=True)
    with pytest.raises(ImportedError, match="differ only in case"):
        refuse_new_classes(["Five", "five"], {"four"}, allowed=True)
    with pytest.raises(ImportedError, match="with --new-class"):
        refuse_new_classes(["five"], {"four"}, allowed=False)
