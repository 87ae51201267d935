"""GPUs, threads and precision of this process.

Keras is imported in each function: scripts import this module before they open the job's log, in
which Keras's messages while loading belong.
"""

from collections.abc import Iterator
from contextlib import contextmanager


def count_gpus() -> int:
    """Count the GPUs that this process may use."""
    import keras

    try:
        return len(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX raises it where there is no GPU.
        return 0


def on_tensorflow_cpu() -> bool:
    """Tell whether networks are calculated by TensorFlow on a CPU."""
    import keras

    return keras.backend.backend() == "tensorflow" and not count_gpus()


@contextmanager
def policy(precision: str) -> Iterator[None]:
    """Build networks that calculate in `precision` if there is a GPU, and in float32 otherwise."""
    import keras

    before = keras.config.dtype_policy()
    if count_gpus():
        keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def use_threads(count: int) -> None:
    """Limit TensorFlow to `count` CPU threads; to be called before its first operation."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(count)
        # Some operations of a network use only one thread; others can then run at the same time.
        tf.config.threading.set_inter_op_parallelism_threads(count)
