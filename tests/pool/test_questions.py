"""The questions on small tables: who is listed, in which order, and who is not."""

import numpy as np
import pytest
from factories.tables import identified, rows_of

from curation import tables
from curation.params import Params
from curation.pool import class_needs, questions
from curation.pool.class_needs import Need
from curation.pool.new_class_search import lookalikes


def ids(frame):
    return [int(name, 16) for name in frame.image_id]


def test_unknowns_are_those_above_the_threshold_surest_first():
    table = identified(
        {"confidence": 0.91},
        {"confidence": 0.99, "label": "blue"},
        {"confidence": 0.5},
        {"error": "cut", "confidence": 1.0},
    )
    assert ids(questions.unknowns(table, 0.9)) == [1, 0]
    assert ids(questions.unknowns(table, 0.9, "red")) == [0]
    assert ids(questions.unknowns(table, 0.0)) == [1, 0, 2]


def test_candidates_go_once_to_the_class_they_most_probably_show():
    two = {"top_labels": ["red", "green"], "top_confidences": [0.5, 0.45]}
    table = identified(
        {"confidence": 0.5, **two},
        {"confidence": 0.8, "label": "green", "top_labels": ["green"], "top_confidences": [0.8]},
        {"confidence": 0.9, "near_duplicate_of": "f" * 32},
        {"confidence": 0.7, "leak_group": "copies"},
        {"confidence": 0.6, "leak_group": "copies"},
        {"confidence": 0.95, "label": "blue", "top_labels": ["blue"], "top_confidences": [0.95]},
    )
    wanted = [Need("green", 0, 5), Need("red", 9, 10)]
    found = questions.candidates(table, wanted, min_conf=0.4)
    assert ids(found) == [1, 3, 0]
    assert list(found.label) == ["green", "red", "red"]
    assert list(found.missing) == [5, 1, 1]
    assert ids(questions.candidates(table, [Need("red", 0, 1)], 0.4, each=1)) == [3]


def test_purge_lists_only_pool_images_with_nothing_in_them():
    table = identified(
        {"confidence": 0.1, "ood_score": 0.95},
        {"confidence": 0.05, "ood_score": 0.9},
        {"confidence": 0.9},
        {"confidence": 0.1, "source": "unknown"},
        {"confidence": 0.1, "near_duplicate_of": "a" * 32},
        {"confidence": 0.02, "ood_score": np.nan},
        {"confidence": np.nan, "error": "cut"},
    )
    assert ids(questions.purgeable(table, 0.2)) == [5, 0]


def test_a_class_that_nobody_knows_is_refused_by_name():
    with pytest.raises(questions.QuestionError, match="no class `gazelle`"):
        questions.check_class("gazelle", identified({}), {"red", "green"})


def selection(*groups):
    """SELECTION rows from (label, origin, state, reason, count)."""
    rows = []
    for label, origin, state, reason, count in groups:
        rows += [
            {
                "label": label,
                "origin": origin,
                "state": state,
                "reason": reason,
                "reason_code": "below_minimum" if reason.startswith("class") else "",
            }
        ] * count
    return rows_of(tables.SELECTION, [{**row, "image_id": f"{n:032x}"} for n, row in enumerate(rows)])


def test_thin_counts_as_the_cutoff_counts():
    table = selection(
        ("rare", "real", "dropped", "class `rare` has 30 of the 40 images it needs", 30),
        ("rare", "real", "dropped", "copy of 123", 50),
        ("near", "real", "kept", "", 45),
        ("big", "real", "kept", "", 100),
        ("", "real", "pool", "nobody has labelled it", 9),
    )
    config = Params.model_validate({"cutoff": {"min": 40, "reach": 10}})
    assert class_needs.thin(table, config) == [Need("rare", 30, 50), Need("near", 45, 50)]
    assert [need.missing for need in class_needs.thin(table, config, want=200)] == [170, 155, 100]


def test_staged_classes_want_as_many_real_images_as_they_have_others():
    table = selection(
        ("posed", "staged", "kept", "", 8),
        ("posed", "real", "kept", "", 2),
        ("wild", "real", "kept", "", 9),
        ("wild", "synthetic", "kept", "", 1),
    )
    assert class_needs.staged(table) == [Need("posed", 2, 8)]
    assert [need.label for need in class_needs.staged(table, share=0.05)] == ["posed", "wild"]


def test_a_hidden_class_near_a_known_one_comes_first():
    rng = np.random.default_rng(0)
    known, hidden = rng.normal(0, 0.3, (300, 16)) + 1, rng.normal(0, 0.1, (40, 16)) + np.linspace(0.4, 1.6, 16)
    pool = np.concatenate([rng.normal(0, 0.3, (200, 16)) + 1, hidden])
    table = identified(*({"embedding": row.astype("<f2").tobytes(), "confidence": 0.95} for row in pool))
    scored = rows_of(
        tables.PREDICTIONS,
        [
            {"image_id": f"{9000 + n:032x}", "split": "train", "embedding": row.astype("<f2").tobytes()}
            for n, row in enumerate(known)
        ],
    )
    found = lookalikes(table, scored, "red")
    assert len(found) == 240
    assert np.mean([index >= 200 for index in ids(found)[:30]]) > 0.9
    assert found.group[0] == 1
    assert len(lookalikes(table, scored, "red", max_conf=0.5)) == 0
    assert len(lookalikes(table.head(1), scored, "red")) == 1
