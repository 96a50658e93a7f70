"""Questions to the unlabelled pool: what each image probably is, and what to label next."""
