"""The light of a simulated galaxy: its parts, their profiles, and the Petrosian radii."""

import numpy as np
import pandas as pd
from scipy.special import gamma, gammainc

Numbers = float | np.ndarray | pd.Series

EDGE_ON = 78.0
"""Inclination [deg] above which a disc is drawn, and judged, as edge-on."""

OUTER_SCALE = 0.45
"""Scale length of a disc beyond its break, relative to that inside."""


def fluxes(truth: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    """Split each galaxy's light into its parts.

    Parameters
    ----------
    truth
        Rows of `draw_population`, or one row as a mapping.

    Returns
    -------
    dict
        ``parts[part][band]`` in units of the total r flux, for the parts bulge, bar, disc, ring,
        clumps and companion, and the bands g, r and z.
    """
    old = {"g": truth["old_g_r"], "z": truth["old_r_z"]}
    young = {"g": truth["young_g_r"], "z": truth["young_r_z"]}
    rest = 1 - truth["companion_fraction"]
    share = {
        "bulge": rest * truth["bulge_fraction"],
        "bar": rest * truth["bar_fraction"],
        "ring": rest * truth["ring_fraction"],
        "clumps": rest * truth["clump_fraction"],
        "companion": truth["companion_fraction"],
    }
    share["disc"] = 1 - sum(share.values())
    # 1: old stars only, 0: young ones. Clumps have the youngest, bluer than the disc's.
    age = {"bulge": 1.0, "bar": 0.8, "disc": 0.0, "ring": 0.1, "clumps": -0.6, "companion": 0.3}
    return {
        part: {
            "g": light * 10 ** (-0.4 * (age[part] * old["g"] + (1 - age[part]) * young["g"])),
            "r": light,
            "z": light * 10 ** (0.4 * (age[part] * old["z"] + (1 - age[part]) * young["z"])),
        }
        for part, light in share.items()
    }


def petrosian(truth: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure the Petrosian radii of the light before seeing, in circular apertures.

    Parameters
    ----------
    truth
        Shares and lengths of `draw_population`.

    Returns
    -------
    tuple of three arrays of shape (n,)
        The radius at which the local surface brightness is 0.2 of the mean inside it, and the
        radii that contain 50% and 90% of the light within twice that radius, in the lengths' unit.
    """
    # In blocks, to save memory: each galaxy's light is sampled at several hundred points.
    blocks = [
        _petrosian(truth.iloc[first : first + 500]) for first in range(0, max(len(truth), 1), 500)
    ]
    theta, th50, th90 = (np.concatenate(radii) for radii in zip(*blocks, strict=True))
    return theta, th50, th90


def _petrosian(truth: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    column = {
        name: truth[name].to_numpy(float)[:, None, None]
        for name in truth.columns
        if truth[name].dtype.kind == "f"
    }
    disc_axis_ratio = projected_axis_ratio(column["inclination"], column["thickness"])
    # One quadrant is enough, by symmetry. At the eccentric anomaly `angle` of an ellipse with axis
    # ratio q, the circle of radius r meets the ellipse of major axis r / hypot(cos, q sin).
    angle = (np.arange(6) + 0.5) * np.pi / 12
    size = np.maximum(column["disc_scale"], column["bulge_radius"])
    unit = np.geomspace(0.02, 14, 56)
    radius = size * unit[None, :, None]

    def elliptical(axis_ratio: np.ndarray) -> np.ndarray:
        return radius / np.hypot(np.cos(angle), axis_ratio * np.sin(angle))

    n = column["bulge_sersic"]
    bulge = gammainc(
        2 * n,
        sersic_b(n) * (elliptical(column["bulge_axis_ratio"]) / column["bulge_radius"]) ** (1 / n),
    )
    # Edge-on, the profile is flatter, because light adds up along the line of sight.
    flatter = np.where(column["inclination"] > EDGE_ON, 1.15, 1.0)
    deprojected = elliptical(disc_axis_ratio) / flatter
    disc = broken_exponential_growth(deprojected / column["disc_scale"], column["disc_break"])
    bar = np.clip(deprojected / np.maximum(0.55 * column["bar_length"], 1e-6), 0, 1) ** 1.5
    ring = np.clip((deprojected - column["ring_radius"]) / (3 * column["ring_width"]) + 0.5, 0, 1)
    bulge_share, bar_share = column["bulge_fraction"], column["bar_fraction"]
    ring_share = column["ring_fraction"]
    growth = bulge_share * bulge + bar_share * bar + ring_share * ring
    growth = growth + (1 - bulge_share - bar_share - ring_share) * disc
    growth = growth.mean(axis=2)

    # Local over mean surface brightness is half the logarithmic slope of the curve of growth.
    slope = np.gradient(np.log(growth), np.log(unit), axis=1) / 2
    outside = (slope < 0.2) & (unit > 0.5)
    edge = np.argmax(outside, axis=1)
    rows = np.arange(len(growth))
    steep, flat = slope[rows, edge - 1], slope[rows, edge]
    part = np.clip((steep - 0.2) / np.maximum(steep - flat, 1e-9), 0, 1)
    theta = unit[edge - 1] * (unit[edge] / unit[edge - 1]) ** part
    within = [np.interp(2 * t, unit, g) for t, g in zip(theta, growth, strict=True)]
    th50, th90 = (
        np.array([np.interp(f * w, g, unit) for w, g in zip(within, growth, strict=True)])
        for f in (0.5, 0.9)
    )
    size = size[:, 0, 0]
    return theta * size, th50 * size, th90 * size


def projected_axis_ratio(inclination: Numbers, thickness: Numbers) -> Numbers:
    """Give the axis ratio of an oblate disc of axis ratio `thickness` at `inclination` [deg]."""
    cosine = np.cos(np.radians(inclination))
    return np.sqrt(cosine**2 + thickness**2 * (1 - cosine**2))


def sersic_b(n: Numbers) -> Numbers:
    """Give b_n of the Sersic profile exp(-b_n (r/r_e)^(1/n)) (Ciotti & Bertin 1999)."""
    return 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2)


def sersic_flux(n: Numbers, radius: Numbers) -> Numbers:
    """Give the flux of a round Sersic profile that is 1 at its half-light `radius`."""
    b = sersic_b(n)
    return 2 * np.pi * n * np.exp(b) * b ** (-2 * n) * gamma(2 * n) * radius**2


def broken_exponential_growth(radius: np.ndarray, disc_break: np.ndarray) -> np.ndarray:
    """Give the light within `radius` of a broken exponential disc, both in scale lengths."""

    def outer(r: np.ndarray) -> np.ndarray:
        return (
            OUTER_SCALE * (r + OUTER_SCALE) * np.exp(-disc_break - (r - disc_break) / OUTER_SCALE)
        )

    inside = 1 - (1 + np.minimum(radius, disc_break)) * np.exp(-np.minimum(radius, disc_break))
    beyond = outer(disc_break) - outer(np.maximum(radius, disc_break))
    total = 1 - (1 + disc_break) * np.exp(-disc_break) + outer(disc_break)
    return (inside + beyond) / total
