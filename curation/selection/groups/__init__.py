"""What the metadata says of images that belong together, and what follows for their splits."""
