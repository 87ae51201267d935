"""GPUs, threads and precision of this process.

Keras is imported in each function: scripts import this module before they open the job's log, in
which Keras's messages while loading belong.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from workflow.lib.common.errors import UserError

GIVEN = ("SLURM_GPUS_ON_NODE", "MORPHOFLOW_GPUS")
"""Variables with the number of GPUs that this process was given: Slurm's, and one that is set where
Snakemake runs with ``--resources gpu=``."""
PRETEND = "MORPHOFLOW_PRETEND_GPU"
"""Variable by which tests use a CPU as if it were the GPU that a job was given."""

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
"""Options of mallopt, by their names in malloc.h."""


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


def device_name() -> str:
    """Name the first GPU, or the lack of one."""
    import keras

    if not count_gpus():
        return "no GPU"
    if keras.backend.backend() == "jax":
        import jax

        return jax.devices("gpu")[0].device_kind
    import tensorflow as tf

    (first, *_) = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(first).get("device_name", first.name)


def give_gpus(count: int) -> None:
    """Tell this process and those that it starts that jobs are given GPUs."""
    os.environ[GIVEN[-1]] = str(count)


def check_gpus(asked: int) -> None:
    """Stop a job that was given GPUs and sees fewer.

    It would otherwise calculate on the CPU, a hundred times slower, without a word.

    Parameters
    ----------
    asked
        Number of GPUs that the job's rule asks for. A run without a cluster and without
        ``--resources gpu=`` gives none, so its jobs may use the CPU.

    Raises
    ------
    UserError
        It says what is missing: the driver's device, or CUDA's libraries.
    """
    given = [f"{name}={os.environ[name]}" for name in GIVEN if os.environ.get(name, "0") != "0"]
    if not given or not asked or PRETEND in os.environ:
        return
    import keras

    seen = count_gpus()
    if seen >= asked:
        return
    backend = keras.backend.backend()
    raise UserError(
        f"this job asked for {asked} GPU(s) and was given some ({', '.join(given)}), but "
        f"{backend} on {os.uname().nodename} sees {seen}: {_missing()}"
    )


def _missing() -> str:
    if find_spec("nvidia") is None:
        return "its environment has no CUDA libraries; install them with 'make env GPU=1'"
    return (
        "its environment has CUDA's libraries, so look at what 'nvidia-smi' prints in such a job: "
        "the driver, its version, and in a container the option --nv"
    )


def use_devices(threads: int, gpus: int) -> None:
    """Use a job's memory, CPU threads and GPUs.

    As for `keep_freed_memory`, which is why scripts import other modules after this call,
    `use_threads` and `check_gpus`.
    """
    keep_freed_memory()
    use_threads(threads)
    check_gpus(gpus)


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


def keep_freed_memory() -> None:
    """Have the C library keep memory that an operation frees for the next.

    glibc returns large blocks to the system as soon as they are freed. TensorFlow frees the
    hundreds of megabytes that a layer's outputs take, and the next layer is given them again, page
    by page: on a CPU that can take half of the time of a network. To be called before TensorFlow
    and pyarrow are imported: threads that they start then would each have an arena of their own.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option:  # Other C libraries lack it.
        set_option(M_TRIM_THRESHOLD, -1)  # never
        set_option(M_MMAP_MAX, 0)  # no mappings, which are always returned
        set_option(M_ARENA_MAX, 1)  # other arenas than the first are in mappings, too
