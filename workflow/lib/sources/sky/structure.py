"""The shapes of the simulated galaxies: bulge, disc, arms, bar, ring, dust, encounters, defects.

Every number follows from a galaxy's uniform numbers `u`: for each name of `population.DRAWS` an
array of shape (n,) between 0 and 1. Lengths are in units of the disc's scale length, until
`population` knows the galaxy's size.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from workflow.lib.sources.sky.profiles import EDGE_ON

Columns = dict[str, np.ndarray]

USUAL_RING_SHARE = 0.283
"""Share of the discs and lenticulars, seen less inclined than 70 deg, that usually have a ring."""

DEFECTS = ("satellite", "saturated", "ghost", "star", "sky")


class Kinds(NamedTuple):
    """What is drawn first, because the rest depends on it; arrays of shape (n,)."""

    morphology: np.ndarray
    """elliptical, lenticular, disc, irregular or artifact."""
    stage: np.ndarray
    """From 0, Sa, to 1, Sd; 0 for lenticulars."""
    inclination: np.ndarray
    """Of the disc, from 0, face-on, to 90 [deg]."""
    merging: np.ndarray
    """Whether the galaxy is in an encounter."""

    @property
    def spheroid(self) -> np.ndarray:
        """Whether it has no disc. Artifacts are drawn as such a galaxy with a defect."""
        return (self.morphology == "elliptical") | (self.morphology == "artifact")

    @property
    def irregular(self) -> np.ndarray:
        """Whether it is an irregular."""
        return self.morphology == "irregular"

    @property
    def lenticular(self) -> np.ndarray:
        """Whether it is a lenticular."""
        return self.morphology == "lenticular"

    @property
    def disc(self) -> np.ndarray:
        """Whether it is a spiral galaxy, with arms or without."""
        return self.morphology == "disc"

    @property
    def open_disc(self) -> np.ndarray:
        """Whether it has a thin disc, inclined so little that its structure shows."""
        return (self.lenticular | self.disc) & (self.inclination < 70)

    @property
    def edge_on(self) -> np.ndarray:
        """Whether it has a thin disc that is seen edge-on."""
        return (self.lenticular | self.disc) & (self.inclination > EDGE_ON)


def draw_structure(u: Columns, merging_share: float, ring_share: float | None = None) -> Columns:
    """Draw shapes and strengths.

    Parameters
    ----------
    u
        The uniform numbers, n of each name.
    merging_share, ring_share
        As for `population.draw_population`.

    Returns
    -------
    dict
        Columns of the truth table, of shape (n,): shares of the light (`*_fraction`), strengths
        from 0 to 1, angles [deg], lengths in units of the disc's scale length, but
        `companion_separation` in units of the half-light radius.
    """
    kinds = _kinds(u, merging_share)
    ringed = kinds.open_disc & (u["ringed"] < _ring_odds(kinds.stage, ring_share))
    bar = _bar(kinds, u, ringed)
    columns = {
        "morphology": kinds.morphology,
        "stage": kinds.stage,
        "inclination": np.where(kinds.spheroid, 0.0, kinds.inclination),
        "position_angle": 180 * u["angle"],
        **_bulge(kinds, u, bar["bar_strength"]),
        **_disc(kinds, u),
        **_arms(kinds, u, ringed, bar["bar_strength"]),
        **bar,
        **_ring(u, ringed, bar),
        **_encounter(kinds, u),
        **_dust_and_clumps(kinds, u),
        **_mishaps(kinds, u),
    }
    # So far these are shares of the light outside the bulge.
    for share in ("bar_fraction", "ring_fraction", "clump_fraction"):
        columns[share] = columns[share] * (1 - columns["bulge_fraction"])
    return columns


def _between(low: float, high: float, uniform: np.ndarray) -> np.ndarray:
    return low + (high - low) * uniform


def _kinds(u: Columns, merging_share: float) -> Kinds:
    limits = [0.29, 0.41, 0.925, 0.985]
    names = np.array(["elliptical", "lenticular", "disc", "irregular", "artifact"])
    morphology = names[np.searchsorted(limits, u["type"])]
    irregular = morphology == "irregular"
    stage = np.where(morphology == "lenticular", 0.0, u["stage"])
    merging = ~irregular & (morphology != "artifact") & (u["merging"] < merging_share)
    # An irregular has no thin disc, so it is not seen as a needle.
    inclination = np.degrees(np.arccos(np.where(irregular, 0.35 + 0.65 * u["cos_i"], u["cos_i"])))
    return Kinds(morphology, stage, inclination, merging)


def _ring_odds(stage: np.ndarray, ring_share: float | None) -> np.ndarray:
    """Give the probability of a ring. Most rings are in early discs."""
    odds = 0.38 - 0.24 * stage
    return odds if ring_share is None else ring_share / USUAL_RING_SHARE * odds


def _bulge(kinds: Kinds, u: Columns, bar: np.ndarray) -> Columns:
    share = np.clip(0.42 - 0.42 * kinds.stage**0.6 + 0.10 * ndtri(u["bulge"]), 0.0, 0.6)
    share = np.where(kinds.lenticular, _between(0.25, 0.7, u["bulge"]), share)
    share = np.select([kinds.spheroid, kinds.irregular], [1.0, 0.03 * u["bulge"]], share)
    # In an encounter gas falls to the centre and makes stars.
    share = np.where(kinds.merging, np.maximum(share, _between(0.15, 0.6, u["ratio"])), share)
    sersic = np.select(
        [kinds.spheroid, kinds.lenticular],
        [np.clip(3.9 + 1.1 * ndtri(u["bulge_n"]), 1.8, 6.0), _between(1.8, 4.2, u["bulge_n"])],
        np.clip(3.4 - 1.7 * kinds.stage + 0.6 * ndtri(u["bulge_n"]), 0.8, 4.5),
    )
    # The radius is about a fifth of the disc's scale length, for any share of the light.
    radius = (0.12 + 0.25 * np.clip(share, 0, 0.6)) * _between(0.6, 1.5, u["bulge_size"])
    elongation = np.clip(0.97 - 0.45 * u["axis_ratio"] ** 1.6, 0.4, 1)
    tilt = np.sin(np.radians(kinds.inclination)) ** 2
    flattened = 1 - _between(0.15, 0.5, u["axis_ratio"]) * tilt
    return {
        # The stars of a bar come from the bulge, except in irregulars, which have hardly any.
        "bulge_fraction": share * (1 - 0.2 * np.where(kinds.irregular, 0.0, bar)),
        "bulge_sersic": sersic,
        "bulge_radius": radius,
        "bulge_axis_ratio": np.where(kinds.spheroid, elongation, flattened),
        "boxiness": np.where(
            kinds.spheroid, 0.12 * ndtri(u["boxy"]), (u["boxy"] < 0.18) * kinds.edge_on
        ),
    }


def _disc(kinds: Kinds, u: Columns) -> Columns:
    thickness = _between(0.10, 0.26, u["thickness"])
    return {
        "disc_scale": np.ones_like(kinds.stage),
        "disc_break": _between(1.8, 4.3, u["cut"]),
        "thickness": thickness + 0.06 * kinds.lenticular + 0.2 * kinds.irregular,
    }


def _arms(kinds: Kinds, u: Columns, ringed: np.ndarray, bar: np.ndarray) -> Columns:
    armed = kinds.disc & (u["armed"] < np.where(ringed, 0.7, 0.82))
    strength = np.where(
        armed, _between(0.15, 1.0, u["arms"] ** 1.2), np.where(kinds.disc, 0.06, 0.0)
    )
    count = np.searchsorted([0.05, 0.60, 0.76, 0.87, 0.95], u["arm_count"]) + 1
    # Galaxies with a strong bar rarely have more than two arms.
    count = np.where(bar > 0.5, np.minimum(count, 2 + (u["arm_count"] > 0.9)), count)
    # Many tightly wound arms would look like the grooves of a record.
    pitch = 11 + 15 * kinds.stage + 4.5 * ndtri(u["pitch"]) + 2.5 * np.clip(count - 2, 0, 3)
    flocculence = u["flocculent"] ** 1.5 * (0.35 + 0.65 * kinds.stage)
    flocculence = np.where(kinds.disc, flocculence, 0.05)
    return {
        "arm_count": count,
        "arm_pitch": np.clip(pitch, 8, 38),
        "arm_strength": strength,
        "arm_sharpness": _between(0.8, 3.0, u["sharp"]),
        "arm_handedness": np.where(u["hand"] < 0.5, -1, 1),
        "flocculence": np.where(kinds.irregular, _between(0.05, 0.5, u["flocculent"]), flocculence),
    }


def _bar(kinds: Kinds, u: Columns, ringed: np.ndarray) -> Columns:
    odds = np.where(ringed, 0.40, np.where(kinds.lenticular, 0.16, 0.20))
    strong = kinds.open_disc & (u["barred"] < odds)
    weak = kinds.open_disc & ~strong & (u["barred"] < 2.4 * odds)
    strength = np.select(
        [strong, weak], [_between(0.6, 1.0, u["bar"]), _between(0.15, 0.5, u["bar"])], 0.0
    )
    length = np.where(
        strength > 0, _between(0.8, 1.7, u["bar_length"]) * (0.7 + 0.4 * strength), 0.0
    )
    # Magellanic irregulars have a kind of bar.
    magellanic = kinds.irregular & (u["barred"] < 0.4)
    strength = np.where(magellanic, _between(0.2, 0.6, u["bar"]), strength)
    return {
        "bar_strength": strength,
        "bar_fraction": np.where(strength > 0, 0.05 + 0.19 * strength, 0.0),
        "bar_length": np.where(magellanic, _between(0.5, 1.2, u["bar_length"]), length),
        "bar_axis_ratio": _between(0.18, 0.38, u["bar_width"]),
        "bar_angle": 180 * u["bar_angle"],
    }


def _ring(u: Columns, ringed: np.ndarray, bar: Columns) -> Columns:
    strength = np.where(ringed, _between(0.35, 1.0, u["ring"]), 0.0)
    # An inner ring surrounds the bar; a quarter of the rings are outer ones.
    without_bar = _between(0.9, 1.7, u["ring_radius"] / 0.75)
    radius = np.where(bar["bar_strength"] > 0, 1.1 * bar["bar_length"], without_bar)
    outer = _between(2.0, 2.8, (u["ring_radius"] - 0.75) * 4)
    radius = np.where(u["ring_radius"] > 0.75, outer, radius)
    return {
        "ring_strength": strength,
        "ring_fraction": 0.26 * strength,
        "ring_radius": np.where(strength > 0, radius, 0.0),
        "ring_width": _between(0.10, 0.22, u["ring_width"]) * np.maximum(radius, 0.5),
    }


def _encounter(kinds: Kinds, u: Columns) -> Columns:
    disturbed = (u["disturbed"] < 0.08) & (kinds.morphology != "artifact")
    disturbance = np.where(disturbed, _between(0.2, 1.0, u["disturbance"]), 0.03 * u["disturbance"])
    # Volunteers see pairs that touch as merging, whether or not they have disturbed each other.
    disturbance = np.where(kinds.merging, u["disturbance"], disturbance)
    merging = kinds.merging
    return {
        "irregularity": np.where(kinds.irregular, _between(0.5, 1.0, u["disturbance"]), 0.0),
        "disturbance": disturbance,
        "tail_strength": np.where(disturbance > 0.2, disturbance * (u["tails"] < 0.7), 0.0),
        "merging": merging,
        "companion_fraction": np.where(merging, _between(0.1, 0.5, u["ratio"]), 0.0),
        "companion_separation": np.where(merging, _between(0.7, 3.4, u["separation"]), 0.0),
        "companion_angle": 360 * u["companion"],
        "companion_spheroid": merging & (u["companion_kind"] < 0.4),
        "companion_inclination": np.degrees(np.arccos(u["companion_tilt"])),
        "companion_position_angle": 180 * u["companion_turn"],
    }


def _dust_and_clumps(kinds: Kinds, u: Columns) -> Columns:
    lane = kinds.edge_on & (u["dusty"] < 0.55 * (1 - 0.5 * kinds.lenticular))
    lane |= (kinds.morphology == "elliptical") & (u["dusty"] < 0.02)
    between_arms = np.where(kinds.disc, 0.25 * u["dust"], 0.0)
    clumps = np.where(kinds.disc, kinds.stage * u["clumps"] ** 1.5, 0.0)
    clumps = np.where(kinds.irregular, _between(0.4, 1.0, u["clumps"]), clumps)
    return {
        "dust_lane": lane,
        "dust": np.where(lane, _between(0.4, 1.0, u["dust"]), between_arms),
        "clumpiness": clumps,
        "clump_fraction": 0.16 * clumps,
    }


def _mishaps(kinds: Kinds, u: Columns) -> Columns:
    """Draw lenses, overlaps, errors of the position, and defects of the image."""
    defect = np.array(DEFECTS)[(u["defect"] * len(DEFECTS)).astype(int)]
    return {
        "lensed": (kinds.morphology == "elliptical") & (u["lensed"] < 0.006),
        "overlapped": u["overlapped"] < 0.02,
        # Catalogued positions are not quite the galaxies' centres.
        "offset_east": 0.15 * ndtri(u["offset_east"]),
        "offset_north": 0.15 * ndtri(u["offset_north"]),
        "defect": np.where(kinds.morphology == "artifact", defect, "none"),
    }
