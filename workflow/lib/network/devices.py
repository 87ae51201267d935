"""GPUs, threads and precision of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    import keras


def count_gpus() -> int:
    """Count the GPUs that this process may use."""
    try:
        return len(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # by JAX, where there is none
        return 0


@contextmanager
def policy(precision: str) -> Iterator[None]:
    """Build networks that calculate in `precision` if there is a GPU, and in float32 otherwise."""
    before = keras.config.dtype_policy()
    if count_gpus():
        keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def use_threads(count: int) -> None:
    """Hold TensorFlow to `count` CPU threads, in this process and before its first operation."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(count)
        # Some of a network's operations keep but one thread busy: others run beside them.
        tf.config.threading.set_inter_op_parallelism_threads(count)
