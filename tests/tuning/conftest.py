"""A toy project for learning curves and cross-validation."""

import pytest
import torch
from factories.models import Toy, make_toy


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Toy:
    return make_toy(tmp_path_factory.mktemp("toy"))
