"""What a model chose from the pool is only trained on; what was drawn uniformly may be measured on."""

import pandas as pd
from factories import tables as made
from factories.reviews import log_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.params import Params
from curation.selection.cutoff import select
from curation.selection.split import split
from curation.selection.split_check import Round, verdicts

ID = made.image_id
KINDS = ["collected", "pool, by a model", "pool, uniform", "moved, by a model", "moved, uniform", "unknown, named"]


def row_of(name, kind):
    if kind.startswith("pool"):
        return {"name": name, "source": "unlabelled", "label": ""}
    return {"name": name, "label": "unknown" if kind.startswith("unknown") else "a"}


def decisions_of(name, kind):
    if kind.startswith(("pool", "unknown")):
        yield {"image_id": ID(name), "decision": "relabel", "label": "a"}
    if kind.endswith("uniform"):
        yield {"image_id": ID(name), "decision": "sampled:uniform"}
    if kind == "moved, by a model":
        yield {"image_id": ID(name), "decision": "sampled:model"}


def round_of(kinds, leaks=(), lineage=None, mixed="follow"):
    images = made.images([row_of(f"i{place}", kind) for place, kind in enumerate(kinds)])
    log = log_of([one for place, kind in enumerate(kinds) for one in decisions_of(f"i{place}", kind)])
    groups = {ID(f"i{one}"): ID(f"i{min(one, other)}") for one, other in leaks}
    groups = {one: groups.get(to, to) for one, to in groups.items()}
    duplicates = made.duplicates(images, None, groups)
    params = Params.model_validate({"cutoff": {"min": 1, "max": 100_000}, "split": {"mixed": mixed}})
    selection = select(images, duplicates, log, params)
    splits = split(selection, params, lineage or {})
    found = Round(images, duplicates, selection, splits, params, lineage or {})
    assert [verdict.rule for verdict in verdicts(found) if not verdict.holds] == []
    return selection.set_index("image_id"), splits.set_index("image_id")


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=30, max_size=60),
    leaks=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=10),
    mixed=st.sampled_from(["out", "follow"]),
    known=st.dictionaries(st.integers(0, 29), st.sampled_from(["train", "val", "test", "benchmark"]), max_size=5),
)
def test_a_model_never_chooses_what_measures_it(kinds, leaks, mixed, known):
    lineage = {ID(f"i{place}"): name for place, name in known.items()}
    selection, splits = round_of(kinds, leaks, lineage, mixed)
    for place, kind in enumerate(kinds):
        chosen = kind in ("pool, by a model", "moved, by a model", "unknown, named")
        wanted = "model" if chosen else "uniform" if kind.endswith("uniform") else ""
        assert selection.loc[ID(f"i{place}"), "sampled"] == wanted
        if chosen and place not in known:
            assert splits.loc[ID(f"i{place}"), "split"] in ("train", "out")


def test_uniform_and_collected_images_are_measured_on_alike_and_the_reason_is_said():
    _, splits = round_of(["collected"] * 400 + ["moved, uniform"] * 400 + ["moved, by a model"] * 400)
    kind = pd.Series({ID(f"i{place}"): place // 400 for place in range(1200)})
    shares = (splits["split"] != "train").groupby(kind.reindex(splits.index)).mean()
    assert abs(shares[0] - 0.35) < 0.1
    assert abs(shares[1] - 0.35) < 0.1
    assert shares[2] == 0
    chosen = splits[kind.reindex(splits.index) == 2]
    assert set(chosen["reason_code"]) == {"model_chosen"}
    assert set(chosen["reason"]) == {"a model chose it from the pool, and such images are only trained on"}


def test_the_last_record_holds_and_an_old_log_without_records_gives_the_splits_of_before():
    rows = [{"image_id": ID("i0"), "decision": f"sampled:{how}"} for how in ("model", "uniform", "model")]
    images = made.images([{"name": "i0"}, {"name": "i1"}])
    params = Params.model_validate({"cutoff": {"min": 1}})
    selection = select(images, made.duplicates(images), log_of(rows), params).set_index("image_id")
    assert selection["sampled"].to_dict() == {ID("i0"): "model", ID("i1"): ""}
