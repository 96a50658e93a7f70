"""Choose the images of a model: class limits, label conflicts, splits, folds."""
