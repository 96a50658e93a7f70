"""From a file to a calibrated answer of a model: decoding, scores, calibration, thresholds, OOD score."""
