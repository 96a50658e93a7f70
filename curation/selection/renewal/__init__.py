"""Renew the benchmark: which images leave it, which take their place, and the log that the stage `split` obeys."""
