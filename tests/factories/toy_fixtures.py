"""Fixtures of all tests that train a network: one thread, and a toy project that it learns in an epoch or two."""

import pytest
import torch

from factories.models import Toy, make_toy


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Toy:
    return make_toy(tmp_path_factory.mktemp("toy"))
