"""`curate benchmark renew`: whole leak groups swap between the drawn benchmark and test, and the next split obeys."""

import json

import pytest
from factories import tables as made
from typer.testing import CliRunner

from curation import tables
from curation.cli.main import app
from curation.model.header import read_header
from curation.params import Params
from curation.project import Project
from curation.registry.renew import renew, take_back
from curation.selection.renewal.benchmark_renewals import RenewalError, explained, moved, read_renewals, renewed
from curation.selection.split import split
from curation.tables.codes import Basis, Split

SPLIT_STAGE = "stages:\n  split:\n    cmd: x\n    deps:\n      - data/selection.parquet\n{dep}    outs:\n      - y\n"
HELD_OUT = {Split.TEST, Split.BENCHMARK}


def selection(count=600, size=2):
    """SELECTION of two classes, in leak groups of `size`."""
    rows = [{"name": n, "label": "cat" if n // size % 3 else "dog"} for n in range(count)]
    frame = made.selection(rows)
    frame["leak_group"] = [made.image_id(n // size * size) for n in range(count)]
    return frame.sort_values("image_id", ignore_index=True)


def divide(project, follow="follow"):
    """What the stage `split` writes."""
    params = Params.model_validate({"split": {"mixed": follow, "benchmark": 0.1}})
    log = read_renewals(project.benchmark_renewals)
    lineage = renewed(read_header(project.base_model(project.params())).lineage, log)
    found = explained(split(project.table(tables.SELECTION), params, lineage), log)
    project.write_table(found, tables.SPLITS)
    return found.set_index("image_id")


@pytest.fixture
def drawn(project):
    """A project whose tables `selection` and `splits` are there."""
    (project.root / "dvc.yaml").write_text(SPLIT_STAGE.format(dep="      - data/benchmark_renewals.csv\n"))
    one = Project(project.root)
    one.write_table(selection(), tables.SELECTION)
    divide(one)
    return one


@pytest.mark.parametrize("share", [0.25, 0.5, 1])
def test_as_many_images_of_a_class_are_drawn_as_are_retired_in_whole_groups(drawn, share):
    before = divide(drawn)
    done = renew(drawn, share, write=True)
    after = divide(drawn)
    assert done.count(Split.TEST) == done.count(Split.BENCHMARK) > 0
    benchmark = before.query("split == 'benchmark'")
    assert done.count(Split.TEST) == pytest.approx(share * len(benchmark), abs=2 * before["label"].nunique())
    assert after["split"].value_counts().equals(before["split"].value_counts())
    for label in ("cat", "dog"):
        counts = [frame.loc[frame["label"] == label, "split"].value_counts() for frame in (before, after)]
        assert counts[0].equals(counts[1])
    assert set(after.index[after["split"] != before["split"]]) == set(done.moves)
    assert after.groupby("leak_group")["split"].nunique().max() == 1
    assert set(after.loc[list(done.moves), "basis"]) == {Basis.RENEWAL}


def test_without_yes_nothing_is_written_and_with_it_undo_takes_it_back(drawn, monkeypatch):
    monkeypatch.chdir(drawn.root)
    before = divide(drawn)["split"]
    told = CliRunner().invoke(app, ["benchmark", "renew", "--json"])
    plan = json.loads(told.stdout)
    assert not plan["written"]
    assert not drawn.benchmark_renewals.exists()
    told = json.loads(CliRunner().invoke(app, ["benchmark", "renew", "--json", "--yes"]).stdout)
    assert told == plan | {"written": True}
    assert divide(drawn)["split"].ne(before).sum() == len(plan["moves"])
    undone = CliRunner().invoke(app, ["benchmark", "renew", "--undo", "--yes"])
    assert undone.exit_code == 0, undone.output
    assert divide(drawn)["split"].equals(before)
    log = drawn.benchmark_renewals.read_text().splitlines()
    assert len(log) == 1 + 2 * len(plan["moves"]), "the log only grows"


def test_what_was_retired_never_comes_back_and_two_halves_renew_the_whole(drawn):
    first = set(divide(drawn).query("split == 'benchmark'").index)
    seen = set(first)
    for number in range(2):
        done = renew(drawn, 0.5, write=True)
        fresh = {image for image, name in done.moves.items() if name == Split.BENCHMARK}
        assert not fresh & seen
        seen |= fresh
        assert done.number == number + 1
        now = set(divide(drawn).query("split == 'benchmark'").index)
    left = first & now
    assert len(left) <= 4, "the oldest images leave first"


def test_a_promotion_keeps_what_a_renewal_moved(drawn, project):
    """The lineage remembers the older split, and the log holds over it; what a model learnt from stays in train."""
    before = divide(drawn)["split"]
    project.model("backbone", classes=(), lineage=before[before.isin(["train", "val", "test", "benchmark"])].to_dict())
    done = renew(drawn, 0.5, write=True)
    after = divide(drawn)["split"]
    assert after[list(done.moves)].to_dict() == dict(done.moves)
    assert after[before == "train"].eq("train").all()
    learnt = dict.fromkeys(done.moves, "train")
    assert renewed(learnt, read_renewals(drawn.benchmark_renewals)) == learnt


def test_a_group_leaves_with_the_images_that_nobody_can_score_any_more(drawn, project):
    """A removed image of the group was in the benchmark of an earlier model; its neighbours are not lost by it."""
    before = divide(drawn)
    group = before.query("split == 'benchmark'").groupby("leak_group").filter(lambda rows: len(rows) == 2)
    gone = set(group.reset_index().groupby("leak_group")["image_id"].first())
    project.model("backbone", classes=(), lineage=before["split"].to_dict())
    table = drawn.table(tables.SELECTION)
    away = table["image_id"].isin(gone)
    table.loc[away, ["state", "reason_code", "reason"]] = ["dropped", "removed", "removed by review"]
    drawn.write_table(table, tables.SELECTION)
    divide(drawn)
    done = renew(drawn, 1, write=True)
    assert gone & set(done.moves)
    after = divide(drawn)["split"]
    assert not after.eq("out").any()
    assert {after[image] for image in done.moves if image in after.index} == HELD_OUT


def test_it_refuses_where_it_can_not_hold(drawn, project):
    renew(drawn, 0.5, write=True)
    with pytest.raises(RenewalError, match="dvc repro"):
        renew(drawn, 0.5, write=True)
    divide(drawn)
    take_back(drawn, write=True)
    with pytest.raises(RenewalError, match="dvc repro"):
        take_back(drawn, write=True)
    (project.root / "dvc.yaml").write_text(SPLIT_STAGE.format(dep=""))
    with pytest.raises(RenewalError, match=r"add this line to its deps in dvc\.yaml"):
        renew(drawn, 0.5, write=False)


def test_there_must_be_a_drawn_benchmark_and_a_renewal_to_take_back(drawn):
    with pytest.raises(RenewalError, match="never renewed"):
        take_back(drawn, write=False)
    frame = drawn.table(tables.SPLITS)
    frame.loc[frame["benchmark_set"] == "frozen", "benchmark_set"] = "street"
    drawn.write_table(frame, tables.SPLITS)
    with pytest.raises(RenewalError, match="no drawn benchmark"):
        renew(drawn, 0.5, write=False)


def test_a_torn_line_is_named(tmp_path):
    path = tmp_path / "renewals.csv"
    path.write_text("renewal,image_id,split,renewed_at,person\n1,abc,train,now,Ada\n")
    with pytest.raises(RenewalError, match="line 2"):
        read_renewals(path)


def test_two_clones_renew_and_the_later_one_holds_whatever_the_order_of_lines(tmp_path):
    path, lines = tmp_path / "renewals.csv", ["1,abc,test,2026-01-01T00:00:00,Ada", "1,abc,benchmark,2026-02-01,Bo"]
    for order in (lines, lines[::-1]):
        path.write_text("\n".join(["renewal,image_id,split,renewed_at,person", *order]) + "\n")
        assert moved(read_renewals(path)) == {"abc": "benchmark"}
