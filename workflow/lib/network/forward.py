"""The network's output for every galaxy of some shards."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workflow.lib.common.errors import UserError
from workflow.lib.common.name_seeds import name_keys
from workflow.lib.cutouts.shards import iter_images

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)


def iter_vectors(
    encoder: "keras.Model",
    shard: str | Path,
    *,
    batch_size: int,
    seed: int,
    views: int,
    origin: str | Path,
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Compute the representations of a shard's galaxies in batches.

    Parameters
    ----------
    encoder
        By `encoder.load_encoder`.
    shard
        A cutout shard.
    batch_size, seed, views
        As for `embed_shard`.
    origin
        The file of the weights, for the error message.

    Yields
    ------
    iaunames : list of str
    vectors : numpy.ndarray
        Shape (n, 1280), float32.

    Raises
    ------
    UserError
        If a representation is not finite.
    """
    channels = encoder.input_shape[-1]
    done = 0
    for iaunames, images in iter_images(shard, batch_size, channels):
        count = len(iaunames)
        full = np.concatenate([images, np.repeat(images[-1:], batch_size - count, axis=0)])
        vectors = represent_batch(encoder, full, iaunames, seed, views)
        if not np.isfinite(vectors).all():
            bad = iaunames[int(np.argmin(np.isfinite(vectors).all(axis=1)))]
            raise UserError(f"{origin}: gives no finite representation of galaxy {bad}")
        yield iaunames, vectors
        done += count
        log.info("%s: %d galaxies embedded", Path(shard).name, done)


def represent_batch(
    encoder: "keras.Model", images: np.ndarray, iaunames: Sequence[str], seed: int, views: int
) -> np.ndarray:
    """Compute the representations of the first images, one for each name; the rest is padding."""
    from workflow.lib.network.views import apply_views, draw_views  # Loads Keras: see `encoder`.

    size, crop = images.shape[1], encoder.input_shape[1]
    keys = np.pad(name_keys(iaunames), (0, len(images) - len(iaunames)))
    seen = [
        encoder.predict_on_batch(
            apply_views(images, draw_views(keys, seed, number, size, crop), crop)
        )
        for number in range(views)
    ]
    return np.mean(seen, axis=0, dtype=np.float32)[: len(iaunames)]


def answer_all(
    answer: Callable[[np.ndarray], np.ndarray],
    encoder: "keras.Model",
    shards: Sequence[str | Path],
    *,
    batch_size: int,
    seed: int,
    views: int,
    origin: str | Path,
) -> tuple[list[str], np.ndarray]:
    """Compute a head's output for the representation of every galaxy of a survey.

    Parameters
    ----------
    answer
        From representations (n, 1280) to values (n, ...).
    encoder, batch_size, seed, views, origin
        As for `iter_vectors`.
    shards
        The survey's cutout shards.

    Returns
    -------
    iaunames : list of str
    values : numpy.ndarray
        Shape (galaxies, ...), in the order of the shards.
    """
    parts = [
        (iaunames, answer(vectors))
        for shard in shards
        for iaunames, vectors in iter_vectors(
            encoder, shard, batch_size=batch_size, seed=seed, views=views, origin=origin
        )
    ]
    names = [name for iaunames, _ in parts for name in iaunames]
    return names, np.concatenate([values for _, values in parts])
