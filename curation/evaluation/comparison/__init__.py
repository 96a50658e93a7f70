"""Compare models on the same images: two models, two rounds, and the promotion gate."""
