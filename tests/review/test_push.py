import pandas as pd
import pytest

from curation.params.blocks import Review
from curation.project import Project
from curation.review import database
from curation.review import project_queue as work
from curation.review.push import push_rows

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def dataset(fo, project):
    """The project's queue, pushed; taken away again afterwards."""
    pushed, _ = work.push_project(Project(project.root), Project(project.root).params())
    yield fo.load_dataset(pushed.dataset)
    fo.delete_dataset(pushed.dataset)


def state(dataset):
    """Everything a push could change, but for what the database itself counts."""
    dataset.reload()
    fields = sorted(set(dataset.get_field_schema(flat=True)) - {"metadata._cls"})
    plain = [name for name in fields if not name.endswith("_cls")]
    return dataset.values(
        [name for name in plain if "." not in name or name.endswith((".label", ".confidence"))]
    ), dataset.info


def test_every_row_is_a_sample_with_its_fields(dataset, project):
    assert dataset.count() == 32
    first = dataset.match({"rank": 0}).first()
    row = project.errors[project.errors["rank"] == 0].iloc[0]
    assert (first.image_id, first.kind, first.split) == (row["image_id"], row["kind"], row["split"])
    assert first.ground_truth.label == row["label"]
    assert first.prediction.label == row["predicted"]
    assert first.prediction.confidence == pytest.approx(row["confidence"])
    assert first.suggestion.label == row["suggested"]
    assert first.filepath == str(project.root / row["path"])
    assert first.nearest_correct == list(row["nearest_correct"])
    assert (first.metadata.width, first.decision, first.origin) == (64, "", "real")


def test_pushing_twice_changes_nothing(fo, dataset, project):
    before = state(dataset)
    pushed, _ = work.push_project(Project(project.root), Project(project.root).params())
    assert not pushed.changed
    assert state(fo.load_dataset(pushed.dataset)) == before


def test_a_changed_row_is_refreshed_and_tags_stay(fo, dataset, project):
    dataset.set_values("tags", [["mine"], *[[]] * 31])
    frame = work.read_queue(Project(project.root), Review(blind=0))
    frame.loc[0, "explanation"] = "another story"
    pushed = push_rows(fo, dataset.name, frame, project.root)
    assert (pushed.added, pushed.refreshed, pushed.removed) == (0, 32, 0)
    dataset.reload()
    assert dataset.match({"image_id": frame.loc[0, "image_id"]}).first().explanation == "another story"
    assert dataset.count_sample_tags() == {"mine": 1}


def test_what_left_the_queue_goes_unless_a_decision_on_it_waits(fo, dataset, project):
    frame = work.read_queue(Project(project.root), Review(blind=0))
    gone = frame["image_id"].tolist()[:3]
    dataset.set_values("tags", {gone[0]: ["remove"], gone[1]: ["mine"]}, key_field="image_id")
    pushed = push_rows(fo, dataset.name, frame.iloc[3:], project.root)
    assert pushed.removed == 2
    assert gone[0] in dataset.values("image_id")
    assert not {*gone[1:]} & set(dataset.values("image_id"))


def test_saved_views_hold_what_they_say(dataset, project):
    queue = project.errors
    for name, count in {
        "to review": len(queue),
        "probable label errors": (queue["kind"] == "label error").sum(),
        "conflicts": (queue["kind"] == "conflict").sum(),
        "unsure": (queue["kind"] == "doubt").sum(),
        "out of scope": (queue["kind"] == "out of scope").sum(),
        "cluster 01": (queue["cluster"] == 1).sum(),
        "no cluster": (queue["cluster"] == -1).sum(),
        "decided": 0,
    }.items():
        assert dataset.load_saved_view(name).count() == count, name
    ranks = dataset.load_saved_view("to review").values("rank")
    assert ranks == sorted(ranks)
    pair = queue[queue["label"] != queue["predicted"]].iloc[0]
    view = dataset.load_saved_view(f"{pair['label']} → {pair['predicted']}")
    assert set(view.values("prediction.label")) == {pair["predicted"]}


def test_views_of_the_reviewers_own_stay(fo, dataset, project):
    dataset.save_view("my view", dataset.limit(3))
    push_rows(fo, dataset.name, work.read_queue(Project(project.root), Review(limit=5, blind=0)), project.root)
    dataset.reload()
    assert dataset.load_saved_view("my view").count() == 3
    assert len(dataset.list_saved_views()) == len(set(dataset.list_saved_views()))


def test_a_push_touches_only_the_views_that_it_changes(fo, dataset, project):
    def made():
        dataset.reload()
        return {one.name: one.created_at for one in dataset._doc.saved_views}

    before = made()
    frame = work.read_queue(Project(project.root), Review(blind=0))
    frame.loc[frame["cluster"] == 1, "explanation"] = "another story"
    push_rows(fo, dataset.name, frame, project.root)
    after = made()
    assert {name for name in before if before[name] != after[name]} == {"cluster 01"}
    assert dataset.get_saved_view_info("cluster 01")["description"] == "another story"
    push_rows(fo, dataset.name, frame[frame["cluster"] != 1], project.root)
    gone = set(before) - set(made())
    assert "cluster 01" in gone
    assert "to review" not in gone


def test_every_tag_on_the_images_has_a_colour_and_the_legend_names_it(fo, dataset, project):
    shown = dataset.app_config.active_fields.paths
    coloured = {one["path"] for one in dataset.app_config.color_scheme.fields}
    assert set(shown) <= coloured
    assert all(f"(`{name}`)" in dataset.description for name in shown)
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="value")
    dataset.description = "mine"
    dataset.save()
    push_rows(fo, dataset.name, work.read_queue(Project(project.root), Review(limit=5, blind=0)), project.root)
    dataset.reload()
    assert (dataset.app_config.color_scheme.color_by, dataset.description) == ("value", "mine")


def test_classes_whose_views_look_alike_in_an_address_get_views_of_their_own(fo, tmp_path):
    frame = pd.DataFrame(
        {"image_id": ["1", "2"], "path": ["a.png", "b.png"], "label": ["a b", "a"], "predicted": ["c", "b → c"]}
    )
    pushed = push_rows(fo, "look-alikes", frame, tmp_path)
    assert {"a → b → c", "a b → c (2)"} <= set(pushed.views)
    fo.delete_dataset("look-alikes")


def test_the_map_and_the_similarity_search_come_from_the_stored_embeddings(dataset, project):
    points = dataset.load_brain_results("map").points
    assert points.shape == (30, 2)
    first = dataset.match({"rank": 0}).first()
    order = dataset.sort_by_similarity(first.id, k=3, brain_key="similar").values("id")
    assert order[0] == first.id
    assert len(order) == 3


def test_any_rows_can_be_pushed(fo, tmp_path):
    frame = pd.DataFrame(
        {"image_id": ["1", "2"], "path": ["a.png", "b.png"], "predicted": ["cat", "dog"], "confidence": [0.9, None]}
    )
    frame["sharp"], frame["number"], frame["top_labels"] = [True, False], [1, 2], [["cat"], ["dog", "cat"]]
    pushed = push_rows(fo, "some rows", frame, tmp_path)
    dataset = fo.load_dataset("some rows")
    one, two = dataset.sort_by("rank")
    assert (one.prediction.label, one.prediction.confidence, two.prediction.confidence) == ("cat", 0.9, None)
    assert (one.sharp, two.number, two.top_labels, one.decision) == (True, 2, ["dog", "cat"], "")
    assert {"to review", "decided"} <= set(pushed.views)
    fo.delete_dataset("some rows")


def test_two_projects_of_one_machine_do_not_share_a_dataset(fo, dataset, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    name = database.dataset_name(fo, dataset.name, other)
    assert name.startswith(f"{dataset.name}-")
    dataset.info["curation_root"] = str(tmp_path / "gone")
    dataset.save()
    assert database.dataset_name(fo, dataset.name, other) == dataset.name
