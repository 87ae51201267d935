"""The representation of each galaxy: the network's view of its image (paper Sec. 2.2)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from workflow.lib.common.files import atomic_path
from workflow.lib.common.images import colour_image, grey
from workflow.lib.network.encoder import load_encoder
from workflow.lib.network.forward import iter_vectors, represent_batch
from workflow.lib.represent.pca import Compressor
from workflow.lib.represent.vector_files import representation_schema, representation_table

if TYPE_CHECKING:
    import keras


def embed_shard(
    cutouts: str | Path,
    weights: str | Path,
    representation: str | Path,
    *,
    crop_size: int,
    batch_size: int,
    seed: int,
    views: int,
) -> None:
    """Write the representation of each galaxy of a shard (paper Sec. 2.2).

    A representation is the mean over one or more randomly drawn views of the image, each passed
    through the network without dropout; the paper uses one view.

    Parameters
    ----------
    cutouts
        A cutout shard with `grey` images.
    weights
        An encoder, with its json beside it.
    representation
        Parquet to write: iauname and representation (1280 float32).
    crop_size
        Side [pixel] of the crop that the network sees.
    batch_size
        Galaxies per forward pass. A shorter last batch is padded to this size, so that the network
        is compiled once only.
    seed
        Seed of the random views.
    views
        Number of views of each image, over which the representation is averaged.
    """
    encoder, _ = load_encoder(weights, crop_size)
    embed_with(
        encoder, cutouts, representation,
        batch_size=batch_size, seed=seed, views=views, origin=weights,
    )  # fmt: skip


def embed_with(
    encoder: "keras.Model", cutouts: str | Path, representation: str | Path, **settings: Any
) -> None:
    """Embed a shard with an encoder that is loaded; `settings` are those of `iter_vectors`."""
    schema = representation_schema(encoder.output_shape[-1])
    with atomic_path(representation) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for iaunames, vectors in iter_vectors(encoder, cutouts, **settings):
            writer.write_table(representation_table(iaunames, vectors, schema))


def represent_thumbnail(
    rgb: np.ndarray,
    name: str,
    encoder: "keras.Model",
    compressor: Compressor | None,
    *,
    network_size: int,
    network_field: float,
    seed: int,
    views: int,
) -> np.ndarray:
    """Calculate the representation of one thumbnail, in the same way as for a survey's galaxies.

    Parameters
    ----------
    rgb
        uint8 (H, H, 3), by `images.thumbnail_of`.
    name
        The random views follow from it: the name and the image of a survey's galaxy give that
        galaxy's representation.
    encoder
        From `encoder.load_encoder`.
    compressor
        A fitted PCA, from `pca.read_compressor`; None for the whole representation.
    network_size, network_field
        As for `shards.make_shard`.
    seed, views
        As for `embed_shard`.

    Returns
    -------
    numpy.ndarray
        Shape (d,), float32.
    """
    channels = encoder.input_shape[-1]
    draw = grey if channels == 1 else colour_image
    pixels = draw(rgb, network_size, network_field)
    images = pixels.reshape(1, network_size, network_size, channels)
    vectors = represent_batch(encoder, images, [name], seed, views)
    return (vectors if compressor is None else compressor.project(vectors))[0]
