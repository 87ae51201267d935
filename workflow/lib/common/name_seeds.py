"""Random numbers that depend on a galaxy's name, not on its row, batch or process."""

import hashlib
from collections.abc import Sequence

import numpy as np


def name_keys(iaunames: Sequence[str]) -> np.ndarray:
    """Hash names to uint64 keys of shape (n,), the same on every machine."""
    digests = b"".join(hashlib.sha256(name.encode()).digest()[:8] for name in iaunames)
    return np.frombuffer(digests, dtype="<u8")


def uniform(keys: np.ndarray, seed: int, epoch: int, count: int) -> np.ndarray:
    """Draw `count` uniform numbers in [0, 1) for each galaxy.

    Parameters
    ----------
    keys
        Shape (n,), uint64, from `name_keys`.
    seed, epoch
        With the name, these alone determine the numbers.

    Returns
    -------
    numpy.ndarray
        Shape (count, n), float64.
    """
    start = _mix(_mix(np.full(1, seed, np.uint64)) ^ np.uint64(epoch))
    mixed = [_mix(_mix(keys ^ start) + np.uint64(number)) for number in range(count)]
    # A float64 holds 53 of the 64 bits; with more, the largest number would round up to 1.
    return (np.array(mixed).reshape(count, len(keys)) >> np.uint64(11)) / np.float64(2**53)


def first_drawn(rows: np.ndarray, keys: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Select at most `most` rows, in random but reproducible order.

    Parameters
    ----------
    rows
        Shape (n,).
    keys
        Shape (n,), uint64, from `name_keys`: those of the rows' galaxies.
    most
        Largest number of rows to select.
    seed
        With the keys, this alone determines the order.
    """
    (order,) = uniform(keys, seed, 0, 1)
    return rows[np.argsort(order, kind="stable")[:most]]


def _mix(values: np.ndarray) -> np.ndarray:
    """Scramble uint64 values (the finaliser of SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
