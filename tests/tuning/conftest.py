"""A toy project for learning curves and cross-validation."""

from factories.toy_fixtures import one_thread, toy

__all__ = ["one_thread", "toy"]
