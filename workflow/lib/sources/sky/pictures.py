"""Images of the simulated sky: one FITS cutout, or a zip of JPEGs of a whole survey."""

import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path
from workflow.lib.common.images import (
    decode_image,
    native_size,
    thumbnail_pixel_scale,
    to_jpeg,
    to_thumbnail,
)
from workflow.lib.common.tables import read_table
from workflow.lib.sources.sky.population import galaxy_id
from workflow.lib.sources.sky.render import Instrument, cutout_fits

log = logging.getLogger(__name__)


def simulate_cutout(
    truth: str | Path,
    iauname: str,
    path: str | Path,
    *,
    instrument: Mapping[str, Any],
    seed: int,
    thumbnail_size: int,
    pixel_scale: Mapping[str, float],
) -> None:
    """Write the FITS cutout of one galaxy of the simulated sky.

    Parameters
    ----------
    truth
        The sky's table of true properties.
    iauname
        The galaxy.
    path
        FITS to write.
    instrument, seed
        The arguments of `Instrument`, and the sky's seed.
    thumbnail_size, pixel_scale
        The cutout covers the same sky as this thumbnail: its side [pixel], and the coefficients
        of `thumbnail_pixel_scale`.

    Raises
    ------
    UserError
        If the sky has no such galaxy.
    """
    sky = read_table(truth, text=["iauname"]).set_index("iauname", drop=False)
    if iauname not in sky.index:
        raise UserError(f"{truth}: no galaxy {iauname}")
    galaxy = sky.loc[iauname]
    scale = thumbnail_pixel_scale(galaxy["petro_th50"], galaxy["petro_th90"], **pixel_scale)
    camera = Instrument(**instrument)
    size = native_size(scale, thumbnail_size, camera.pixel_scale)
    with atomic_path(path) as temporary:
        temporary.write_bytes(cutout_fits(galaxy, size, camera, seed))


def simulate_pictures(
    truth: str | Path,
    path: str | Path,
    *,
    instrument: Mapping[str, Any],
    seed: int,
    thumbnail_size: int,
    jpeg_quality: int,
    per_th90: float,
    colour: Mapping[str, Any],
    processes: int,
) -> None:
    """Write a zip of JPEGs, ``{GalaxyID}.jpg``, of all observed galaxies of a sky.

    Parameters
    ----------
    truth
        The sky's table of true properties.
    path
        The zip to write. Its bytes do not depend on the number of processes.
    instrument, seed
        The arguments of `Instrument`, and the sky's seed.
    thumbnail_size, jpeg_quality
        Side [pixel] and quality, from 1 to 95, of the JPEGs.
    per_th90
        Pixel scale [arcsec/pixel] for each arcsec of petro_th90.
    colour
        Keyword arguments of `rescale_to_rgb`.
    processes
        Number of processes that draw at the same time.
    """
    sky = read_table(truth, text=["iauname"])
    # Volunteers were never shown a picture that lacks a part of the sky.
    sky = sky[sky["observed"]].assign(missing="none")
    camera = Instrument(**instrument)

    def draw(galaxy: pd.Series) -> bytes:
        size = native_size(per_th90 * galaxy["petro_th90"], thumbnail_size, camera.pixel_scale)
        cube = decode_image(cutout_fits(galaxy, size, camera, seed), galaxy["iauname"])
        return to_jpeg(to_thumbnail(cube, thumbnail_size, colour), jpeg_quality)

    names = map(galaxy_id, sky["iauname"])
    jpegs = Parallel(processes, batch_size=8, return_as="generator")(
        delayed(draw)(galaxy) for _, galaxy in sky.iterrows()
    )
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for done, (name, jpeg) in enumerate(zip(names, jpegs, strict=True), start=1):
            archive.writestr(zipfile.ZipInfo(f"images_training_rev1/{name}.jpg"), jpeg)
            if done % 100 == 0 or done == len(sky):
                log.info("%d of %d pictures", done, len(sky))
