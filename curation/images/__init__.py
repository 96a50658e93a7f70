"""Read any image file as a person sees it, hash it and measure it."""
