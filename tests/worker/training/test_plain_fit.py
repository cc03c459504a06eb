"""Features that are computed once, with a head on top, are the plain way of training in less time."""

from __future__ import annotations

import keras
import numpy as np

from shared.models.hyperparameters import HyperParameters
from tests.random_weights import random_arrays
from worker.engines.drawn_photos import draw_photos
from worker.network.xception import build_backbone
from worker.training.fit import build_model, compile_model, train_head

SIDE = 71
PARAMETERS = HyperParameters(
    image_size=SIDE, hidden_units=16, dropout=0, epochs=3, batch_size=8, patience=0, learning_rate=0.001
)


def test_frozen_features_and_a_head_equal_keras_fit_through_the_whole_network() -> None:
    backbone = build_backbone(SIDE, random_arrays())
    pictures = draw_photos(SIDE, 20)
    pixels, held_out = pictures[:16], pictures[16:]
    labels, truth = np.arange(16) % 2, np.arange(4) % 2
    features = backbone.predict(pixels, verbose=0)
    judged = backbone.predict(held_out, verbose=0)
    ours = train_head(
        features,
        labels,
        judged,
        truth,
        2,
        parameters=PARAMETERS,
        on_epoch=lambda _metrics: None,
        should_stop=lambda: False,
    )
    head = build_model(2, PARAMETERS)
    plain = keras.Model(backbone.input, head(backbone.output))
    compile_model(plain, PARAMETERS.learning_rate, PARAMETERS)
    for epoch in range(1, ours.best_epoch + 1):
        order = np.random.default_rng([PARAMETERS.seed, epoch]).permutation(len(labels))
        plain.fit(pixels[order], np.eye(2)[labels][order], batch_size=8, shuffle=False, verbose=0)
    expected = plain.predict(held_out, verbose=0)
    assert np.ptp(expected) > 0.1
    assert np.abs(ours.head.logits(judged) - expected).max() < 1e-4
