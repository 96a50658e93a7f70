"""A class above its maximum: which images are measured on, and which are trained on."""
