"""The HTTP API and the pages. Never imports TensorFlow, Keras or OpenVINO."""
