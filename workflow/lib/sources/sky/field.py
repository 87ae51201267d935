"""The sky around a galaxy: faint galaxies, companions on the line of sight, and stars."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from workflow.lib.sources.sky.streams import stream

Columns = dict[str, np.ndarray]

HALF_WIDTH = 150.0
"""Half the side of the square field around the galaxy [arcsec]."""


class SkyObject(NamedTuple):
    """A star or a galaxy near the line of sight.

    `east` and `north` are offsets [arcsec]; `mag_r` and the colours are in magnitudes. The last
    four are of galaxies only: half-light radius [arcsec], Sersic index, axis ratio and position
    angle [deg].
    """

    east: float
    north: float
    star: bool
    mag_r: float
    g_r: float
    r_z: float
    radius: float = 0.0
    sersic: float = 1.0
    axis_ratio: float = 1.0
    position_angle: float = 0.0


# Number of objects brighter than each magnitude, per square degree, at high Galactic latitude.
_STAR_MAGNITUDES = np.array([9.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 23.5])
_STAR_COUNTS = np.array([4, 45, 170, 500, 1200, 2500, 4800, 7500.0])
_GALAXY_MAGNITUDES = np.array([15.0, 17.0, 18.0, 20.0, 21.0, 22.0, 23.0, 23.8])
_GALAXY_COUNTS = np.array([4, 40, 130, 1300, 4200, 12000, 28000, 50000.0])


def field_objects(galaxy: Mapping, seed: int) -> Columns:
    """Draw the stars and galaxies around `galaxy`.

    Parameters
    ----------
    galaxy
        A row of `draw_population`.
    seed
        The sky's seed.

    Returns
    -------
    dict
        `ra`, `dec` [deg], and the fields of `SkyObject`: arrays with one value for each object
        within `HALF_WIDTH` of the galaxy in each direction. Not a data frame, which would take
        longer to make than the objects to draw.
    """
    rng = stream(seed, galaxy["iauname"], "field")
    area = (2 * HALF_WIDTH / 3600) ** 2
    # Real fields differ, because of galaxy clusters and the disc of the Milky Way.
    richness = np.exp(0.35 * rng.normal())
    crowding = np.exp(0.5 * rng.normal())
    n_galaxies = rng.poisson(_GALAXY_COUNTS[-1] * area * richness)
    n_stars = rng.poisson(_STAR_COUNTS[-1] * area * crowding)
    parts = [_background(rng, n_galaxies), _stars(rng, n_stars), _companions(rng, galaxy)]
    objects = {name: np.concatenate([part[name] for part in parts]) for name in SkyObject._fields}
    cosine = np.cos(np.radians(galaxy["dec"]))
    ra = (galaxy["ra"] + objects["east"] / 3600 / cosine) % 360
    return {"ra": ra, "dec": galaxy["dec"] + objects["north"] / 3600, **objects}


def _magnitudes(
    rng: np.random.Generator, count: int, magnitudes: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Draw magnitudes from cumulative counts, whose logarithm is linear between the points."""
    return np.interp(np.log(rng.random(count) + 1e-12), np.log(counts / counts[-1]), magnitudes)


def _placed(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    return {
        "east": rng.uniform(-HALF_WIDTH, HALF_WIDTH, count),
        "north": rng.uniform(-HALF_WIDTH, HALF_WIDTH, count),
    }


def _background(rng: np.random.Generator, count: int) -> Columns:
    mag_r = _magnitudes(rng, count, _GALAXY_MAGNITUDES, _GALAXY_COUNTS)
    red = rng.random(count) < 0.35
    faint = np.clip((mag_r - 18) / 5, 0, 1)
    g_r = np.where(red, rng.normal(1.05, 0.25, count), rng.normal(0.55, 0.2, count)) + 0.2 * faint
    return {
        **_placed(rng, count),
        "star": np.zeros(count, bool),
        "mag_r": mag_r,
        "g_r": g_r,
        "r_z": np.clip(0.75 * g_r + rng.normal(0, 0.15, count), -0.1, 1.6),
        "radius": np.clip(
            10 ** (-0.10 * (mag_r - 18.5) + 0.22 * rng.normal(size=count)) * 1.6, 0.2, 8
        ),
        "sersic": np.where(red, 3.0, 1.0),
        "axis_ratio": rng.uniform(0.2, 1.0, count) ** 0.7,
        "position_angle": rng.uniform(0, 180, count),
    }


def _stars(rng: np.random.Generator, count: int) -> Columns:
    mag_r = _magnitudes(rng, count, _STAR_MAGNITUDES, _STAR_COUNTS)
    dwarf = rng.random(count) < np.clip((mag_r - 14) / 9, 0.05, 0.75)
    g_r = np.where(dwarf, rng.normal(1.42, 0.08, count), rng.normal(0.55, 0.2, count))
    r_z = np.where(dwarf, rng.uniform(0.8, 1.8, count), 0.55 * g_r - 0.05)
    return {
        **_placed(rng, count),
        "star": np.ones(count, bool),
        "mag_r": mag_r,
        "g_r": g_r,
        "r_z": r_z,
        "radius": np.zeros(count),
        "sersic": np.zeros(count),
        "axis_ratio": np.ones(count),
        "position_angle": np.zeros(count),
    }


def _companions(rng: np.random.Generator, galaxy: Mapping) -> Columns:
    """Draw bright galaxies nearby: a group, most often of an early type, or an overlapping one."""
    own = 22.5 - 2.5 * np.log10(galaxy["flux_r"])
    early = galaxy["morphology"] in ("elliptical", "lenticular")
    rich = rng.random() < (0.25 if early else 0.12)
    count = rng.poisson(3.0) * rich + bool(galaxy["overlapped"])
    distance = rng.uniform(8, 90, count)
    mag_r = own + rng.exponential(1.3, count) + 0.3
    if galaxy["overlapped"]:
        distance[-1] = rng.uniform(0.9, 2.0) * galaxy["petro_th50"]
        mag_r[-1] = own + rng.uniform(0.3, 1.8)
    angle = rng.uniform(0, 2 * np.pi, count)
    red = rng.random(count) < (0.75 if early else 0.4)
    g_r = np.where(red, rng.normal(0.85, 0.06, count), rng.normal(0.5, 0.12, count))
    size = 10 ** (0.50 + 0.12 * (17 - mag_r) + 0.12 * rng.normal(size=count))
    return {
        "east": distance * np.sin(angle),
        "north": distance * np.cos(angle),
        "star": np.zeros(count, bool),
        "mag_r": mag_r,
        "g_r": g_r,
        "r_z": 0.8 * g_r,
        "radius": np.clip(size, 0.5, 15),
        "sersic": np.where(red, 3.5, 1.0),
        "axis_ratio": rng.uniform(0.3, 1.0, count) ** 0.7,
        "position_angle": rng.uniform(0, 180, count),
    }
