"""Estimate how probably each label is wrong, with models that were not trained on the label."""
