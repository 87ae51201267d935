"""Which galaxies are near on the sky."""

import numpy as np
from numpy.typing import ArrayLike

from workflow.lib.common.errors import UserError


def separations(ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float) -> np.ndarray:
    """Give the distances on the sky to one place, right at the poles and about RA 0 too.

    Parameters
    ----------
    ra, dec
        Shape (n,), degrees; any that are missing give missing distances.
    ra0, dec0
        Degrees.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, arcsec.

    Raises
    ------
    UserError
        If `ra0` and `dec0` are no place on the sky.
    """
    from astropy.coordinates import angular_separation

    if not (np.isfinite(ra0) and -90 <= dec0 <= 90):
        raise UserError(f"RA {ra0}, Dec {dec0}: not degrees on the sky")
    there = np.radians(np.asarray(ra, np.float64)), np.radians(np.asarray(dec, np.float64))
    return np.degrees(angular_separation(*there, np.radians(ra0), np.radians(dec0))) * 3600


def nearest_on_sky(ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float) -> tuple[int, float]:
    """Find the galaxy nearest on the sky to a place.

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
        If no galaxy has coordinates, or `ra0` and `dec0` are no place on the sky.
    """
    apart = separations(ra, dec, ra0, dec0)
    if not np.isfinite(apart).any():
        raise UserError("no galaxy has coordinates: search by name or by image instead")
    row = int(np.nanargmin(apart))
    return row, float(apart[row])


def same_places(ra: ArrayLike, dec: ArrayLike, rows: ArrayLike, within: float) -> list[np.ndarray]:
    """Find the galaxies so near on the sky that they may be the same one, catalogued twice.

    Parameters
    ----------
    ra, dec
        Shape (n,), degrees; missing ones are near to nothing.
    rows
        Shape (q,): the galaxies asked for.
    within
        Arcsec.

    Returns
    -------
    list of numpy.ndarray
        Of each galaxy asked for: its own row and those of galaxies within that distance, int64.
    """
    from scipy.spatial import cKDTree

    places = np.radians(np.stack([np.asarray(ra, np.float64), np.asarray(dec, np.float64)]))
    known = np.flatnonzero(np.isfinite(places).all(axis=0))
    longitude, latitude = places[:, known]
    across = np.cos(latitude)
    xyz = np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], 1)
    tree = cKDTree(xyz) if len(known) else None
    # The straight line between two points of a sphere, and the arc above it.
    chord = 2 * np.sin(np.radians(within / 3600) / 2)
    found = []
    for row in np.asarray(rows):
        place = np.searchsorted(known, row)
        there = place < len(known) and known[place] == row
        near = known[tree.query_ball_point(xyz[place], chord)] if there else []
        found.append(np.union1d(near, row).astype(np.int64))
    return found
