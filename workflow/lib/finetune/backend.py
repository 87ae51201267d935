"""The part of fine-tuning that depends on Keras's backend (TensorFlow or JAX)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from workflow.lib.network.devices import count_gpus, on_tensorflow_cpu

Tensor = Any
"""A tensor of Keras's backend, or an array that it converts to one."""

Arrays = list[Any]
"""Tensors, one for each variable of a network."""


def on_device(array: np.ndarray) -> Tensor:
    """Copy an array to the device that trains."""
    return ops.convert_to_tensor(array)


def optimise_graphs(wanted: bool) -> None:
    """Turn TensorFlow's graph optimiser on (or off) for functions compiled later on a CPU.

    On a CPU it needs 15 seconds for the graph of a step through the whole encoder. That gains
    nothing, unless batch normalisation is trained.
    """
    if on_tensorflow_cpu():
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not wanted})


def compiled(function: Callable[..., Any], fixed: int = 0) -> Callable[..., Any]:
    """Compile a function of tensors.

    TensorFlow traces it once, for any number of epochs, steps and galaxies: only the first `fixed`
    arguments must always have the same shape. Of the others only the last three dimensions must,
    and only if there are more than three. JAX traces the function anew for each shape.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    def any_size(tensor: Any) -> tf.TensorSpec:
        last = tensor.shape[-3:] if len(tensor.shape) > 3 else ()
        free = [None] * (len(tensor.shape) - len(last))
        return tf.TensorSpec([*free, *last], tensor.dtype)

    made = None

    def call(*values: Any) -> Any:
        nonlocal made
        if made is None:
            signature = [
                tf.nest.map_structure(
                    tf.TensorSpec.from_tensor if place < fixed else any_size, value
                )
                for place, value in enumerate(values)
            ]
            # On a CPU, XLA's convolutions are several times slower than TensorFlow's own.
            made = tf.function(
                function, input_signature=signature, autograph=False, jit_compile=count_gpus() > 0
            )
        return made(*values)

    return call


def with_gradient(loss: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any, Arrays]]:
    """Turn ``loss(weights, ...) -> value, more`` into a function that gives gradients as well."""
    if keras.backend.backend() == "jax":
        import jax

        def differentiate(weights: Arrays, *rest: Any) -> tuple[Any, Any, Arrays]:
            (value, more), gradients = jax.value_and_grad(loss, has_aux=True)(weights, *rest)
            return value, more, gradients

        return differentiate
    import tensorflow as tf

    def differentiate(weights: Arrays, *rest: Any) -> tuple[Any, Any, Arrays]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value, more = loss(weights, *rest)
        return value, more, tape.gradient(value, weights)

    return differentiate


def run_batched(
    function: Callable[..., Any], arrays: Sequence[np.ndarray], batch_size: int
) -> np.ndarray:
    """Call a function on batches of arrays of shape (n,), and join its results.

    Batches are of equal size, so that a function is compiled once; the results for the rows that
    fill up the last batch are cut off.
    """
    places, _ = equal_batches(len(arrays[0]), batch_size)
    parts = [
        np.asarray(function(*(ops.convert_to_tensor(array[place]) for array in arrays)))
        for place in places
    ]
    return np.concatenate(parts)[: len(arrays[0])]


def equal_batches(count: int, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Share places 0 to `count` - 1 among batches of equal size, as few as `batch_size` allows.

    Returns
    -------
    places : numpy.ndarray
        Shape (batches, batch), int. Where `count` does not divide evenly, the first places are
        repeated at the end of the last batch.
    counts : numpy.ndarray
        The same shape, float32: 1, and 0 for those repeated ones.
    """
    batches = math.ceil(count / batch_size)
    batch = math.ceil(count / batches)
    places = np.resize(np.arange(count), (batches, batch))
    counts = (np.arange(batches * batch) < count).reshape(batches, batch)
    return places, counts.astype(np.float32)
