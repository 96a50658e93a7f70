"""The training loop and its parts: samples, loader, augmentation, optimiser, resumable state."""
