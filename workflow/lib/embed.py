"""The representation of each galaxy: the network's view of its image (paper Sec. 2.2)."""

import logging
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from workflow.lib.cutouts import iter_grey
from workflow.lib.errors import UserError
from workflow.lib.files import atomic_path
from workflow.lib.representation import representation_schema, representation_table

log = logging.getLogger(__name__)


def embed_shard(
    cutouts: str | Path,
    weights: str | Path,
    representation: str | Path,
    *,
    crop_size: int,
    batch_size: int,
    seed: int,
) -> None:
    """Write the representation of each galaxy of a shard (paper Sec. 2.2).

    One forward pass from one randomly drawn view of each image, without dropout.

    Parameters
    ----------
    cutouts
        A cutout shard with `grey` images.
    weights
        An encoder, with its json beside it.
    representation
        Parquet to write: iauname and 1280 float32.
    crop_size
        Side [pixel] of the crop that the network sees.
    batch_size
        Galaxies a forward pass; short batches are filled up, so that the network is compiled once.
    seed
        Of the views.
    """
    import keras

    from workflow.lib.augment import apply_views, draw_views, name_keys
    from workflow.lib.encoder import load_encoder

    encoder, description = load_encoder(weights, crop_size)
    schema = representation_schema(encoder.output_shape[-1])
    done = 0
    with atomic_path(representation) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for iaunames, images in iter_grey(cutouts, batch_size):
            count = len(iaunames)
            full = np.concatenate([images, np.repeat(images[-1:], batch_size - count, axis=0)])
            keys = np.pad(name_keys(iaunames), (0, batch_size - count))
            views = draw_views(keys, seed, 0, full.shape[1], crop_size)
            pixels = apply_views(full, views, crop_size)
            pixels = keras.ops.repeat(pixels, description["channels"], axis=-1)
            vectors = np.asarray(encoder.predict_on_batch(pixels), np.float32)[:count]
            if not np.isfinite(vectors).all():
                bad = iaunames[int(np.argmin(np.isfinite(vectors).all(axis=1)))]
                raise UserError(f"{weights}: gives no finite representation of galaxy {bad}")
            writer.write_table(representation_table(iaunames, vectors, schema))
            done += count
            log.info("%d galaxies embedded", done)


def use_threads(count: int) -> None:
    """Hold TensorFlow to `count` CPU threads, in this process and before its first operation."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(1)
