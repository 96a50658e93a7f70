"""The pixel store: every image decoded once at the size of the model, and the caches behind it."""
