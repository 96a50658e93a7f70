"""A toy project that a tiny network learns in an epoch or two."""

from functools import partial

import pytest
import torch
from factories.models import Toy, answers, make_toy


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Toy:
    return make_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def answer_of(toy):
    """Mean cross-entropy and accuracy on val of a checkpoint, by what it answers."""
    return partial(answers, toy)
