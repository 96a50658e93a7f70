"""Verification: whether two pictures are copies or show the same scene, decided on the pixels of their files.

The steps are those of copy detection with local features (SIFT, RANSAC, ECC). They register two pictures, explain the
light, and look for a place that stays unexplained. Registration proves the same scene; only the last step proves a
copy. `compare_pictures.compare` is the whole of it.
"""
