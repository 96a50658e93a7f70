"""Relations: from the nearest pairs by thumbnail to copies with their keepers, scenes, and leak groups."""
