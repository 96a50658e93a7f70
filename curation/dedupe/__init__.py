"""Near-duplicates: all pairs within a Hamming radius, verified on pixels, grouped, and which copy to keep."""
