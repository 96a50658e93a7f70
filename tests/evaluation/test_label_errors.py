import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from curation.evaluation.label_errors.label_error_probability import combined, overfitted, settle, verdicts
from curation.evaluation.label_errors.label_noise import Noise, fit_noise, wrong_given
from curation.evaluation.label_errors.pred_probs import OutOfFoldModels, Samples, fold_of, pool


def blobs(count=600, classes=4, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=count)
    centres = np.random.default_rng(5).normal(size=(classes, 8)) * 2
    vectors = (centres[truth] + rng.normal(size=(count, 8)) * spread).astype(np.float32)
    return vectors, truth, rng


def flip(truth, rate, rng, classes=4, next_only=False):
    steps = np.ones(len(truth), int) if next_only else rng.integers(1, classes, len(truth))
    return np.where(rng.random(len(truth)) < rate, (truth + steps) % classes, truth)


def subjects(vectors, given, groups=None, classes=4):
    groups = np.arange(len(given)) if groups is None else groups
    return Samples(vectors, vectors[:, :4], given, groups, classes)


def test_folds_never_part_a_leak_group():
    groups = np.random.default_rng(0).integers(40, size=300)
    folds = fold_of(groups, 5, seed=1)
    assert all(len(set(folds[groups == group])) == 1 for group in range(40))
    assert set(folds) == set(range(5))


def test_an_image_is_not_judged_by_itself_or_its_twins():
    vectors, truth, _ = blobs(300)
    given = truth.copy()
    groups = np.arange(300)
    groups[:10] = 0
    vectors[:10] = vectors[0]
    given[:10] = (truth[0] + 1) % 4
    found = verdicts(subjects(vectors, given, groups), np.zeros(300, bool))
    assert (found.suggested[:10] == truth[0]).all()
    assert found.wrong[:10].min() > 0.5


@pytest.mark.parametrize("next_only", [False, True])
@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_verdicts_rank_flips_about_as_well_as_cleanlab_alone_even_on_few_images(rate, next_only):
    from cleanlab.rank import get_label_quality_scores

    vectors, truth, rng = blobs(900, spread=1.6, seed=3)
    given = flip(truth, rate, rng, next_only=next_only)
    found = verdicts(subjects(vectors, given), rng.random(900) < 0.6)
    alone = average_precision_score(given != truth, 1 - get_label_quality_scores(given, found.likely))
    ours = average_precision_score(given != truth, found.wrong)
    assert ours >= alone - 0.005
    first = np.argsort(-found.wrong)[: int(2 * rate * 900)]
    assert (given != truth)[first].sum() / (given != truth).sum() >= 0.8


def test_the_rate_of_noise_is_found_and_none_is_found_in_clean_labels():
    vectors, truth, rng = blobs(1500, spread=0.8)
    found = verdicts(subjects(vectors, flip(truth, 0.1, rng)), np.zeros(1500, bool))
    assert 0.05 < found.noise.rate < 0.13
    clean = verdicts(subjects(vectors, truth), np.zeros(1500, bool))
    assert clean.noise.rate < 0.01
    assert (clean.wrong >= 0.5).mean() < 0.01


def test_probabilities_say_about_how_many_are_wrong():
    vectors, truth, rng = blobs(3000, spread=1.2)
    given = flip(truth, 0.08, rng)
    found = verdicts(subjects(vectors, given), np.zeros(3000, bool))
    sure = found.wrong > 0.8
    assert sure.sum() > 50
    assert (given != truth)[sure].mean() > 0.8


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.2])
def test_of_the_labels_with_a_probability_above_a_half_most_are_wrong(rate):
    vectors, truth, rng = blobs(1200, spread=1.0, seed=4)
    given = flip(truth, rate, rng)
    found = verdicts(subjects(vectors, given), np.zeros(1200, bool))
    sure = found.wrong >= 0.5
    assert (given != truth)[sure].sum() >= 0.5 * sure.sum()
    assert sure.sum() >= 0.6 * (given != truth).sum()


def test_the_second_pass_does_not_take_back_the_noise_that_the_first_found():
    vectors, truth, rng = blobs(900, spread=1.2, seed=2)
    made = subjects(vectors, flip(truth, 0.05, rng))
    models, everything = OutOfFoldModels(made), np.ones(900, bool)
    first = fit_noise(models.log_probs(everything), made.labels, everything, made.seed)
    found = verdicts(made, np.zeros(900, bool))
    assert (found.noise.transitions == first.transitions).all()
    assert found.wrong.sum() >= 0.7 * (made.labels != truth).sum()


def test_of_two_twins_with_different_labels_the_likelier_wrong_one_is_named():
    vectors, truth, _ = blobs(400, spread=0.7)
    given = truth.copy()
    given[0] = (truth[0] + 1) % 4
    found = verdicts(subjects(vectors, given), np.zeros(400, bool))
    conflicts = np.full(400, -1)
    conflicts[0], conflicts[1] = truth[0], (truth[1] + 1) % 4
    settled = settle(found, given, conflicts)
    assert settled.wrong[0] > 0.9
    assert settled.suggested[0] == truth[0]
    assert settled.wrong[1] < 0.1


def test_embeddings_that_know_labels_by_heart_are_noticed():
    likely = np.eye(4)[np.random.default_rng(0).integers(4, size=1000)]
    labels, learnt = likely.argmax(1), np.arange(1000) < 500
    assert not overfitted(likely, labels, learnt)
    labels = np.where(~learnt & (np.arange(1000) % 5 == 0), (labels + 1) % 4, labels)
    assert overfitted(likely, labels, learnt)


def test_bayes_by_hand():
    likely, transitions = np.array([[0.2, 0.8]]), np.array([[0.9, 0.1], [0.1, 0.9]])
    assert wrong_given(likely, np.array([0]), transitions)[0] == pytest.approx(0.08 / (0.08 + 0.18))


def test_a_pool_of_one_opinion_is_that_opinion():
    opinion = np.log(np.array([[0.1, 0.9], [0.5, 0.5]], np.float32))
    assert pool([opinion], np.ones(1)) == pytest.approx(np.exp(opinion), abs=1e-6)


def test_the_verdict_says_as_many_wrong_as_bayes_and_none_is_made_up_without_noise():
    rng = np.random.default_rng(0)
    likely = rng.dirichlet(np.full(4, 0.2), 500)
    labels = rng.integers(4, size=500)
    transitions = np.full((4, 4), 0.02) + 0.92 * np.eye(4)
    for even in (0.0, 0.5, 1.0):
        found = combined(likely, labels, Noise(np.ones(1), transitions, even))
        assert found.mean() == pytest.approx(wrong_given(likely, labels, transitions).mean(), abs=1e-3)
    assert combined(likely, labels, Noise(np.ones(1), np.eye(4))).max() < 0.011


def test_the_same_seed_gives_the_same_verdicts():
    vectors, truth, rng = blobs(300)
    given = flip(truth, 0.1, rng)
    one, two = (verdicts(subjects(vectors, given), np.zeros(300, bool)) for _ in range(2))
    assert (one.wrong == two.wrong).all()
