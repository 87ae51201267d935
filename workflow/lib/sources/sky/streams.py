"""Random streams that depend on what is drawn, not on the order or process it is drawn in."""

from zlib import crc32

import numpy as np


def stream(seed: int, name: str, purpose: str) -> np.random.Generator:
    """Give the generator of one galaxy for one purpose.

    Parameters
    ----------
    seed
        The sky's seed, at least 0.
    name
        The galaxy's iauname.
    purpose
        What is drawn. Each purpose has its own independent stream.

    Returns
    -------
    numpy.random.Generator
        The same for the same arguments, in any order of calls, process or shard.
    """
    entropy = [seed, crc32(name.encode()), crc32(purpose.encode())]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
