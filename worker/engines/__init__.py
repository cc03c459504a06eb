"""Engines turn pixels into features: Keras (GPU or CPU) and OpenVINO (CPU), held to the same answers."""
