"""The tags that volunteers write about the simulated galaxies on the forum."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.sources.sky.perception import appearance, number_columns
from workflow.lib.sources.sky.population import observed_galaxies
from workflow.lib.sources.sky.profiles import EDGE_ON
from workflow.lib.sources.sky.streams import stream

NOTICED = 0.35
"""On the scale of `plainness`: what a galaxy shows less plainly is not tagged."""
USES = {
    "starforming": 40.0, "ring": 25.0, "disturbed": 12.0, "core": 60.0, "dust-lane": 16.0,
    "star": 20.0, "wrong_size": 8.0, "overlapping": 16.0, "tidal": 12.0, "irregular": 14.0,
    "lenticular": 8.0, "lens": 20.0, "flocculent": 14.0, "grand-design": 30.0, "clumpy": 16.0,
    "peculiar": 60.0, "boxy": 30.0, "shells": 40.0, "trail": 4.0, "ghost": 4.0, "one-arm": 60.0,
}  # fmt: skip
"""Mean number of uses of each tag for a galaxy of popularity 1 that shows nothing more plainly."""


def forum_tags(
    truth: pd.DataFrame, seed: int, spellings: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Give the tags that volunteers wrote on the forum.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed.
    spellings
        The ways in which volunteers write a tag, for each tag that they write in several ways.

    Returns
    -------
    pandas.DataFrame
        `iauname`, `tag`: one row for each use of a tag. Most uses are of a few galaxies and a few
        tags. Some tags are synonyms, repeat a question of the decision tree, or say nothing about
        the image.
    """
    truth = observed_galaxies(truth)
    rates = pd.DataFrame(_tag_rates(truth))
    names, tags = [], []
    for name, rate in zip(truth["iauname"], rates.to_numpy(), strict=True):
        rng = stream(seed, name, "tags")
        # For each tag a few galaxies become the example that everyone links to.
        popularity = np.minimum(0.05 * rng.pareto(1.1, len(rate)), 3.0)
        all_uses = rng.poisson(rate * popularity)
        for column in np.flatnonzero(all_uses):
            tag, uses = rates.columns[column], all_uses[column]
            written = spellings.get(tag, (tag,))
            weights = 1 / np.arange(1, len(written) + 1)
            tags.extend(rng.choice(written, uses, p=weights / weights.sum()))
            names.extend([name] * uses)
    return pd.DataFrame({"iauname": np.array(names, str), "tag": np.array(tags, str)})


def plainness(truth: pd.DataFrame) -> pd.DataFrame:
    """Give how plainly each galaxy shows what each tag names.

    Parameters
    ----------
    truth
        Rows of `draw_population`.

    Returns
    -------
    pandas.DataFrame
        One row a galaxy, in the order of `truth`, and a column for each tag that names something
        in the image and is no question of the decision tree: from 0, not seen, to 1, striking.
    """
    t = number_columns(truth)
    seen = appearance(truth)
    kind, defect = truth["morphology"].to_numpy(), truth["defect"].to_numpy()
    disc, lenticular, elliptical = kind == "disc", kind == "lenticular", kind == "elliptical"
    magnitude = 22.5 - 2.5 * np.log10(t["flux_r"])
    large = _ramp(2 * np.log2(t["petro_th50"]) + 17.0 - magnitude, 0.6, 3.0)
    # Nobody writes about the shape of a galaxy that the picture does not show as it should.
    usual = large * (defect == "none") * (t["wrong_size_warning"] == 0) * (t["overlapped"] == 0)
    disturbance, merging = t["disturbance"], t["merging"]
    calm = usual * (disturbance < 0.2) * (merging == 0)
    face_on, edge_on = _ramp(-t["inclination"], -62, -45), _ramp(t["inclination"], EDGE_ON - 2, 84)
    spiral = calm * face_on * disc
    arms, few_patches = seen["arms"], _ramp(-t["flocculence"], -0.5, -0.25)
    plain_disc = (seen["ring"] < 0.2) & (seen["bar"] < 0.3)
    bulge = t["bulge_fraction"]
    upset = usual * _ramp(disturbance, 0.35, 0.8)
    tails = t["tail_strength"] > 0.3
    plain = {
        "starforming": spiral * _ramp(t["clumpiness"], 0.2, 0.6) * _ramp(arms, 0.1, 0.4),
        "ring": calm * face_on * _ramp(seen["ring"], 0.15, 0.6),
        "disturbed": upset * merging * (disc | lenticular) * (0.5 + 0.5 * face_on),
        "core": spiral * plain_disc * _ramp(bulge, 0.2, 0.4) * _ramp(arms, 0.15, 0.4),
        "dust-lane": calm * edge_on * t["dust_lane"] * _ramp(t["dust"], 0.3, 0.7),
        "star": (defect == "star") + 0.7 * (defect == "saturated"),
        "wrong_size": 1.0 * (t["wrong_size_warning"] == 1) * (defect == "none"),
        "overlapping": large * (t["overlapped"] == 1) * (defect == "none") * (merging == 0),
        "tidal": usual * _ramp(t["tail_strength"], 0.35, 0.8) * (1 - 0.5 * merging),
        "irregular": calm * _ramp(t["irregularity"], 0.4, 0.8) * _ramp(-t["clumpiness"], -1, -0.6),
        "lenticular": calm * face_on * lenticular * plain_disc,
        "lens": usual * t["lensed"],
        "flocculent": spiral * _ramp(t["flocculence"], 0.3, 0.6) * _ramp(arms, 0.1, 0.3),
        "grand-design": spiral * few_patches * (t["arm_count"] == 2)
        * _ramp(t["arm_strength"], 0.3, 0.6) * _ramp(arms, 0.3, 0.6),
        "clumpy": calm * (kind == "irregular") * _ramp(t["clumpiness"], 0.5, 0.9),
        "peculiar": upset * (merging == 0) * disc * face_on * np.where(tails, 0.5, 1.0),
        "boxy": calm * edge_on * _ramp(t["boxiness"], 0.3, 0.8) * _ramp(bulge, 0.1, 0.3)
        * (t["dust_lane"] == 0),
        "shells": large * upset * (merging == 0) * elliptical * np.where(tails, 0.5, 1.0),
        "trail": 1.0 * (defect == "satellite"),
        "ghost": 1.0 * (defect == "ghost"),
        "one-arm": spiral * few_patches * plain_disc * (t["arm_count"] == 1)
        * _ramp(t["arm_strength"], 0.2, 0.5) * _ramp(arms, 0.2, 0.5),
    }  # fmt: skip
    return pd.DataFrame(plain, index=truth.index)


def _ramp(value: np.ndarray, none: float, full: float) -> np.ndarray:
    return np.clip((value - none) / (full - none), 0, 1)


def _tag_rates(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give the mean number of uses of each tag for a galaxy of popularity 1."""
    plain = plainness(truth)
    # Volunteers tag what strikes them most in a picture, so no galaxy is the query of two tags.
    foremost = plain.to_numpy().argmax(axis=1)
    rates = {}
    for tag, uses in USES.items():
        struck = (foremost == plain.columns.get_loc(tag)) & (plain[tag] > NOTICED)
        rates[tag] = (uses * plain[tag] ** 2 * struck).to_numpy()

    t = number_columns(truth)
    seen = appearance(truth)
    clear = seen["clear"]
    face_on = t["inclination"] < 65
    blue = expit((0.48 - t["young_g_r"]) / 0.06) * (t["bulge_fraction"] < 0.4)
    everywhere = np.ones(len(truth))
    return {
        **rates,
        "elliptical": 0.22 * clear * (truth["morphology"] == "elliptical").to_numpy(),
        "blue": 0.4 * clear * blue,
        "spiral": 1.3 * clear * (seen["arms"] > 0.2) * face_on,
        "merging": 4.0 * clear * t["merging"],
        "merger": 2.0 * clear * t["merging"],
        "bar": 2.7 * clear * seen["bar"] * face_on,
        "edge-on": 1.6 * clear * (t["inclination"] > EDGE_ON),
        # What catalogues say, not the image.
        "agn": 0.12 * (t["bulge_fraction"] > 0.2),
        "decals": 0.10 * everywhere,
        "sdss": 0.07 * everywhere,
        "uncatalogued": 0.03 * everywhere,
        "quasar": 0.02 * everywhere,
    }
