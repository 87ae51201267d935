"""Images that are uploaded: never written to the disk, never shown but as drawn anew."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from workflow.app.survey import Survey
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.images import decode_image, to_jpeg, to_thumbnail
from workflow.lib.represent.pca import read_compressor

if TYPE_CHECKING:
    import keras

NAME = "the uploaded file"
"""What it is called, whatever its sender calls it. The network's view of it depends on this."""

MAX_PIXELS = 2**24
"""The most pixels that are decoded: a small file can announce a picture that fills the memory."""


def draw_upload(data: bytes, cutouts: Mapping[str, Any]) -> bytes:
    """Draw an uploaded image as the survey's galaxies are drawn.

    Parameters
    ----------
    data
        A JPEG, PNG or FITS file, or what is said to be one.
    cutouts
        The configuration's ``cutouts``.

    Returns
    -------
    bytes
        A JPEG.

    Raises
    ------
    UserError
        If there is no usable image in it.
    """
    colour = cutouts["colour"]
    try:
        image = decode_image(
            data,
            NAME,
            bands="".join(colour["scales"]),
            max_missing_share=cutouts["max_missing_share"],
            max_pixels=MAX_PIXELS,
        )
    except FetchError as error:
        raise UserError(f"no usable image: {error.detail}") from error
    return to_jpeg(to_thumbnail(image, cutouts["thumbnail_size"], colour), cutouts["jpeg_quality"])


def represent_upload(survey: Survey, data: bytes, whole: bool) -> np.ndarray:
    """Calculate the representation of an image that `draw_upload` can draw.

    Parameters
    ----------
    survey
        Gives the encoder and its settings.
    data
        As for `draw_upload`.
    whole
        Whether the whole representation is wanted, or its principal components.

    Returns
    -------
    numpy.ndarray
        Shape (d,), float32.
    """
    # Loads TensorFlow, for which nobody should wait who uploads nothing.
    from workflow.lib.represent.embed import represent_image

    cutouts, representation = survey.config["cutouts"], survey.config["representation"]
    return represent_image(
        data,
        NAME,
        _encoder(survey),
        None if whole else read_compressor(survey.compressor),
        thumbnail_size=cutouts["thumbnail_size"],
        network_size=cutouts["network_size"],
        network_field=cutouts["network_field"],
        colour=cutouts["colour"],
        max_missing_share=cutouts["max_missing_share"],
        seed=representation["seed"],
        views=representation["views"],
    )


@cache
def _encoder(survey: Survey) -> "keras.Model":
    from workflow.lib.network.encoder import load_encoder

    return load_encoder(survey.weights, survey.config["representation"]["crop_size"])[0]
