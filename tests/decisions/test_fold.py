"""What holds does not depend on the order of the lines, and a decision can always be made again."""

from pathlib import Path

import pandas as pd
import pytest
from factories.projects import Repository, start_git
from factories.reviews import HEADER, logs, row, undated
from factories.tables import image_id
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.decisions.fold import fold, pairs
from curation.decisions.log import ReviewsError, append_reviews, read_reviews

ROOT = Path(__file__).parents[2]
A, B = image_id("a"), image_id("b")


def held(rows):
    """The fold without the line numbers, which are for messages."""
    return fold(undated(rows)).drop(columns="line")


def same(one, other):
    pd.testing.assert_frame_equal(one, other)


@settings(max_examples=60)
@given(data=st.data(), log=logs)
def test_any_order_of_the_lines_folds_to_the_same(data, log):
    shuffled = data.draw(st.permutations(log))
    same(held(log), held(shuffled))
    same(pairs(undated(log)), pairs(undated(shuffled)))


@settings(max_examples=60)
@given(data=st.data(), log=logs)
def test_two_clones_merged_by_union_fold_as_one_log(data, log):
    """Each clone has some of the rows, some have both; a union has all lines of both, a common line once or twice."""
    where = data.draw(st.lists(st.sampled_from(["one", "other", "both"]), min_size=len(log), max_size=len(log)))
    one, other = (
        [row for row, at in zip(log, where, strict=True) if at in (name, "both")] for name in ("one", "other")
    )
    same(held(log), held(one + other))
    same(held(log), held(other + one))


@settings(max_examples=25)
@given(log=logs)
def test_a_log_with_a_second_header_and_repeated_lines_reads_as_one(tmp_path_factory, log):
    path = tmp_path_factory.mktemp("union") / "reviews.csv"
    undated(log)[HEADER.strip().split(",")].to_csv(path, index=False, lineterminator="\n")
    text = path.read_text()
    once = read_reviews(path)
    path.write_text(text + text)
    same(fold(once), fold(read_reviews(path)))
    same(once, read_reviews(path))


def test_git_merges_two_clones_without_a_conflict(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    clones = [Repository(first), Repository(second)]
    start_git(first)
    clones[0].write({"data/reviews.csv": HEADER, ".gitattributes": (ROOT / ".gitattributes").read_bytes()})
    clones[0].commit("start")
    person = ("-c", "user.name=Bo", "-c", "user.email=bo@example.org")
    clones[0].run("git", "clone", "-q", *person, first, second)
    late = row("a", decision="relabel", label="cat", decided_at="2026-02-02T00:00:00Z", note="by first")
    append_reviews(first / "data/reviews.csv", [late, row("b", decision="unknown")])
    append_reviews(second / "data/reviews.csv", [row("a", decision="remove", decided_at="2026-02-01T23:59:59")])
    for clone in clones:
        clone.commit("decided")
    clones[1].run("git", "pull", "--no-rebase", "-q", "origin", "main")
    found = fold(read_reviews(second / "data/reviews.csv")).set_index("image_id")
    assert found.loc[A, ["word", "label"]].tolist() == ["relabel", "cat"]
    assert found.loc[B, "word"] == "unknown"


def test_times_are_compared_as_instants_and_a_row_without_one_is_the_oldest():
    plain = {"decision": "keep", "label": "cat"}
    later = [
        ("2026-01-01T10:00:00+02:00", "2026-01-01T09:00:00Z"),
        ("2026-01-01T09:00:00", "2026-01-01T12:00:01+03:00"),
        ("2026-01-01", "2026-01-01T00:00:00.000001"),
        ("", "1970-01-01"),
    ]
    for first, second in later:
        log = [row("a", **{**plain, "decided_at": second}), row("a", decision="remove", decided_at=first)]
        assert held(log)["word"].tolist() == ["keep"], (first, second)


def test_a_new_row_is_later_than_what_the_log_says_of_its_image_even_from_a_clock_ahead(tmp_path):
    path = tmp_path / "reviews.csv"
    append_reviews(path, [row("a", decision="remove", decided_at="2199-01-01T00:00:00+00:00")])
    for word in ("keep", "unknown", "remove", "keep"):
        append_reviews(path, [row("a", decision=word)])
        assert fold(read_reviews(path))["word"].tolist() == [word]
    append_reviews(path, [row("b", decision="keep"), row("b", decision="remove"), row("b", decision="keep", label="x")])
    assert fold(read_reviews(path)).set_index("image_id").loc[B, ["word", "label"]].tolist() == ["keep", "x"]


@pytest.mark.parametrize("before", ["relabel", "unknown", "remove"])
def test_keep_after_any_decision_gives_the_label_it_confirms(before):
    log = [row("a", decision=before, label="dog", decided_at="2026-01-01"), row("a", decided_at="2026-01-02")]
    old = fold(undated(log)).iloc[0]
    assert (old["named"], old["label"]) == ("keep", "")
    new = fold(undated([log[0], {**log[1], "label": "cat", "subclass": "old"}])).iloc[0]
    assert (new["named"], new["label"], new["subclass"]) == ("keep", "cat", "old")


def test_a_pair_is_symmetric_and_its_last_decision_holds():
    log = [
        row("a", decision=f"not_copy:{B}", decided_at="2026-01-02"),
        row("b", decision=f"copy:{A}", decided_at="2026-01-01"),
    ]
    first, second = sorted([A, B])
    assert pairs(undated(log)).to_dict("records") == [{"first": first, "second": second, "copy": False}]
    again = [*log, row("b", decision=f"copy:{A}", decided_at="2026-01-03")]
    assert pairs(undated(again))["copy"].tolist() == [True]
    assert fold(undated(again)).empty  # nothing was decided about what one image shows


@pytest.mark.parametrize("label", ["../../x", ".", "Unknown", "x" * 300, "a/b"])
def test_a_label_that_holds_and_can_not_be_a_class_is_named_by_its_row(label):
    log = [row("b"), row("a", decision="relabel", label=label, decided_at="2026-01-01")]
    with pytest.raises(ReviewsError, match=f"line 3.*{A}"):
        fold(undated(log))
    assert set(fold(undated([*log, row("a", label="cat", decided_at="2026-01-02")]))["label"]) == {"", "cat"}
