"""A copy-detection descriptor, which proposes pairs that hashes do not see: an optional extra (onnxruntime)."""
