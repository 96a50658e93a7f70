"""A small round for the identification tests: a real checkpoint that reads colours, and pictures of colours."""

import pytest
from factories.pictures import write_patch


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A checkpoint that names an image by its main colour."""
    from factories.models import train_colours

    from curation.model.scorer import Scorer

    path = train_colours(tmp_path_factory.mktemp("model") / "candidate.safetensors")
    Scorer(path)
    return path


@pytest.fixture
def picture():
    """A function that writes a patch of a colour to a file: picture(path, label, seed)."""
    return write_patch
