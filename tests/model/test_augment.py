import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from curation.model.training import augment
from curation.params.blocks import Augment

OFF = Augment(flip=0, rotate=0, zoom_in=0, zoom_out=0)


def images(count=4, size=8):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def run(config, batch, small=None, seed=(0, 0, 0)):
    draws = augment.draw(config, torch.zeros(len(batch), dtype=torch.bool) if small is None else small, seed)
    return augment.apply(batch.clone(), draws, config)


def test_nothing_asked_is_nothing_done():
    assert torch.equal(run(OFF, images()), images())


def test_a_certain_flip_mirrors_left_and_right():
    out = run(OFF.model_copy(update={"flip": 1.0}), images())
    assert torch.allclose(out, images().flip(3), atol=1e-5)


@given(st.integers(0, 2**31), st.integers(0, 500), st.integers(0, 10_000))
def test_draws_depend_on_seed_epoch_and_batch_alone(seed, epoch, batch):
    torch.manual_seed(seed % 7)
    small = torch.zeros(5, dtype=torch.bool)
    one = augment.draw(Augment(mixup=0.2, jitter=0.1, erase=0.5), small, (seed, epoch, batch))
    torch.manual_seed(seed % 5)
    two = augment.draw(Augment(mixup=0.2, jitter=0.1, erase=0.5), small, (seed, epoch, batch))
    other = augment.draw(Augment(), small, (seed, epoch, batch + 1))
    assert torch.equal(one.affine, two.affine)
    assert one.mix == two.mix
    assert not torch.equal(one.affine, other.affine)


def test_each_image_has_its_own_draw():
    affine = augment.draw(Augment(), torch.zeros(50, dtype=torch.bool), (0, 0, 0)).affine
    assert len({tuple(row) for row in affine.flatten(1).tolist()}) == 50


def test_small_subjects_are_never_zoomed_out():
    small = torch.arange(400) % 2 == 0
    affine = augment.draw(Augment(rotate=0, flip=0, zoom_in=0.5, zoom_out=0.5), small, (3, 1, 2)).affine
    scale = affine[:, 0, 0]
    assert scale[small].max() <= 1
    assert scale[~small].max() > 1.3
    assert scale.min() >= 1 / 1.5 - 1e-6


def test_a_zoom_in_never_looks_outside_the_picture():
    affine = augment.draw(
        Augment(rotate=0, zoom_out=0, zoom_in=1.0), torch.zeros(300, dtype=torch.bool), (0, 0, 0)
    ).affine
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    seen = torch.einsum("nij,cj->nci", affine, corners)
    assert seen.abs().max() <= 1 + 1e-5
    assert seen.abs().amax(dim=(1, 2)).min() < 0.9


@pytest.mark.parametrize(
    "config",
    [
        {"jitter": 0.4},
        {"erase": 1.0},
        {"mixup": 0.3},
        {"rotate": 30.0},
        {"cutmix": 1.0},
        {"trivial": True},
        {"stretch": 1.0},
        {},
    ],
)
def test_pixels_stay_between_black_and_white(config):
    out = run(Augment(**config), images(16))
    assert out.shape == (16, 3, 8, 8)
    assert out.min() >= 0
    assert out.max() <= 1
    assert not torch.equal(out, images(16))


def test_parts_of_a_batch_are_augmented_as_in_the_whole():
    config, batch = Augment(jitter=0.2), images(7)
    draws = augment.draw(config, torch.zeros(7, dtype=torch.bool), (1, 2, 3))
    whole = augment.apply(batch.clone(), draws, config)
    parts = [augment.apply(batch[a:b].clone(), draws.part(a, b), config) for a, b in ((0, 3), (3, 7))]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-6)


def test_pixels_come_from_where_torchs_own_grid_says():
    affine = augment.draw(Augment(), torch.zeros(5, dtype=torch.bool), (4, 0, 1)).affine
    expected = torch.nn.functional.affine_grid(affine, [5, 3, 9, 9], align_corners=False)
    assert torch.allclose(augment._sampling_grid(affine, 9), expected, atol=1e-6)


def test_seeds_are_spread():
    seeds = {augment.hash_seed(s, e, b) for s in range(10) for e in range(20) for b in range(20)}
    assert len(seeds) == 4000
    assert np.std([seed / 2**63 for seed in seeds]) == pytest.approx(12**-0.5, rel=0.05)


def test_cutmix_shows_a_box_of_the_other_image_as_large_as_its_share_of_the_label():
    config, batch = OFF.model_copy(update={"cutmix": 1.0}), images(6, 64)
    for number in range(20):
        draws = augment.draw(config, torch.zeros(6, dtype=torch.bool), (0, 0, number))
        out = augment.apply(batch.clone(), draws, config)
        other = (out == batch[draws.partner]).all(1)
        assert ((out == batch).all(1) | other).all()
        strange = draws.partner != torch.arange(6)
        shares = other[strange].float().mean((1, 2))
        assert (shares - draws.mix).abs().max() < 2 / 64


def test_with_mixup_and_cutmix_each_batch_has_one_of_both():
    config = Augment(mixup=0.4, cutmix=1.0)
    draws = [augment.draw(config, torch.zeros(4, dtype=torch.bool), (0, 0, number)) for number in range(200)]
    boxed = [bool(draw.cut[2] > draw.cut[0]) for draw in draws]
    assert 70 < sum(boxed) < 130


def test_new_options_leave_the_draws_of_the_others_as_they_were():
    small = torch.zeros(9, dtype=torch.bool)
    one = augment.draw(Augment(mixup=0.3, erase=0.5, jitter=0.2), small, (1, 2, 3))
    two = augment.draw(Augment(mixup=0.3, erase=0.5, jitter=0.2, cutmix=1.0, stretch=0.3), small, (1, 2, 3))
    for name in ("colour", "box", "partner"):
        assert torch.equal(getattr(one, name), getattr(two, name))


@given(st.floats(0.01, 3), st.floats(0, 2), st.integers(0, 10_000))
def test_a_stretched_zoom_in_never_looks_outside_the_picture(stretch, zoom, batch):
    config = Augment(rotate=0, zoom_out=0, zoom_in=zoom, stretch=stretch)
    affine = augment.draw(config, torch.zeros(30, dtype=torch.bool), (0, 0, batch)).affine
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    assert torch.einsum("nij,cj->nci", affine, corners).abs().max() <= 1 + 1e-5
    ratio = affine[:, 0, 0].abs() / affine[:, 1, 1]
    assert ratio.max() <= 1 + stretch + 1e-4
    assert ratio.min() >= 1 / (1 + stretch) - 1e-4


def test_trivial_changes_an_image_in_one_way_at_most():
    config = OFF.model_copy(update={"trivial": True})
    draws = augment.draw(config, torch.zeros(900, dtype=torch.bool), (0, 0, 0))
    still = (draws.affine - torch.eye(2, 3)).flatten(1).abs().amax(1) < 1e-6
    coloured = ((draws.colour - 1).abs() > 1e-6).sum(1)
    assert coloured.max() == 1
    assert not ((coloured == 1) & ~still).any()
    assert 0.05 < ((coloured == 0) & still).float().mean() < 0.2
