"""Search for hyper-parameters, draw learning curves, cross-validate."""
