"""Uploaded images: kept in memory only, and always redrawn before they are shown."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from workflow.app.survey import Survey
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.images import check_contrast, decode_image, to_jpeg, to_thumbnail
from workflow.lib.represent.pca import read_compressor

if TYPE_CHECKING:
    import keras

NAME = "the uploaded file"
"""Used instead of the file's own name. The crops that the encoder sees are drawn from this name."""

MAX_PIXELS = 2**24
"""Largest image that is decoded: a small file can declare an image that would fill the memory."""


def draw_upload(
    data: bytes, cutouts: Mapping[str, Any], images: Mapping[str, Any] | None = None
) -> bytes:
    """Draw an uploaded image as the survey's galaxies are drawn.

    Parameters
    ----------
    data
        The content of a JPEG, PNG or FITS file; not trusted to be one.
    cutouts
        The configuration's ``cutouts``.
    images
        The survey's ``images``, of which `bands` and `units` hold for uploads too.

    Returns
    -------
    bytes
        A JPEG.

    Raises
    ------
    UserError
        If it contains no usable image.
    """
    colour = cutouts["colour"]
    try:
        image = decode_image(
            data,
            NAME,
            bands="".join(colour["scales"]),
            **decoding(images or {}),
            max_missing_share=cutouts["max_missing_share"],
            max_pixels=MAX_PIXELS,
        )
        rgb = to_thumbnail(image, cutouts["thumbnail_size"], colour)
        check_contrast(rgb, image, NAME)
    except FetchError as error:
        raise UserError(f"no usable image: {error.detail}") from error
    return to_jpeg(rgb, cutouts["jpeg_quality"])


def represent_upload(survey: Survey, data: bytes, whole: bool) -> np.ndarray:
    """Calculate the representation of an image that `draw_upload` can draw.

    Parameters
    ----------
    survey
        The survey whose encoder and settings are used.
    data
        As for `draw_upload`.
    whole
        Whether to return the whole representation rather than its principal components.

    Returns
    -------
    numpy.ndarray
        Shape (d,), float32.
    """
    # Imported here because it loads TensorFlow, which only uploads need.
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
        **decoding(survey.config["surveys"][survey.name]["images"]),
        seed=representation["seed"],
        views=representation["views"],
    )


def decoding(images: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of `decode_image` that a survey's ``images`` set."""
    return {"order": images.get("bands", ""), "units": images.get("units")}


@cache
def _encoder(survey: Survey) -> "keras.Model":
    from workflow.lib.network.encoder import load_encoder

    return load_encoder(survey.weights, survey.config["representation"]["crop_size"])[0]
