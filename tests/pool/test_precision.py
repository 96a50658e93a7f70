"""What is stated of the precision of proposals: only for a pool that is like val, or from an audit."""

import json

import numpy as np
import pandas as pd
import pytest
from factories.reviews import log_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.pool.next_to_label import propose
from curation.pool.precision.audits import Audit, AuditError, counted, put, read, sample
from curation.pool.precision.pool_shift import FEWEST, FEWEST_HELD, compare, low_in_pool
from curation.pool.questions import in_scope, unknowns
from curation.predict.ood import Answered
from curation.predict.proportions import lower_bound

CLASSES = ("a", "b", "c")


def answers(count, rng, weights=(0.5, 0.3, 0.2), foreign=0.0):
    """Predicted classes, confidences and OOD scores as the model would give them for images like val, or for others."""
    strange = rng.random(count) < foreign
    scores = np.where(strange, rng.beta(4, 0.6, count), rng.random(count))
    return Answered(
        tuple(rng.choice(3, count, p=weights).tolist()), tuple(rng.beta(5, 1, count).tolist()), tuple(scores.tolist())
    )


def pool_of(count, rng, **how):
    found = answers(count, rng, **how)
    frame = pd.DataFrame({"confidence": found.confidence, "ood_score": found.ood_score, "error": ""})
    frame["image_id"] = frame["leak_group"] = [f"{number:032x}" for number in range(count)]
    return frame.assign(label=[CLASSES[code] for code in found.predicted])


@pytest.mark.parametrize(("held", "pool"), [(800, 2_000), (1_500, 300)])
def test_a_pool_like_val_is_called_different_in_5_of_100_draws(held, pool):
    rng = np.random.default_rng(held)
    alarms = [bool(str(compare(answers(held, rng), pool_of(pool, rng), CLASSES))) for _ in range(100)]
    assert np.mean(alarms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 100)


@pytest.mark.parametrize("how", [{"foreign": 0.2}, {"foreign": 0.4}, {"weights": (0.2, 0.3, 0.5)}])
def test_foreign_images_and_other_priors_are_noticed_and_named(how):
    rng = np.random.default_rng(1)
    told = [str(compare(answers(800, rng), pool_of(2_000, rng, **how), CLASSES)) for _ in range(40)]
    named = "OOD score" if "foreign" in how else "predicted classes"
    assert np.mean([named in one for one in told]) >= 0.9
    assert "5% false alarms" in told[0]


def test_too_few_images_or_no_ood_score_are_no_proof_of_likeness():
    rng = np.random.default_rng(0)
    assert "too few images" in str(compare(answers(FEWEST_HELD - 1, rng), pool_of(500, rng), CLASSES))
    assert "too few images" in str(compare(answers(900, rng), pool_of(FEWEST - 1, rng), CLASSES))
    assert "no OOD score" in str(compare(Answered((0,) * 99, (0.5,) * 99), pool_of(500, rng), CLASSES))
    copies = pool_of(500, rng).assign(leak_group="one")
    assert "too few images" in str(compare(answers(900, rng), copies, CLASSES))


def test_the_gate_holds_back_foreign_images_from_every_proposal():
    rng = np.random.default_rng(2)
    frame = pool_of(400, rng, foreign=0.3)
    frame["source"], frame["near_duplicate_of"] = "unlabelled", ""
    frame["top_labels"] = [[label, "z"] for label in frame.label]
    frame["top_confidences"] = [[sure, 1 - sure] for sure in frame.confidence]
    frame["embedding"] = [rng.normal(size=8).astype("<f2").tobytes() for _ in range(len(frame))]
    known = pd.DataFrame({"image_id": ["k"], "split": ["train"], "label": ["a"], "embedding": [frame.embedding[0]]})
    far = frame.image_id[frame.ood_score >= 0.95]
    assert len(far) > 60
    for strategy in ("margin", "entropy", "random", "typicality"):
        assert not set(propose(frame, known, 100, strategy).image_id) & set(far)
    assert not set(unknowns(frame, 0.5).image_id) & set(far)
    assert set(unknowns(frame, 0.5, max_ood_score=1).image_id) & set(far)
    assert len(in_scope(frame.assign(ood_score=np.nan))) == 400


def start(**changed):
    return Audit(**{"model": "m", "min_conf": 0.9, "of_class": "", "seed": 0, "max_ood_score": 0.95, "proposals": 0,
                    "drawn": {}, **changed})  # fmt: skip


def test_an_audit_is_a_uniform_draw_and_the_same_seed_draws_the_same():
    frame = pool_of(300, np.random.default_rng(3))
    first, rows = sample(frame, 60, start())
    assert first == sample(frame.iloc[::-1], 60, start())[0]
    assert len(first.drawn) == len(rows) == 60
    assert first.proposals == 300
    other, _ = sample(frame, 60, start(seed=1))
    assert set(other.drawn) != set(first.drawn)
    often = np.zeros(300)
    for seed in range(200):
        often[[int(one, 16) for one in sample(frame, 60, start(seed=seed))[0].drawn]] += 1
    assert abs(often.mean() - 40) < 1e-9
    assert often.max() < 40 + 5 * np.sqrt(200 * 0.2 * 0.8)
    with pytest.raises(AuditError, match="nothing to audit"):
        sample(frame.head(0), 60, start())


def test_the_audit_takes_the_last_decision_and_undecided_images_count_as_wrong():
    audit = start(drawn=dict.fromkeys("abcdef", "cat"))
    words = [("a", "relabel", "cat"), ("b", "relabel", "dog"), ("c", "remove", ""), ("d", "unknown", ""),
             ("b", "relabel", "cat"), ("z", "relabel", "cat")]  # fmt: skip
    log = log_of({"image_id": one, "decision": decision, "label": label} for one, decision, label in words)
    found = counted(audit, log)
    assert (found.decided, found.right) == (4, 2)
    assert found.low == lower_bound(2 / 6, 6)
    assert "2 are not decided yet and count as wrong" in str(found)
    assert counted(start(drawn=dict.fromkeys(map(str, range(60)), "cat")), log).low == 0


@settings(max_examples=20, deadline=None)
@given(st.floats(0.7, 0.99), st.integers(20, 80), st.integers(0, 10_000))
def test_the_bound_of_an_audit_holds(rate, count, seed):
    rng = np.random.default_rng(seed)
    lows = [lower_bound(right / count, count) for right in rng.binomial(count, rate, 400)]
    assert np.mean(np.array(lows) > rate) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_audits_survive_a_file_and_replace_their_own_kind(tmp_path):
    path = tmp_path / "audits.json"
    assert read(path) == []
    put(path, start(drawn={"a": "cat"}))
    put(path, start(drawn={"a": "cat"}, decided=1, right=1))
    put(path, start(seed=1))
    assert [(one.seed, one.right) for one in read(path)] == [(0, 1), (1, 0)]
    assert json.loads(path.read_text())["audits"][0]["model"] == "m"
    path.write_text("{}")
    with pytest.raises(AuditError, match="with git"):
        read(path)


def test_the_bound_for_the_pool_holds_where_a_tenth_is_foreign_and_looks_like_the_classes():
    wrong = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        low = lower_bound(float((rng.random(800) < 0.97).mean()), 800)
        wrong += low_in_pool(low) > 0.9 * 0.97  # all of the tenth reaches the threshold, and all of it is wrong
    assert wrong <= 0.05 * 200 + 2 * np.sqrt(200 * 0.05 * 0.95)
