"""What web, workers and command line agree on. Imports neither Flask, TensorFlow, web nor worker."""
