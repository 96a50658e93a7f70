"""Measure a model: predictions, metrics with intervals, baselines, and the files of the plots."""
