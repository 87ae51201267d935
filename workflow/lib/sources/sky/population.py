"""The galaxies of the simulated sky: one row of truth each.

Sizes, magnitudes, colours and shares of the types follow a magnitude-limited sample like the
NASA-Sloan Atlas. Each cut of the catalogue stage removes some of the galaxies.
"""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from workflow.lib.sources.sky.profiles import fluxes, petrosian
from workflow.lib.sources.sky.structure import draw_structure

CATALOGUE = (
    *("iauname", "ra", "dec", "mag_g", "mag_r", "mag_z"),
    *("petro_theta", "petro_th50", "petro_th90", "wrong_size_warning", "observed"),
)
"""The columns that a real catalogue has too; the rest is known of a simulated sky only."""

COUNTS_SLOPE = 0.38
"""The number of galaxies brighter than magnitude m is proportional to 10 ** (COUNTS_SLOPE m).

In a Euclidean universe the slope is 0.6.
"""

# Each galaxy has one uniform number for each name. Add new names at the end, so that the others
# keep their numbers.
DRAWS = (
    *("ra", "dec", "paired", "pair_angle", "pair_distance", "r", "size", "wrong", "wrong_factor"),
    *("observed", "no_flux", "missing", "type", "stage", "cos_i", "angle", "axis_ratio", "boxy"),
    *("bulge", "bulge_n", "bulge_size", "thickness", "cut", "old_g_r", "old_r_z", "young_g_r"),
    *("young_r_z", "armed", "arm_count", "pitch", "arms", "sharp", "flocculent", "hand"),
    *("barred", "bar", "bar_length", "bar_width", "bar_angle", "ringed", "ring", "ring_radius"),
    *("ring_width", "clumps", "dusty", "dust", "disturbed", "disturbance", "tails", "merging"),
    *("ratio", "separation", "companion", "companion_tilt", "lensed", "overlapped", "defect"),
    *("offset_east", "offset_north", "companion_kind", "companion_turn"),
)


def draw_population(
    n: int, seed: int, merging_share: float, ring_share: float | None = None
) -> pd.DataFrame:
    """Draw the truth table of `n` galaxies.

    Parameters
    ----------
    n
        Number of galaxies.
    seed
        Each galaxy is drawn from its own stream, seeded by ``[seed, index]``, so that a larger
        population begins with the smaller one.
    merging_share
        Share, from 0 to 1, of the galaxies with a regular shape that are in an encounter.
    ring_share
        Share, from 0 to 0.7, of the discs and lenticulars inclined by less than 70 deg that have a
        ring; more of the early ones, fewer of the late ones. About 0.28 where it is not given.

    Returns
    -------
    pandas.DataFrame
        One row a galaxy:

        - the catalogue: `iauname` (unique), `ra`, `dec` [deg], `mag_g`, `mag_r`, `mag_z` [mag;
          `mag_r` is NaN for a few], `petro_theta`, `petro_th50`, `petro_th90` [arcsec],
          `wrong_size_warning`, `observed` (bool);
        - the light: `morphology` (elliptical, lenticular, disc, irregular or artifact), `flux_g`,
          `flux_r`, `flux_z` [nanomaggies], shares of the r light (`*_fraction`), colours of the
          old and the young stars [mag], lengths [arcsec], angles [deg], and strengths from 0 to 1;
        - what went wrong: `defect` (none, or one of `structure.DEFECTS`), `missing` (none, strip or
          band).

    Raises
    ------
    ValueError
        If `n` is negative.
    """
    if n < 0:
        raise ValueError(f"the number of galaxies must not be negative, got {n}")
    uniform = np.empty((n, len(DRAWS)))
    for index in range(n):
        entropy = np.random.SeedSequence([seed, index])
        uniform[index] = np.random.Generator(np.random.PCG64(entropy)).random(len(DRAWS))
    # Without the ends: the inverse normal distribution is infinite at 0 and 1.
    u = dict(zip(DRAWS, np.clip(uniform.T, 1e-9, 1 - 1e-9), strict=True))

    ra, dec = _positions(u)
    names = [iauname(*position) for position in zip(ra, dec, strict=True)]
    truth = pd.DataFrame({"iauname": pd.Series(names, dtype=str), "ra": ra, "dec": dec})
    truth = truth.assign(**draw_structure(u, merging_share, ring_share))
    truth = truth.assign(**_colours(truth, u))
    truth = truth.assign(**_brightness_and_size(truth, u))
    return truth[[*CATALOGUE, *truth.columns.difference(CATALOGUE, sort=False)]]


def iauname(ra: float, dec: float) -> str:
    """Name a position [deg] in the IAU style, Jhhmmss.ss+ddmmss.s, truncated as the IAU asks."""
    hundredths = int(ra % 360 / 15 * 360_000)
    tenths = int(abs(dec) * 36_000)
    sign = "-" if dec < 0 else "+"
    hours = f"{hundredths // 360_000:02d}{hundredths // 6_000 % 60:02d}"
    degrees = f"{tenths // 36_000:02d}{tenths // 600 % 60:02d}"
    return f"J{hours}{hundredths % 6_000 / 100:05.2f}{sign}{degrees}{tenths % 600 / 10:04.1f}"


def galaxy_id(iauname: str) -> int:
    """Give a galaxy's number in the second survey, made of the digits of its name."""
    digits = "".join(character for character in iauname if character.isdigit())
    return int(digits) * 2 + ("-" in iauname)


def observed_galaxies(truth: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of the galaxies that the survey observed."""
    return truth[truth["observed"]].reset_index(drop=True)


def _positions(u: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    ra = 360 * u["ra"]
    low, high = np.sin(np.radians([-15.0, 32.0]))
    dec = np.degrees(np.arcsin(low + (high - low) * u["dec"]))
    # Two fields, around 12 h and around 0 h, as in DECaLS, which leaves out the Galactic plane.
    ra = np.where(ra < 180, 120 + ra * 130 / 180, (310 + (ra - 180) * 110 / 180) % 360)
    # About one galaxy in 50 is beside the previous one.
    paired = np.flatnonzero(u["paired"] < 0.02)
    for index in paired[paired > 0]:
        distance = (20 + 75 * u["pair_distance"][index]) / 3600
        angle = 2 * np.pi * u["pair_angle"][index]
        dec[index] = dec[index - 1] + distance * np.cos(angle)
        east = distance * np.sin(angle) / np.cos(np.radians(dec[index]))
        ra[index] = (ra[index - 1] + east) % 360
    return ra, dec


def _colours(truth: pd.DataFrame, u: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    early = truth["morphology"].isin(["elliptical", "lenticular"]).to_numpy()
    irregular = (truth["morphology"] == "irregular").to_numpy()
    stage = truth["stage"].to_numpy()
    old_g_r = 0.80 + 0.06 * ndtri(u["old_g_r"]) - 0.06 * stage * ~early
    young_g_r = np.where(early, old_g_r - 0.06, 0.70 - 0.34 * stage + 0.06 * ndtri(u["young_g_r"]))
    young_g_r = np.where(irregular, 0.30 + 0.07 * ndtri(u["young_g_r"]), young_g_r)
    old_g_r = np.where(irregular, young_g_r + 0.12, old_g_r)
    return {
        "old_g_r": old_g_r,
        "old_r_z": 0.80 * old_g_r + 0.03 * ndtri(u["old_r_z"]),
        "young_g_r": young_g_r,
        "young_r_z": 0.90 * young_g_r - 0.05 + 0.04 * ndtri(u["young_r_z"]),
    }


def _brightness_and_size(truth: pd.DataFrame, u: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    low, high = 10 ** (COUNTS_SLOPE * np.array([13.0, 17.88]))
    mag_r = np.log10(low + (high - low) * u["r"]) / COUNTS_SLOPE
    flux_r = 10 ** ((22.5 - mag_r) / 2.5)
    parts = fluxes(truth).values()
    flux = {band: flux_r * sum(part[band] for part in parts) for band in "grz"}
    magnitudes = {f"mag_{band}": 22.5 - 2.5 * np.log10(flux[band]) for band in "grz"}
    magnitudes["mag_r"] = np.where(u["no_flux"] < 0.004, np.nan, magnitudes["mag_r"])

    # At the same brightness, a disc of later type is larger.
    offset = {"elliptical": -0.04, "lenticular": -0.20, "disc": -0.20, "irregular": 0.10}
    log_th50 = 0.40 + 0.15 * (17.0 - mag_r) + 0.15 * ndtri(u["size"])
    log_th50 += truth["morphology"].map(offset).fillna(0.0).to_numpy(float)
    log_th50 += 0.40 * truth["stage"].to_numpy() * (truth["morphology"] == "disc").to_numpy()
    wanted = np.clip(10**log_th50, 0.9, 15.0)
    theta, th50, th90 = petrosian(truth)
    scale = wanted / th50
    lengths = ["disc_scale", "bulge_radius", "bar_length", "ring_radius", "ring_width"]
    lengths = {name: truth[name] * scale for name in lengths}
    lengths["companion_separation"] = truth["companion_separation"] * wanted

    wrong = u["wrong"] < 0.02
    x = u["wrong_factor"]
    factor = np.where(x < 0.5, 0.25 + 0.4 * x, 1.5 + 1.5 * x)
    factor = np.where(wrong, factor, 1.0)
    # The radii are those of a survey image: a seeing of 1.3 arcsec widens them.
    radii = {
        f"petro_{name}": factor * np.hypot(radius * scale, blur)
        for name, radius, blur in [("theta", theta, 1.2), ("th50", th50, 1.0), ("th90", th90, 1.3)]
    }
    observed = u["observed"] > 0.06
    missing = np.where(u["missing"] < 0.5 / 300, "band", "strip")
    return {
        **{f"flux_{band}": flux[band] for band in "grz"},
        **magnitudes,
        **radii,
        **lengths,
        "wrong_size_warning": wrong,
        "observed": observed,
        "missing": np.where(observed & (u["missing"] < 1 / 300), missing, "none"),
    }
