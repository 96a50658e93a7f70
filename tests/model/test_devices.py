"""Devices and processes that training cannot use are refused; a step that fp16 leaves out leaves no trace."""

import numpy as np
import pytest
import torch
from factories.models import settings

from curation.model.base_model import start_from
from curation.model.device import DeviceError, choose
from curation.model.training.epoch import Engine
from curation.model.training.examples import SharesError, check_shares
from curation.model.training.loader import Loader
from curation.model.training.train_candidate import data_of

CLASSES = ("cherry", "leaf", "sky")


def test_a_first_step_that_fp16_leaves_out_leaves_no_trace_in_sgds_momentum(toy):
    params = settings(toy.root, train={"optimizer": "sgd", "precision": "fp16", "clip": 0.0})
    start = start_from(toy.base(), CLASSES, params)
    engine = Engine(start.model, start.head, start.base, params, choose("cpu", "fp16"))
    before = {name: weight.clone() for name, weight in engine.model.named_parameters()}
    engine.scaler.load_state_dict({**engine.scaler.state_dict(), "scale": 2.0**100})
    data = data_of(toy.splits, CLASSES, toy.pixels)
    engine._set_mode(frozen=False)
    with Loader(toy.pixels, engine.device) as loader:
        for batch in loader.batches(data.train, [np.arange(16)]):
            engine._step(batch, data.train, np.arange(16), 0)
    assert all(torch.equal(weight, before[name]) for name, weight in engine.model.named_parameters())
    assert all((engine.optimizer.state[weight]["momentum_buffer"] == 0).all() for weight in engine.model.parameters())


@pytest.mark.parametrize(
    ("count", "batch_size", "world", "fits"), [(100, 16, 8, False), (100, 20, 8, True), (3, 2, 1, True)]
)
def test_batches_that_are_too_small_for_their_processes_are_refused(count, batch_size, world, fits):
    if fits:
        check_shares(count, batch_size, world)
        return
    with pytest.raises(SharesError, match=r"every part needs two images or more\. Set `batch_size` to 32"):
        check_shares(count, batch_size, world)


def test_one_gpu_for_all_processes_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(DeviceError, match="4 processes share the work: write `cuda` or `auto`"):
        choose("cuda:1")
