"""The tags that volunteers write about the simulated galaxies on the forum."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.sources.sky.perception import appearance, number_columns
from workflow.lib.sources.sky.population import observed_galaxies
from workflow.lib.sources.sky.profiles import EDGE_ON
from workflow.lib.sources.sky.streams import stream


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
    rates = pd.DataFrame(_tag_rates(truth)).clip(lower=0)
    names, tags = [], []
    for name, rate in zip(truth["iauname"], rates.to_numpy(), strict=True):
        rng = stream(seed, name, "tags")
        popularity = min(0.05 * rng.pareto(1.1), 6.0)
        all_uses = rng.poisson(rate * popularity)
        for column in np.flatnonzero(all_uses):
            tag, uses = rates.columns[column], all_uses[column]
            written = spellings.get(tag, (tag,))
            weights = 1 / np.arange(1, len(written) + 1)
            tags.extend(rng.choice(written, uses, p=weights / weights.sum()))
            names.extend([name] * uses)
    return pd.DataFrame({"iauname": np.array(names, str), "tag": np.array(tags, str)})


def _tag_rates(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give the mean number of uses of each tag for a galaxy of popularity 1."""
    t = number_columns(truth)
    seen = appearance(truth)
    kind = truth["morphology"].to_numpy()
    defect = truth["defect"].to_numpy()
    face_on = t["inclination"] < 65
    spiral = seen["arms"] > 0.2
    blue = expit((0.48 - t["young_g_r"]) / 0.06) * (t["bulge_fraction"] < 0.4)
    grand = spiral * face_on * (t["arm_count"] == 2) * (1 - t["flocculence"])
    edge_on = t["inclination"] > EDGE_ON
    return {
        "starforming": 2.4 * t["clumpiness"] ** 2 + 0.5 * blue,
        "ring": 4.5 * seen["ring"],
        "disturbed": 2.5 * t["disturbance"] ** 2,
        "core": 0.5 * (t["bulge_fraction"] > 0.2) * (t["bulge_fraction"] < 0.5) * spiral,
        "dust-lane": 5.0 * t["dust_lane"] * t["dust"],
        "star": 6.0 * (defect == "star") + 1.5 * (defect == "saturated") + 0.01,
        "wrong_size": 3.0 * t["wrong_size_warning"],
        "overlapping": 4.0 * t["overlapped"] + 0.02,
        "tidal": 3.0 * t["tail_strength"] ** 1.5,
        "irregular": 1.8 * t["irregularity"],
        "lenticular": 0.9 * (kind == "lenticular") * face_on,
        "elliptical": 0.22 * (kind == "elliptical"),
        "lens": 25.0 * t["lensed"],
        "flocculent": 1.6 * spiral * face_on * (t["flocculence"] > 0.5),
        "grand-design": 1.1 * grand * (seen["arms"] > 0.5),
        "clumpy": 1.3 * t["clumpiness"] ** 2,
        "peculiar": 0.9 * t["disturbance"] + 0.01,
        "boxy": 1.4 * (t["boxiness"] > 0.5) * edge_on,
        "shells": 3.0 * (t["disturbance"] > 0.4) * (kind == "elliptical"),
        "trail": 5.0 * (defect == "satellite"),
        "ghost": 4.0 * (defect == "ghost"),
        "blue": 0.4 * blue,
        "one-arm": 1.5 * spiral * face_on * (t["arm_count"] == 1),
        "spiral": 1.3 * spiral * face_on,
        "merging": 4.0 * t["merging"],
        "merger": 2.0 * t["merging"],
        "bar": 2.7 * seen["bar"] * face_on,
        "edge-on": 1.6 * edge_on,
        "agn": 0.12 * (t["bulge_fraction"] > 0.2),
        "decals": 0.10,
        "sdss": 0.07,
        "uncatalogued": 0.03,
        "quasar": 0.02,
    }
