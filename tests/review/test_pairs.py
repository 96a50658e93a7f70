"""Pairs of images in the review: label conflicts side by side, and probable marked copies that are settled in bulk."""

from types import SimpleNamespace

import pandas as pd
import pytest
from factories.review_project import make_project, with_pairs
from factories.reviews import log_of

from curation.decisions.fold import fold, pairs
from curation.decisions.log import read_reviews
from curation.params.blocks import Review
from curation.project import Project
from curation.review import database, queue_rows, saved_views
from curation.review import project_queue as work
from curation.review.interface import decide, pair_decisions
from curation.review.push import push_rows
from curation.tables.codes import Word

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def paired(tmp_path):
    """A project of 20 digits with two label conflicts and two probable marked copies."""
    return with_pairs(make_project(tmp_path / "project", 20))


@pytest.fixture
def dataset(fo, paired):
    """Its queue, pushed."""
    project = Project(paired.root)
    pushed, _ = work.push_project(project, project.params())
    yield fo.load_dataset(pushed.dataset)
    fo.delete_dataset(pushed.dataset)


def queued(paired, limit=2000):
    return work.read_queue(Project(paired.root), Review(limit=limit, blind=0))


def log(paired):
    return read_reviews(Project(paired.root).reviews)


def test_partners_name_each_other_and_marked_pairs_stand_side_by_side(paired):
    frame = queued(paired)
    partner = dict(zip(frame["image_id"], frame["partner"], strict=True))
    ids = paired.errors.sort_values("rank")["image_id"].tolist()
    assert [partner[one] for one in ids[:4]] == [ids[1], ids[0], ids[3], ids[2]]
    assert all(partner[other] == one for one, other in partner.items() if other)
    shown = frame[frame["marked"]].sort_values("pair_rank")
    assert shown["pair_rank"].tolist() == [0, 1, 2, 3]
    order = shown["image_id"].tolist()
    assert [partner[one] for one in order] == [order[1], order[0], order[3], order[2]]
    assert set(frame.loc[frame["role"] == "pair", "kind"]) == {"marked copy"}
    assert frame["image_id"].is_unique


@pytest.mark.parametrize(("limit", "taken"), [(1, 2), (2, 2), (3, 4), (4, 4), (5, 5)])
def test_the_limit_never_cuts_a_pair(paired, limit, taken):
    frame = queued(paired, limit)
    assert (frame["role"] == "queue").sum() == taken
    assert (frame.loc[(frame["role"] == "queue") & (frame["kind"] == "conflict"), "partner"] != "").all()


def test_of_a_cluster_of_three_each_is_compared_with_one_of_another_label(paired):
    errors, copies = paired.errors, paired.duplicates.set_index("image_id")
    ids = errors.sort_values("rank")["image_id"].tolist()
    copies.loc[ids[2], "keeper"], copies.loc[ids[3], "keeper"] = ids[0], ids[3]
    errors.loc[errors["image_id"] == ids[1], "label"] = "digit 0"
    tables = (paired.predictions, paired.images, copies.reset_index())
    frame = queue_rows.queue(errors, *tables, 2000).set_index("image_id")
    assert frame.loc[ids[:3], "partner"].tolist() == [ids[2], ids[2], ids[0]]


def test_no_copies_are_decided_and_settled_marks_do_not_come_back(paired):
    frame = queued(paired)
    ids = paired.errors.sort_values("rank")["image_id"].tolist()
    marked = frame[frame["marked"]].sort_values("pair_rank")["image_id"].tolist()
    rows = [{"image_id": ids[1], "decision": f"not_copy:{ids[0]}"}]
    rows += [{"image_id": marked[0], "decision": f"copy:{marked[1]}"}]
    said = pairs(log_of(rows))
    held = dict(zip(frame["image_id"], queue_rows.pairs_decided(frame, said), strict=True))
    assert (held[ids[0]], held[ids[1]], held[ids[2]]) == (f"not_copy:{ids[1]}", f"not_copy:{ids[0]}", "")
    left = queue_rows.unsettled(paired.duplicates, said)
    assert set(left.loc[left["marked_copy_of"] != "", "image_id"]) < set(marked[2:])


def test_accepting_one_side_gives_both_its_label(dataset, paired):
    ids = dataset.load_saved_view("conflicts").values("id")
    assert len(ids) == 4
    first, second = (pair_decisions.pair_of(dataset, ids[0]), pair_decisions.pair_of(dataset, ids[3]))
    assert (first.left.id, first.right.id) == (ids[0], ids[1])
    assert (second.left.label, second.right.label) == ("digit 2", "digit 3")
    assert pair_decisions.accept_left(dataset, ids[1:2], "Ana") == 2
    assert pair_decisions.accept_right(dataset, ids[2:], "Ana") == 2
    rows = log(paired)[["decision", "label", "reviewer"]].to_numpy().tolist()
    assert sorted(rows) == [
        ["keep", "digit 0", "Ana"],
        ["keep", "digit 3", "Ana"],
        ["relabel", "digit 0", "Ana"],
        ["relabel", "digit 3", "Ana"],
    ]
    assert fold(log(paired))["label"].tolist().count("digit 0") == 2
    assert decide.left(dataset)["decided"] == 4


def test_not_a_copy_is_one_decision_that_decides_both_and_both_unknown_are_two(dataset, paired):
    ids = dataset.load_saved_view("conflicts").values("id")
    assert pair_decisions.not_a_copy(dataset, ids[:2], "Ana") == 1
    assert pair_decisions.both_unknown(dataset, ids[2:3], "Ana") == 2
    assert [row.partition(":")[0] for row in log(paired)["decision"]] == ["not_copy", "unknown", "unknown"]
    assert decide.left(dataset)["decided"] == 4
    saved_views.tidy(dataset)
    assert dataset.load_saved_view("conflicts").count() == 0
    assert [value.partition(":")[0] for value in queued(paired)["decision"][:4]] == ["not_copy"] * 2 + ["unknown"] * 2


def test_all_marked_copies_are_settled_at_once_one_decision_a_pair(fo, dataset, paired):
    view = dataset.load_saved_view(saved_views.MARKED_VIEW)
    assert view.values("pair_rank") == [0, 1, 2, 3]
    queue = decide.left(dataset)
    one = view.first()
    assert pair_decisions.settle_marked(dataset, Word.COPY, [one.id], "Ana") == 1
    assert pair_decisions.settle_marked(dataset, Word.NOT_COPY, reviewer="Ana") == 1
    assert pair_decisions.settle_marked(dataset, Word.NOT_COPY, reviewer="Ana") == 0
    assert pairs(log(paired))["copy"].sum() == 1
    assert len(log(paired)) == 2
    assert decide.left(dataset) == queue
    saved_views.tidy(dataset)
    assert dataset.load_saved_view(saved_views.MARKED_VIEW).count() == 0
    pushed, _ = work.push_project(Project(paired.root), Project(paired.root).params())
    assert saved_views.MARKED_VIEW not in fo.load_dataset(pushed.dataset).list_saved_views()


def test_the_panel_shows_the_partner_and_the_decisions_on_the_two(dataset):
    from curation.review.interface.panel import PAIR_BUTTONS, ReviewPanel, media  # it imports FiftyOne

    ids = dataset.load_saved_view("conflicts").values("id")
    context = SimpleNamespace(dataset=dataset, current_sample=ids[0], selected=[])
    page = ReviewPanel().render(context).to_json()
    other = dataset[ids[1]]
    assert page["type"]["properties"]["partner"]["default"] == media(other.filepath)
    assert set(page["type"]["properties"]["pair_buttons"]["type"]["properties"]) == set(PAIR_BUTTONS)
    lone = dataset.match({"partner": ""}).first().id
    context.current_sample = lone
    assert "partner" not in ReviewPanel().render(context).to_json()["type"]["properties"]
    with pytest.raises(decide.DecisionError, match="has no partner"):
        pair_decisions.not_a_copy(dataset, [lone])


def test_classes_in_other_scripts_have_views_and_a_data_set(fo, tmp_path):
    paths = {"image_id": ["1", "2"], "path": ["a.png", "b.png"]}
    frame = pd.DataFrame({**paths, "label": ["中", "犬"], "predicted": ["国", "кот"]})
    name = database.dataset_name(fo, "犬", tmp_path)
    pushed = push_rows(fo, name, frame, tmp_path)
    dataset = fo.load_dataset(name)
    assert [view for view in pushed.views if "→" in view] == ["中 → 国 (2)", "犬 → кот (3)"]
    assert dataset.load_saved_view("犬 → кот (3)").values("image_id") == ["2"]
    assert not push_rows(fo, name, frame, tmp_path).changed
    fo.delete_dataset(name)
