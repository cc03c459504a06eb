"""Training a head on stored features: fit, calibrate, evaluate. The only training code that imports Keras."""
