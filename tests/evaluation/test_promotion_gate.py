import numpy as np
import pandas as pd
import pytest

from curation.evaluation.comparison.promotion_gate import judge
from curation.params.blocks import Promote

RULES = Promote()
CLASSES = ["cat", "dog"]


def answers(counts, sets=("street",)):
    """Predictions of both models: (label, base right, candidate right, images)."""
    rows = []
    for label, before, now, count in counts:
        rows += [(label, label if now else "x", label if before else "x")] * count
    frame = pd.DataFrame(rows, columns=["label", "predicted", "base_predicted"])
    frame["benchmark_set"] = [sets[row % len(sets)] for row in range(len(frame))]
    return frame.assign(image_id=[f"{row:05d}" for row in range(len(frame))], split="benchmark")


def gate(frame, new=CLASSES, old=CLASSES, **rules):
    return judge(frame, pd.Series(False, frame.index), (new, old), Promote(**rules))


def changed(better, worse, same, label="cat"):
    return [(label, False, True, better), (label, True, False, worse), (label, True, True, same)]


def test_equal_models_on_enough_images_pass_and_on_few_can_not_be_told():
    found = gate(answers(changed(40, 40, 4000)))
    assert (found.objections, found.unknown) == ([], [])
    few = gate(answers(changed(4, 4, 60)))
    assert not few.objections
    assert "can't tell" in few.unknown[0]


def test_as_many_images_as_are_said_to_be_missing_suffice_for_equal_models():
    few = gate(answers(changed(8, 8, 184)))
    more = int(few.unknown[0].split("; ")[1].split()[0].replace(",", ""))
    share = (200 + more) / 200
    assert not gate(answers(changed(round(8 * share), round(8 * share), round(184 * share)))).unknown
    half = (200 + more / 4) / 200
    assert gate(answers(changed(round(8 * half), round(9 * half), round(184 * half)))).unknown


def test_a_loss_that_is_shown_is_refused_and_one_within_the_margin_is_not():
    assert gate(answers(changed(10, 60, 900))).objections
    within = gate(answers(changed(100, 160, 20_000)))
    assert (within.objections, within.unknown) == ([], [])
    assert gate(answers(changed(100, 160, 20_000)), margin=0.001).objections


def test_images_of_a_new_class_do_not_hide_a_loss():
    found = gate(answers([*changed(5, 50, 900), ("bear", False, True, 400)]), new=["bear", *CLASSES])
    assert "50 of 955 images got worse and 5 better" in found.objections[0]
    assert "new class `bear`: recall 1.00" in found.notes[0]


@pytest.mark.parametrize(("right", "refused"), [(2, True), (14, False)])
def test_a_new_class_is_held_against_its_least_recall(right, refused):
    frame = answers([*changed(5, 5, 2000), ("bear", False, True, right), ("bear", False, False, 20 - right)])
    found = gate(frame, new=["bear", *CLASSES])
    assert any("promote.new_class_min" in words for words in found.objections) == refused


def test_a_class_that_the_candidate_lost_is_an_objection():
    found = gate(answers(changed(5, 5, 2000)), new=["cat"])
    assert found.objections == ["class `dog` is known to the base model, and not to the candidate"]


def test_one_class_among_many_loses_by_chance_and_is_not_refused():
    names, counts = [f"c{number:03d}" for number in range(100)], []
    for number, name in enumerate(names):
        counts += changed(1 if number else 0, 1 if number else 4, 18 if number else 16, name)
    assert not gate(answers(counts), names, names).objections
    found = gate(answers([*counts, *changed(0, 14, 6, "lost")]), [*names, "lost"], [*names, "lost"])
    assert "class `lost`: recall 1.00 -> 0.30 on 20 images (promote.max_class_drop is 0.1)" in found.objections


def test_one_set_that_lost_is_refused_though_all_images_together_do_not():
    frame = answers([*changed(30, 0, 2970), *changed(0, 30, 270)])
    frame["benchmark_set"] = ["street"] * 3000 + ["night"] * 300
    assert gate(frame).objections[0].startswith("benchmark `night`: 30 of 300 images got worse and 0 better")


def test_one_burst_that_changed_is_no_proof():
    frame = answers([("cat", True, False, 60), ("cat", True, True, 900)])
    assert gate(frame).objections
    assert not gate(frame.assign(leak_group=["burst"] * 60 + [f"g{row}" for row in range(900)])).objections


def test_without_a_base_model_there_is_nothing_to_compare():
    found = gate(answers(changed(1, 1, 1)).assign(base_predicted=""), old=[])
    assert (found.sets, found.objections, found.unknown) == ({}, [], [])


def test_images_that_a_model_learnt_from_do_not_count():
    frame = answers(changed(0, 50, 900))
    seen = pd.Series(np.arange(len(frame)) < 50)
    assert not judge(frame, seen, (CLASSES, CLASSES), RULES).objections
