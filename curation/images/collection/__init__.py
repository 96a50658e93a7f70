"""Find the files of a collection and what folders, metadata.csv and DVC know of them."""
