import pandas as pd
import pytest

from curation.decisions.fold import fold
from curation.decisions.order import REVIEW_COLUMNS
from curation.review import queue_rows


def log(*lines):
    rows = [dict(zip(REVIEW_COLUMNS, [*line, *[""] * 8], strict=False)) for line in lines]
    return fold(
        pd.DataFrame(rows, columns=REVIEW_COLUMNS).assign(decided_at=[f"2026-01-0{n + 1}" for n in range(len(rows))])
    )


def by_model(image_id, decision, label, model):
    return (image_id, decision, label, "", "", "", model)


def test_the_queue_comes_in_order_of_rank_with_its_nearest_right_answers_behind_it(project):
    shuffled = project.errors.sample(frac=1, random_state=0)
    frame = queue_rows.queue(shuffled, project.predictions, project.images, project.duplicates, 10)
    assert frame["rank"].tolist()[:10] == list(range(10))
    assert (frame["role"] == "queue").sum() == 10
    neighbours = frame[frame["role"] == "neighbour"]
    assert set(neighbours["image_id"]) == {one for line in project.errors["nearest_correct"] for one in line}
    assert frame["image_id"].is_unique
    assert frame["path"].notna().all()


def test_rows_do_not_depend_on_the_order_of_the_tables(project):
    tables = (project.errors, project.predictions, project.images, project.duplicates)
    mixed = [table.sample(frac=1, random_state=1) for table in tables]
    assert queue_rows.fingerprint(queue_rows.queue(*tables, 20)) == queue_rows.fingerprint(queue_rows.queue(*mixed, 20))


def test_the_fingerprint_changes_with_any_value(project):
    frame = queue_rows.queue(project.errors, project.predictions, project.images, project.duplicates, 5)
    for column in frame.columns:
        other = frame.copy()
        other[column] = other[column].astype(object)
        other.at[0, column] = "else"
        assert queue_rows.fingerprint(other) != queue_rows.fingerprint(frame), column


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("a", "keep", "")], {"a": "keep"}),
        ([("a", "keep", ""), ("a", "relabel", "cat")], {"a": "relabel:cat"}),
        ([("a", "relabel", "cat"), ("a", "remove", "")], {"a": "remove"}),
        ([by_model("a", "turn:90", "", "this")], {"a": "turn:90"}),
        ([by_model("a", "turn:90", "", "older")], {}),
        ([by_model("a", "relabel", "cat", "older"), by_model("a", "turn:90", "", "this")], {"a": "relabel:cat"}),
    ],
)
def test_what_counts_as_decided(lines, expected):
    assert queue_rows.decided(log(*lines), "this") == expected


def test_the_model_is_named_by_its_bytes(tmp_path):
    checkpoint = tmp_path / "candidate.safetensors"
    assert queue_rows.model_id(checkpoint) == ""
    checkpoint.write_bytes(b"weights")
    assert queue_rows.model_id(checkpoint) == "63f4f1e9b725"


def test_columns_of_the_metadata_become_fields_with_plain_names(project):
    images = project.images.assign(group="p 7", metadata='{"site $x": "north"}')
    frame = queue_rows.queue(project.errors, project.predictions, images, project.duplicates, 5)
    assert set(frame["meta_group"]) == {"p 7"}
    assert set(frame["meta_site_x"]) == {"north"}
    assert "metadata" not in frame
