"""The galaxies of the simulated sky: one row of truth each.

Sizes, magnitudes, colours and shares of the types follow a magnitude-limited sample like the
NASA-Sloan Atlas; a part lies outside every cut that the catalogue stage makes.
"""

import numpy as np
import pandas as pd
from scipy.special import gamma, gammainc, ndtri

Numbers = float | np.ndarray | pd.Series

EDGE_ON = 78.0
"""Inclination [deg] from which a disc is drawn and judged as seen edge-on."""

CATALOGUE = (
    *("iauname", "ra", "dec", "mag_g", "mag_r", "mag_z"),
    *("petro_theta", "petro_th50", "petro_th90", "wrong_size_warning", "observed"),
)
"""What a catalogue knows; the other columns of the truth are the simulation's own."""

COUNTS_SLOPE = 0.38
"""Galaxies brighter than magnitude m go as 10 to this times m; a Euclidean universe has 0.6."""

DEFECTS = ("satellite", "saturated", "ghost", "star", "sky")

# One uniform number a name and galaxy. New names go to the end: those before keep their values.
_DRAWS = (
    *("ra", "dec", "paired", "pair_angle", "pair_distance", "r", "size", "wrong", "wrong_factor"),
    *("observed", "no_flux", "missing", "type", "stage", "cos_i", "angle", "axis_ratio", "boxy"),
    *("bulge", "bulge_n", "bulge_size", "thickness", "cut", "old_g_r", "old_r_z", "young_g_r"),
    *("young_r_z", "armed", "arm_count", "pitch", "arms", "sharp", "flocculent", "hand"),
    *("barred", "bar", "bar_length", "bar_width", "bar_angle", "ringed", "ring", "ring_radius"),
    *("ring_width", "clumps", "dusty", "dust", "disturbed", "disturbance", "tails", "merging"),
    *("ratio", "separation", "companion", "companion_tilt", "lensed", "overlapped", "defect"),
    *("offset_east", "offset_north", "companion_kind", "companion_turn"),
)


def draw_population(n: int, seed: int, merging_share: float) -> pd.DataFrame:
    """Draw the truth table of `n` galaxies.

    Parameters
    ----------
    n
        Number of galaxies.
    seed
        Each galaxy is drawn from its own stream, seeded by ``[seed, index]``: the first rows of a
        larger population are the smaller population.
    merging_share
        Share, from 0 to 1, of the galaxies with a regular shape that are in an encounter.

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
        - what went wrong: `defect` (none, or one of `DEFECTS`), `missing` (none, strip or band).

    Raises
    ------
    ValueError
        If `n` is negative.
    """
    if n < 0:
        raise ValueError(f"the number of galaxies must not be negative, got {n}")
    uniform = np.empty((n, len(_DRAWS)))
    for index in range(n):
        entropy = np.random.SeedSequence([seed, index])
        uniform[index] = np.random.Generator(np.random.PCG64(entropy)).random(len(_DRAWS))
    # Open interval: the inverse normal distribution is infinite at 0.
    u = dict(zip(_DRAWS, np.clip(uniform.T, 1e-9, 1 - 1e-9), strict=True))

    ra, dec = _positions(u)
    names = [iauname(*position) for position in zip(ra, dec, strict=True)]
    truth = pd.DataFrame({"iauname": pd.Series(names, dtype=str), "ra": ra, "dec": dec})
    truth = truth.assign(**_structure(u, merging_share))
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


def fluxes(truth: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    """Split each galaxy's light into its parts.

    Parameters
    ----------
    truth
        Rows of `draw_population`, or one row as a mapping.

    Returns
    -------
    dict
        ``parts[part][band]`` in units of the total r flux, for parts bulge, bar, disc, ring and
        clumps, companion and bands g, r, z.
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
    # Bars hold old stars, rings a mixture, clumps only the youngest.
    age = {"bulge": 1.0, "bar": 0.8, "disc": 0.0, "ring": 0.1, "clumps": -0.6, "companion": 0.3}
    return {
        part: {
            "g": light * 10 ** (-0.4 * (age[part] * old["g"] + (1 - age[part]) * young["g"])),
            "r": light,
            "z": light * 10 ** (0.4 * (age[part] * old["z"] + (1 - age[part]) * young["z"])),
        }
        for part, light in share.items()
    }


def _positions(u: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    ra = 360 * u["ra"]
    low, high = np.sin(np.radians([-15.0, 32.0]))
    dec = np.degrees(np.arcsin(low + (high - low) * u["dec"]))
    # The Galactic plane stays empty, as in DECaLS: two caps, around 12 h and around 0 h.
    ra = np.where(ra < 180, 120 + ra * 130 / 180, (310 + (ra - 180) * 110 / 180) % 360)
    # Every 50th galaxy or so lies beside the one before.
    paired = np.flatnonzero(u["paired"] < 0.02)
    for index in paired[paired > 0]:
        distance = (20 + 75 * u["pair_distance"][index]) / 3600
        angle = 2 * np.pi * u["pair_angle"][index]
        dec[index] = dec[index - 1] + distance * np.cos(angle)
        east = distance * np.sin(angle) / np.cos(np.radians(dec[index]))
        ra[index] = (ra[index - 1] + east) % 360
    return ra, dec


def _between(low: float, high: float, uniform: np.ndarray) -> np.ndarray:
    return low + (high - low) * uniform


def _structure(u: dict[str, np.ndarray], merging_share: float) -> dict[str, np.ndarray]:
    """Draw shapes and strengths; lengths are in units of the disc's scale length for now.

    The separation of a merging pair is in units of the half-light radius.
    """
    limits = [0.29, 0.41, 0.925, 0.985]
    names = np.array(["elliptical", "lenticular", "disc", "irregular", "artifact"])
    kind = names[np.searchsorted(limits, u["type"])]
    spheroid = (kind == "elliptical") | (kind == "artifact")
    irregular = kind == "irregular"
    lenticular = kind == "lenticular"
    discy = lenticular | (kind == "disc")
    stage = np.where(lenticular, 0.0, u["stage"])  # 0: Sa, 1: Sd
    merging = ~irregular & (kind != "artifact") & (u["merging"] < merging_share)
    # An irregular has no thin disc, so it is not seen as a needle.
    inclination = np.degrees(np.arccos(np.where(irregular, 0.35 + 0.65 * u["cos_i"], u["cos_i"])))
    open_disc = discy & (inclination < 70)

    bulge = np.clip(0.42 - 0.42 * stage**0.6 + 0.10 * ndtri(u["bulge"]), 0.0, 0.6)
    bulge = np.where(lenticular, _between(0.25, 0.7, u["bulge"]), bulge)
    bulge = np.select([spheroid, irregular], [1.0, 0.03 * u["bulge"]], bulge)
    # Gas falls to the centre of an encounter and makes stars.
    bulge = np.where(merging, np.maximum(bulge, _between(0.15, 0.6, u["ratio"])), bulge)
    bulge_n = np.select(
        [spheroid, lenticular],
        [np.clip(3.9 + 1.1 * ndtri(u["bulge_n"]), 1.8, 6.0), _between(1.8, 4.2, u["bulge_n"])],
        np.clip(3.4 - 1.7 * stage + 0.6 * ndtri(u["bulge_n"]), 0.8, 4.5),
    )
    # A bulge is about a fifth of its disc's scale length, whatever its share of the light.
    bulge_size = (0.12 + 0.25 * np.clip(bulge, 0, 0.6)) * _between(0.6, 1.5, u["bulge_size"])
    elongation = np.where(spheroid, np.clip(0.97 - 0.45 * u["axis_ratio"] ** 1.6, 0.4, 1), 1.0)
    tilt = np.sin(np.radians(inclination)) ** 2
    bulge_axis_ratio = np.where(
        spheroid, elongation, 1 - _between(0.15, 0.5, u["axis_ratio"]) * tilt
    )

    # Most rings are in early discs.
    ringed = open_disc & (u["ringed"] < 0.38 - 0.24 * stage)
    bar_odds = np.where(ringed, 0.40, np.where(lenticular, 0.16, 0.20))
    strong = open_disc & (u["barred"] < bar_odds)
    weak = open_disc & ~strong & (u["barred"] < 2.4 * bar_odds)
    bar = np.select(
        [strong, weak], [_between(0.6, 1.0, u["bar"]), _between(0.15, 0.5, u["bar"])], 0.0
    )
    # Bars draw on the stars of the centre.
    bulge = bulge * (1 - 0.2 * bar)
    bar_length = np.where(bar > 0, _between(0.8, 1.7, u["bar_length"]) * (0.7 + 0.4 * bar), 0.0)

    # Magellanic irregulars keep a bar of sorts.
    magellanic = irregular & (u["barred"] < 0.4)
    bar = np.where(magellanic, _between(0.2, 0.6, u["bar"]), bar)
    bar_length = np.where(magellanic, _between(0.5, 1.2, u["bar_length"]), bar_length)

    ring = np.where(ringed, _between(0.35, 1.0, u["ring"]), 0.0)
    outer = u["ring_radius"] > 0.75
    ring_radius = np.where(bar > 0, 1.1 * bar_length, _between(0.9, 1.7, u["ring_radius"] / 0.75))
    ring_radius = np.where(outer, _between(2.0, 2.8, (u["ring_radius"] - 0.75) * 4), ring_radius)

    armed = (kind == "disc") & (u["armed"] < np.where(ringed, 0.7, 0.82))
    arms = np.where(
        armed, _between(0.15, 1.0, u["arms"] ** 1.2), np.where(kind == "disc", 0.06, 0.0)
    )
    arm_count = np.searchsorted([0.05, 0.60, 0.76, 0.87, 0.95], u["arm_count"]) + 1
    arm_count = np.where(bar > 0.5, np.minimum(arm_count, 2 + (u["arm_count"] > 0.9)), arm_count)
    # Many tightly wound arms would look like a gramophone record.
    pitch = 11 + 15 * stage + 4.5 * ndtri(u["pitch"]) + 2.5 * np.clip(arm_count - 2, 0, 3)
    pitch = np.clip(pitch, 8, 38)
    flocculence = np.where(kind == "disc", u["flocculent"] ** 1.5 * (0.35 + 0.65 * stage), 0.05)
    flocculence = np.where(irregular, _between(0.05, 0.5, u["flocculent"]), flocculence)

    disturbed = (u["disturbed"] < 0.08) & (kind != "artifact")
    disturbance = np.where(disturbed, _between(0.2, 1.0, u["disturbance"]), 0.03 * u["disturbance"])
    # Volunteers see pairs that touch as merging, whether or not they have disturbed each other.
    disturbance = np.where(merging, u["disturbance"], disturbance)
    tails = np.where(disturbance > 0.2, disturbance * (u["tails"] < 0.7), 0.0)
    edge_on = discy & (inclination > EDGE_ON)
    dust_lane = edge_on & (u["dusty"] < 0.55 * (1 - 0.5 * lenticular))
    dust_lane |= (kind == "elliptical") & (u["dusty"] < 0.02)
    arm_dust = np.where(kind == "disc", 0.25 * u["dust"], 0.0)
    clumps = np.where(kind == "disc", stage * u["clumps"] ** 1.5, 0.0)
    clumps = np.where(irregular, _between(0.4, 1.0, u["clumps"]), clumps)
    defect = np.array(DEFECTS)[(u["defect"] * len(DEFECTS)).astype(int)]
    return {
        "morphology": kind,
        "stage": stage,
        "inclination": np.where(spheroid, 0.0, inclination),
        "position_angle": 180 * u["angle"],
        "bulge_fraction": bulge,
        "bulge_sersic": bulge_n,
        "bulge_radius": bulge_size,
        "bulge_axis_ratio": bulge_axis_ratio,
        "boxiness": np.where(spheroid, 0.12 * ndtri(u["boxy"]), (u["boxy"] < 0.18) * edge_on),
        "disc_scale": np.ones_like(bulge),
        "disc_break": _between(1.8, 4.3, u["cut"]),
        "thickness": _between(0.10, 0.26, u["thickness"]) + 0.06 * lenticular + 0.2 * irregular,
        "arm_count": arm_count,
        "arm_pitch": pitch,
        "arm_strength": arms,
        "arm_sharpness": _between(0.8, 3.0, u["sharp"]),
        "arm_handedness": np.where(u["hand"] < 0.5, -1, 1),
        "flocculence": flocculence,
        "bar_strength": bar,
        "bar_fraction": np.where(bar > 0, (0.05 + 0.19 * bar) * (1 - bulge), 0.0),
        "bar_length": bar_length,
        "bar_axis_ratio": _between(0.18, 0.38, u["bar_width"]),
        "bar_angle": 180 * u["bar_angle"],
        "ring_strength": ring,
        "ring_fraction": 0.26 * ring * (1 - bulge),
        "ring_radius": np.where(ring > 0, ring_radius, 0.0),
        "ring_width": _between(0.10, 0.22, u["ring_width"]) * np.maximum(ring_radius, 0.5),
        "irregularity": np.where(irregular, _between(0.5, 1.0, u["disturbance"]), 0.0),
        "disturbance": disturbance,
        "tail_strength": tails,
        "merging": merging,
        "companion_fraction": np.where(merging, _between(0.1, 0.5, u["ratio"]), 0.0),
        "companion_separation": np.where(merging, _between(0.7, 3.4, u["separation"]), 0.0),
        "companion_angle": 360 * u["companion"],
        "companion_spheroid": merging & (u["companion_kind"] < 0.4),
        "companion_inclination": np.degrees(np.arccos(u["companion_tilt"])),
        "companion_position_angle": 180 * u["companion_turn"],
        "dust_lane": dust_lane,
        "dust": np.where(dust_lane, _between(0.4, 1.0, u["dust"]), arm_dust),
        "clumpiness": clumps,
        "clump_fraction": 0.16 * clumps * (1 - bulge),
        "lensed": (kind == "elliptical") & (u["lensed"] < 0.006),
        "overlapped": u["overlapped"] < 0.02,
        # Catalogued positions are not quite the galaxies' centres.
        "offset_east": 0.15 * ndtri(u["offset_east"]),
        "offset_north": 0.15 * ndtri(u["offset_north"]),
        "defect": np.where(kind == "artifact", defect, "none"),
    }


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

    # Of two discs as bright, the later one is the larger.
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


def petrosian(truth: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure the Petrosian radii of the light before seeing, in circular apertures.

    Parameters
    ----------
    truth
        Shares and lengths of `draw_population`.

    Returns
    -------
    tuple of three arrays of shape (n,)
        The radius where the local surface brightness is 0.2 of the mean inside, and those of
        half and of 90% of the light within twice that radius, in the lengths' unit.
    """
    # In blocks, because each galaxy's light is sampled at some hundred places.
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
    # A quarter turn by symmetry; where the ellipse's eccentric anomaly is `angle`, the circle of
    # radius r meets the ellipse of major axis r / hypot(cos, q sin).
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
    # Seen edge-on, the light of the line of sight adds up to a flatter profile.
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


OUTER_SCALE = 0.45
"""Scale length of discs beyond their break, over that inside."""


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
