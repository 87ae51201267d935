"""The files that a survey gives, made from the simulated sky."""

import logging
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_text
from workflow.lib.common.images import (
    decode_image,
    native_size,
    thumbnail_pixel_scale,
    to_jpeg,
    to_thumbnail,
)
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.sources.nsa import write_atlas
from workflow.lib.sources.sky.population import draw_population
from workflow.lib.sources.sky.render import Instrument, cutout_fits
from workflow.lib.sources.sky.volunteers import (
    automated_fractions,
    forum_tags,
    odd_fraction,
    rare_features,
    volunteer_votes,
)

log = logging.getLogger(__name__)


def simulate_survey(
    galaxies: int,
    seed: int,
    *,
    merging_share: float,
    flux_column: str,
    zero_point: float,
    spellings: Mapping[str, Sequence[str]],
    truth: str | Path,
    nsa: str | Path,
    automated: str | Path,
    volunteers: str | Path,
    rare: str | Path,
    tags: str | Path,
    solutions: str | Path,
) -> None:
    """Draw a sky, and write the tables that the real sources give.

    Parameters
    ----------
    galaxies
        How many, those outside the catalogue's cuts included.
    seed
        Determines everything.
    merging_share
        As for `draw_population`.
    flux_column, zero_point
        Of the atlas.
    spellings
        As for `volunteers.forum_tags`.
    truth
        Parquet to write: what each galaxy really is.
    nsa
        FITS to write: the atlas.
    automated, volunteers, rare
        Parquets to write: vote fractions as a network predicts them, volunteers' votes, and the
        fractions of rare features.
    tags
        CSV to write: iauname, tag; one row a use on the forum.
    solutions
        CSV to write: vote fractions in the form of the Galaxy Challenge.
    """
    sky = draw_population(galaxies, seed, merging_share)
    observed = sky[sky["observed"]].reset_index(drop=True)
    log.info("%d galaxies, %d of them observed", len(sky), len(observed))
    votes = volunteer_votes(observed, seed)
    predicted = automated_fractions(observed, seed).assign(
        wrong_size_warning=observed["wrong_size_warning"].to_numpy()
    )
    write_parquet(sky, truth)
    write_atlas(sky, nsa, flux_column, zero_point)
    write_parquet(predicted, automated)
    write_parquet(votes, volunteers)
    write_parquet(rare_features(observed, votes, seed), rare)
    write_text(forum_tags(observed, seed, spellings).to_csv(index=False), tags)
    write_text(odd_fraction(observed, seed).to_csv(index=False), solutions)


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
        The sky.
    iauname
        The galaxy.
    path
        FITS to write.
    instrument, seed
        Who looks at it, and the seed of the noise.
    thumbnail_size, pixel_scale
        The thumbnail whose sky the cutout covers: its side [pixel], and the coefficients of
        `thumbnail_pixel_scale`.

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
        The sky.
    path
        The zip; the same sky gives the same bytes, whatever the number of processes.
    instrument, seed
        Who looks at it, and the seed of the noise.
    thumbnail_size, jpeg_quality
        Of the JPEGs: side [pixel], and quality from 1 to 95.
    per_th90
        Pixel scale [arcsec/pixel] for each arcsec of petro_th90.
    colour
        Keyword arguments of `rescale_to_rgb`.
    processes
        How many to use.
    """
    sky = read_table(truth, text=["iauname"])
    # A picture that lacks part of its sky was never shown to volunteers.
    sky = sky[sky["observed"]].assign(missing="none")
    camera = Instrument(**instrument)

    def draw(galaxy: pd.Series) -> bytes:
        size = native_size(per_th90 * galaxy["petro_th90"], thumbnail_size, camera.pixel_scale)
        cube = decode_image(cutout_fits(galaxy, size, camera, seed), galaxy["iauname"])
        return to_jpeg(to_thumbnail(cube, thumbnail_size, colour), jpeg_quality)

    names = odd_fraction(sky, seed)["GalaxyID"]
    jpegs = Parallel(processes, batch_size=8, return_as="generator")(
        delayed(draw)(galaxy) for _, galaxy in sky.iterrows()
    )
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for done, (name, jpeg) in enumerate(zip(names, jpegs, strict=True), start=1):
            archive.writestr(zipfile.ZipInfo(f"images_training_rev1/{name}.jpg"), jpeg)
            if done % 100 == 0 or done == len(sky):
                log.info("%d of %d pictures", done, len(sky))
