"""The representation of each galaxy: the network's view of its image (paper Sec. 2.2)."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from workflow.lib.cutouts import iter_images
from workflow.lib.draws import name_keys
from workflow.lib.encoder import load_encoder, load_head
from workflow.lib.errors import UserError
from workflow.lib.files import atomic_path
from workflow.lib.images import CutoutError, colour_image, decode_image, grey, to_thumbnail
from workflow.lib.representation import Compressor, representation_schema, representation_table
from workflow.lib.tables import write_parquet
from workflow.lib.votes import held_out_names, votes_table

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)


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

    Forward passes from randomly drawn views of each image, without dropout; the paper has one.

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
    views
        Views of each image, over which the representation is averaged.
    """
    encoder, _ = load_encoder(weights, crop_size)
    schema = representation_schema(encoder.output_shape[-1])
    with atomic_path(representation) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for iaunames, vectors in iter_vectors(
            encoder, cutouts, batch_size=batch_size, seed=seed, views=views, origin=weights
        ):
            writer.write_table(representation_table(iaunames, vectors, schema))


def iter_vectors(
    encoder: "keras.Model",
    shard: str | Path,
    *,
    batch_size: int,
    seed: int,
    views: int,
    origin: str | Path,
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Give the representations of a shard's galaxies in batches.

    Parameters
    ----------
    encoder
        By `encoder.load_encoder`.
    shard
        A cutout shard.
    batch_size, seed, views
        As for `embed_shard`.
    origin
        The file of the weights, to be named if they are at fault.

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
        vectors = _see(encoder, full, iaunames, seed, views)
        if not np.isfinite(vectors).all():
            bad = iaunames[int(np.argmin(np.isfinite(vectors).all(axis=1)))]
            raise UserError(f"{origin}: gives no finite representation of galaxy {bad}")
        yield iaunames, vectors
        done += count
        log.info("%s: %d galaxies embedded", Path(shard).name, done)


def represent_image(
    data: bytes,
    name: str,
    encoder: "keras.Model",
    compressor: Compressor | None,
    *,
    thumbnail_size: int,
    network_size: int,
    network_field: float,
    colour: Mapping[str, Any],
    max_missing_share: float,
    seed: int,
    views: int,
) -> np.ndarray:
    """Calculate the representation of one image file, as that of a survey's galaxy is.

    Parameters
    ----------
    data
        A JPEG, PNG or FITS file.
    name
        What to call it in errors. The network's views follow from it: the name and the image of a
        survey's galaxy give that galaxy's representation.
    encoder
        By `encoder.load_encoder`.
    compressor
        A fitted PCA, by `representation.read_compressor`; None for the whole representation.
    thumbnail_size, network_size, network_field, colour, max_missing_share
        As for `cutouts.make_shard`.
    seed, views
        As for `embed_shard`.

    Returns
    -------
    numpy.ndarray
        Shape (d,), float32.

    Raises
    ------
    UserError
        If the file is no usable image.
    """
    try:
        image = decode_image(
            data, name, bands="".join(colour["scales"]), max_missing_share=max_missing_share
        )
    except CutoutError as error:
        raise UserError(f"no usable image: {error.detail}") from error
    rgb = to_thumbnail(image, thumbnail_size, colour)
    channels = encoder.input_shape[-1]
    draw = grey if channels == 1 else colour_image
    pixels = draw(rgb, network_size, network_field)
    images = pixels.reshape(1, network_size, network_size, channels)
    vectors = _see(encoder, images, [name], seed, views)
    return (vectors if compressor is None else compressor.project(vectors))[0]


def _see(
    encoder: "keras.Model", images: np.ndarray, iaunames: Sequence[str], seed: int, views: int
) -> np.ndarray:
    """Give the representations of the first images, one a name; the others fill up the batch."""
    from workflow.lib.augment import apply_views, draw_views

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
    """Give what a head makes of the representation of every galaxy of a survey.

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
        In the order of the shards.
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


def predict_votes(
    shards: Sequence[str | Path],
    weights: str | Path,
    head: str | Path,
    votes: str | Path,
    *,
    survey: str,
    crop_size: int,
    batch_size: int,
    seed: int,
    views: int,
) -> None:
    """Write the vote fractions that a pretrained network expects of each galaxy of a survey.

    Parameters
    ----------
    shards
        The survey's cutout shards.
    weights, head
        An encoder, and the head that it was trained with.
    votes
        Parquet to write, by `votes.votes_table`.
    survey
        Its name: of the survey that the network was trained on, only galaxies of the test set
        are held out.
    crop_size, batch_size, seed, views
        As for `embed_shard`; the views are the same as those of the representation.

    Raises
    ------
    UserError
        If the weights have no head, or any of the files is not what it should be.
    """
    encoder, description = load_encoder(weights, crop_size)
    answer = load_head(head)
    iaunames, concentrations = answer_all(
        answer.concentrations, encoder, shards,
        batch_size=batch_size, seed=seed, views=views, origin=weights,
    )  # fmt: skip
    held_out = held_out_names(iaunames, survey, description["training"])
    write_parquet(votes_table(iaunames, concentrations, held_out, answer.questions), votes)


def use_threads(count: int) -> None:
    """Hold TensorFlow to `count` CPU threads, in this process and before its first operation."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(count)
        # Some of a network's operations keep but one thread busy: others run beside them.
        tf.config.threading.set_inter_op_parallelism_threads(count)
