"""A toy project that a tiny network learns in an epoch or two."""

from functools import partial

import pytest
from factories.models import answers
from factories.toy_fixtures import one_thread, toy

__all__ = ["answer_of", "one_thread", "toy"]


@pytest.fixture
def answer_of(toy):
    """Mean cross-entropy and accuracy on val of a checkpoint, by what it answers."""
    return partial(answers, toy)
