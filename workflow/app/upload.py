"""Uploaded images: kept in memory only, and always redrawn before they are shown."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from workflow.app.draw_untrusted import REFUSED
from workflow.app.encoder_process import NAME, ROOT, encoder_of
from workflow.app.survey import Survey
from workflow.lib.common.errors import UserError
from workflow.lib.represent.pca import read_compressor

PATIENCE = 120
"""Longest wait for the process that draws an image, which has less time of a core [s]."""


def draw_upload(
    data: bytes, cutouts: Mapping[str, Any], images: Mapping[str, Any] | None = None
) -> np.ndarray:
    """Draw an uploaded image as the survey's galaxies are drawn.

    It is decoded by `draw_untrusted`, a process of its own with a limit on its memory: a small file
    can unpack to one that fills the server's.

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
    numpy.ndarray
        uint8 (thumbnail_size, thumbnail_size, 3).

    Raises
    ------
    UserError
        If it contains no usable image.
    """
    images = images or {}
    settings = {key: cutouts[key] for key in ("thumbnail_size", "colour", "max_missing_share")}
    settings |= {"order": images.get("bands", ""), "units": images.get("units")}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "workflow.app.draw_untrusted", json.dumps(settings), NAME],
            input=data,
            capture_output=True,
            cwd=ROOT,
            # Each thread of a library for matrices would take memory of the limit.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"no usable image: {NAME} takes too long to decode") from None
    if done.returncode == REFUSED:
        raise UserError(f"no usable image: {done.stderr.decode(errors='replace').strip()}")
    if done.returncode:
        raise UserError(f"no usable image: {NAME} takes too much memory or time, or is damaged")
    size = cutouts["thumbnail_size"]
    return np.frombuffer(done.stdout, np.uint8).reshape(size, size, 3)


def represent_upload(survey: Survey, rgb: np.ndarray, whole: bool) -> np.ndarray:
    """Calculate the representation of an image by `draw_upload`.

    Parameters
    ----------
    survey
        The survey whose encoder and settings are used.
    rgb
        By `draw_upload`.
    whole
        Whether to return the whole representation rather than its principal components.

    Returns
    -------
    numpy.ndarray
        Shape (d,), float32.

    Raises
    ------
    UserError
        If the representations come without an encoder, or as for `EncoderProcess.represent`.
    """
    if survey.given:
        raise UserError(
            f"an image needs the network, and '{survey.given}' is a table of representations "
            "without one; search by a galaxy's name or position"
        )
    vector = encoder_of(survey).represent(rgb)
    if whole:
        return vector
    return read_compressor(survey.compressor).project(vector[np.newaxis])[0]
