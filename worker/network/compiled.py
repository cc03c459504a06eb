"""A model as one compiled function, on whichever backend Keras runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

# From a model's input, as an array, to its output or outputs, as tensors that may still be on their way.
Compiled = Callable[[Any], Any]


def compiled(model: keras.Model) -> Compiled:
    """The model in inference mode with the weights it has now, compiled anew for each shape of its input."""
    return _on_jax(model) if keras.backend.backend() == "jax" else _on_tensorflow(model)


def _on_tensorflow(model: keras.Model) -> Compiled:
    import tensorflow  # noqa: PLC0415 - only where it is Keras' backend

    function: Compiled = tensorflow.function(lambda inputs: model(inputs, training=False))
    return function


def _on_jax(model: keras.Model) -> Compiled:
    import jax  # noqa: PLC0415 - only where it is Keras' backend

    # Weights are arguments: XLA would write those that a function holds on to into its code.
    @jax.jit
    def run(trainable: list[Any], others: list[Any], inputs: Any) -> Any:
        return model.stateless_call(trainable, others, inputs, training=False)[0]

    weights = [
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    ]
    return lambda inputs: run(*weights, inputs)
