"""Galaxies near to a position on the sky."""

import numpy as np
from numpy.typing import ArrayLike

from workflow.lib.common.errors import UserError


def separations(ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float) -> np.ndarray:
    """Calculate angular distances to one position, correct at the poles and around RA 0 too.

    Parameters
    ----------
    ra, dec
        Shape (n,), degrees. Missing coordinates give missing distances.
    ra0, dec0
        Degrees.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, arcsec.

    Raises
    ------
    UserError
        If `ra0` and `dec0` are not a position on the sky.
    """
    from astropy.coordinates import angular_separation

    if not (np.isfinite(ra0) and -90 <= dec0 <= 90):
        raise UserError(f"RA {ra0}, Dec {dec0}: not degrees on the sky")
    ra, dec = np.radians(np.asarray(ra, np.float64)), np.radians(np.asarray(dec, np.float64))
    return np.degrees(angular_separation(ra, dec, np.radians(ra0), np.radians(dec0))) * 3600


def nearest_on_sky(ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float) -> tuple[int, float]:
    """Find the galaxy nearest on the sky to a position.

    All separations are calculated: astropy's `match_to_catalog_sky` would first build a tree of all
    galaxies, and take three times as long for the single position of a web page's query.

    Parameters
    ----------
    ra, dec, ra0, dec0
        As for `separations`.

    Returns
    -------
    row : int
    separation : float
        Arcsec.

    Raises
    ------
    UserError
        If no galaxy has coordinates, or `ra0` and `dec0` are not a position on the sky.
    """
    apart = separations(ra, dec, ra0, dec0)
    if not np.isfinite(apart).any():
        raise UserError("no galaxy has coordinates: search by name or by image instead")
    row = int(np.nanargmin(apart))
    return row, float(apart[row])


def same_places(ra: ArrayLike, dec: ArrayLike, rows: ArrayLike, within: float) -> list[np.ndarray]:
    """Find galaxies so near to a galaxy that they may be the same one, listed twice.

    Parameters
    ----------
    ra, dec
        Shape (n,), degrees. A galaxy whose coordinates are missing, or not on the sky, has no
        galaxies near to it.
    rows
        Shape (q,): rows of the galaxies to search around.
    within
        Largest distance on the sky [arcsec].

    Returns
    -------
    list of numpy.ndarray
        For each of these galaxies its own row and the rows of galaxies within that distance, in
        ascending order, int64.
    """
    import astropy.units as u
    from astropy.coordinates import SkyCoord, search_around_sky

    rows, ra, dec = np.asarray(rows), np.asarray(ra, np.float64), np.asarray(dec, np.float64)
    placed = np.flatnonzero(np.isfinite(ra) & (np.abs(dec) <= 90))
    asked = np.flatnonzero(np.isin(rows, placed))
    here, everywhere = (
        SkyCoord(ra[chosen], dec[chosen], unit="deg") for chosen in (rows[asked], placed)
    )
    query, near, _, _ = search_around_sky(here, everywhere, within * u.arcsec)
    query, near = asked[query], placed[near]
    return [
        np.union1d(near[query == number], row).astype(np.int64) for number, row in enumerate(rows)
    ]
