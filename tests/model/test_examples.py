from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from curation.model.base_model import start_from
from curation.model.device import choose
from curation.model.training import sanity_checks
from curation.model.training.epoch import Engine
from curation.model.training.examples import (
    Examples,
    batches_of,
    classes_of,
    dataset_hash,
    epoch_order,
    examples_of,
    weights,
)
from curation.model.training.loader import Loader
from curation.model.training.loop import Data
from curation.model.training.norm_modes import ModeError, check_modes, set_training
from curation.model.training.train_candidate import data_of
from curation.predict.held_out import train_and_predict


def made(labels, groups=None) -> Examples:
    labels = np.array(labels)
    ids = tuple(str(number) for number in range(len(labels)))
    groups = labels if groups is None else np.array(groups)
    return Examples(ids, np.arange(len(labels)), labels, groups, np.zeros(len(labels), bool))


@given(st.integers(2, 200), st.integers(2, 64))
def test_batches_hold_every_image_once_and_are_nearly_equal(count, size):
    parts = batches_of(np.arange(count), size)
    assert np.concatenate(parts).tolist() == list(range(count))
    assert max(map(len, parts)) <= max(size, 3)
    assert min(map(len, parts)) >= 2, "a norm layer can't learn from one image"
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.integers(2, 60), st.integers(0, 1000), st.integers(0, 50))
def test_an_epoch_visits_every_image_once_in_an_order_of_its_own(count, seed, epoch):
    some = made([0] * count)
    order = epoch_order(some, "none", seed, epoch)
    assert sorted(order) == list(range(count))
    assert np.array_equal(order, epoch_order(some, "none", seed, epoch))


def test_balanced_sampling_gives_classes_and_subclasses_equal_shares():
    some = made([0] * 90 + [1] * 10, [0] * 80 + [1] * 10 + [2] * 10)
    by_class, by_group = weights(some, "class"), weights(some, "subclass")
    assert by_class[:90].sum() == pytest.approx(0.5)
    assert [by_group[:80].sum(), by_group[80:90].sum(), by_group[90:].sum()] == pytest.approx([0.25, 0.25, 0.5])
    drawn = np.concatenate([epoch_order(some, "subclass", 0, epoch) for epoch in range(50)])
    assert np.mean(drawn >= 90) == pytest.approx(0.5, abs=0.03)


def test_the_hash_of_a_dataset_sees_labels_and_splits_but_not_order(toy):
    whole = dataset_hash(toy.splits)
    assert whole == dataset_hash(toy.splits.sample(frac=1, random_state=1))
    moved = toy.splits.assign(label=toy.splits["label"].replace("sky", "sea"))
    assert whole != dataset_hash(moved)


def test_feeds_deliver_what_the_table_says(toy):
    classes = classes_of(toy.splits)
    some = examples_of(toy.splits, classes, toy.pixels)
    named = dict(zip(toy.splits["image_id"], toy.splits["label"], strict=True))
    with Loader(toy.pixels, choose("cpu"), 3) as loader:
        for batch in loader.batches(some, batches_of(epoch_order(some, "none", 0, 0), 7)):
            for place, image, label in zip(batch.indices, batch.images.numpy(), batch.labels, strict=True):
                assert classes[label] == named[some.image_ids[place]]
                assert np.array_equal(image, toy.pixels.batch(toy.pixels.rows([some.image_ids[place]]))[0])


@pytest.fixture
def engine(toy) -> Engine:
    classes = classes_of(toy.splits)
    start = start_from(toy.base(), classes, toy.params)
    return Engine(start.model, start.head, start.base, toy.params, choose("cpu"))


def test_a_sound_run_passes_every_check_and_is_not_touched(toy, engine, caplog):
    caplog.set_level("INFO")
    before = {name: tensor.clone() for name, tensor in engine.model.state_dict().items()}
    sanity_checks.check_all(engine, data_of(toy.splits, classes_of(toy.splits), toy.pixels))
    assert "overfitted" in caplog.text
    assert "unrelated" not in caplog.text
    assert all(tensor.equal(before[name]) for name, tensor in engine.model.state_dict().items())


def test_shuffled_labels_are_noticed_after_training_and_others_are_not(toy, caplog):
    data = data_of(toy.splits, classes_of(toy.splits), toy.pixels)
    many = data.val.take(np.arange(100) % len(data.val))
    draw = np.random.default_rng(0)
    false = missed = 0
    for _ in range(40):
        caplog.clear()
        shuffled = float((draw.permutation(many.labels) == many.labels).mean())
        sanity_checks.check_learnt([{"val_accuracy": shuffled}], replace(data, val=many))
        missed += "shuffled" not in caplog.text
        caplog.clear()
        sanity_checks.check_learnt([{"val_accuracy": draw.binomial(100, 0.6) / 100}], replace(data, val=many))
        false += "shuffled" in caplog.text
    assert missed <= 4
    assert not false
    sanity_checks.check_learnt([{"val_accuracy": 0.5}], replace(data, val=many.take([0, 1])))  # can't tell
    assert not caplog.text


def test_pictures_on_varied_backgrounds_are_no_alarm_before_training(toy, engine, caplog):
    caplog.set_level("INFO")
    data = data_of(toy.splits, classes_of(toy.splits), toy.pixels)
    draw = np.random.default_rng(0)
    train = data.train
    mixed = Examples(train.image_ids, train.rows, draw.permutation(train.labels), train.groups, train.small)
    assert sanity_checks.unrelated_p_value(data, 0) < 0.02
    assert sanity_checks.unrelated_p_value(Data(data.pixels, mixed, data.val), 0) > 0.05
    sanity_checks.check_all(engine, replace(data, train=mixed))
    assert "don't tell the classes" in caplog.text
    assert not [one for one in caplog.records if "classes" in one.message and one.levelname == "WARNING"]


@given(st.integers(1, 40), st.floats(0.05, 0.95), st.data())
def test_chances_are_those_of_the_binomial_distribution(count, share, data):
    right = data.draw(st.integers(0, count))
    assert sanity_checks.chance_of(right, count, share) == pytest.approx(binom.sf(right - 1, count, share), abs=1e-9)
    many = round(share * 4000) + right
    assert sanity_checks.chance_of(many, 4000, share) == pytest.approx(binom.sf(many - 1, 4000, share), abs=0.01)


def test_balanced_sampling_keeps_the_prior_of_the_classes(toy):
    """Labels that no pixel tells, nine of ten of one class: the answers must say nine of ten, not one of two."""
    few = toy.splits[toy.splits["split"] == "train"].head(30)
    labels = np.where(np.arange(30) % 10 == 0, "leaf", "cherry")
    few = few.assign(label=labels, fold=-1)
    said = {}
    for balance in ("none", "class"):
        block = toy.params.train.model_copy(update={"balance": balance, "label_smoothing": 0.0, "body_lr": 1e-6})
        params = toy.params.model_copy(update={"train": block, "epochs": 8, "lr": 1e-3})
        answers = train_and_predict(few, few, ("cherry", "leaf"), toy.pixels, params)
        said[balance] = float(answers.probabilities[:, 0].mean())
    assert said["class"] == pytest.approx(0.9, abs=0.08)


def test_pixels_of_another_image_are_noticed(toy, engine):
    data = data_of(toy.splits, classes_of(toy.splits), toy.pixels)
    train = data.train
    wrong = Examples(train.image_ids, np.roll(train.rows, 1), train.labels, train.groups, train.small)
    with pytest.raises(sanity_checks.CheckError, match="another image"):
        sanity_checks.check_all(engine, Data(data.pixels, wrong, data.val))


def test_a_head_that_is_too_loud_is_noticed(toy, engine):
    engine.model.get_submodule(engine.head).weight.data.add_(torch.randn(3, 1) * 1e6)
    with pytest.raises(sanity_checks.CheckError, match="loss at step 0"):
        sanity_checks.check_all(engine, data_of(toy.splits, classes_of(toy.splits), toy.pixels))


def test_a_network_that_learns_nothing_is_noticed(toy, engine):
    for layer in engine.model.modules():
        if isinstance(layer, torch.nn.ReLU):
            layer.forward = lambda x: x * 0
    with pytest.raises(sanity_checks.CheckError, match="can't be overfitted"):
        sanity_checks.check_all(engine, data_of(toy.splits, classes_of(toy.splits), toy.pixels))


def test_a_norm_layer_in_the_wrong_mode_is_noticed(engine):
    set_training(engine.model, engine.head, frozen=False)
    check_modes(engine.model, engine.head, training=True)
    next(layer for layer in engine.model.modules() if "BatchNorm" in type(layer).__name__).eval()
    with pytest.raises(ModeError, match="evaluation mode"):
        check_modes(engine.model, engine.head, training=True)
