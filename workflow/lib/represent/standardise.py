"""Features of one scale: mean 0 and variance 1."""

import numpy as np

from workflow.lib.common.errors import UserError


def standardise(vectors: np.ndarray) -> np.ndarray:
    """Scale features to mean 0 and variance 1; a feature that is equal for all galaxies becomes 0.

    Parameters
    ----------
    vectors
        Shape (n, d), float.

    Returns
    -------
    numpy.ndarray
        Shape (n, d), float32.

    Raises
    ------
    UserError
        If a galaxy has a feature that is not finite, or all galaxies have the same features.
    """
    mean, deviation = (f(vectors, axis=0, dtype=np.float64) for f in (np.mean, np.std))
    if not (np.isfinite(mean) & np.isfinite(deviation)).all():
        unusable = int((~np.isfinite(vectors)).any(axis=1).sum())
        raise UserError(f"{unusable} of {len(vectors)} galaxies have features that are not finite")
    # The deviation of equal numbers is not exactly 0, because of rounding.
    constant = deviation <= 1e-6 * np.abs(mean)
    if constant.all():
        raise UserError(f"all {len(vectors)} galaxies have the same features")
    deviation[constant] = np.inf
    return ((vectors - mean) / deviation).astype(np.float32)
