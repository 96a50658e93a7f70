"""Estimate how probably each label is wrong, from evidence that has not seen the label."""
