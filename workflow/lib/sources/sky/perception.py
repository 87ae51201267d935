"""How a simulated galaxy looks to volunteers, and what they answer.

They see the cutout, not the truth: the smaller and fainter a galaxy, the smoother it looks, and
they do not see what is finer than the seeing.
"""

from functools import partial

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.sources.sky.decision_tree import QUESTIONS, answer_columns
from workflow.lib.sources.sky.profiles import EDGE_ON, projected_axis_ratio
from workflow.lib.sources.sky.streams import stream

SEEING_SIGMA = 0.53
"""Standard deviation of the seeing, taken as Gaussian, in the pictures shown [arcsec]."""


def answer_probabilities(truth: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Give the probability of each answer from a volunteer who is asked the question.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        Seeds a scatter of the answers from galaxy to galaxy that the truth does not explain.

    Returns
    -------
    pandas.DataFrame
        Index as `truth`; a float column `{question}_{answer}` for each of the 34 answers, which
        add to 1 within a question.
    """
    seen = appearance(truth)
    scatter = normal_numbers(truth, seed, "perception", sum(map(len, QUESTIONS.values())))
    columns, start = {}, 0
    for question, scores in _scores(truth, seen).items():
        answers = QUESTIONS[question]
        logits = np.stack(
            [np.broadcast_to(scores[answer], len(truth)) for answer in answers], axis=1
        )
        logits = logits + 0.35 * scatter[:, start : start + len(answers)]
        start += len(answers)
        columns |= dict(zip(answer_columns(question), softmax(logits).T, strict=True))
    return pd.DataFrame(columns, index=truth.index)[
        [column for question in QUESTIONS for column in answer_columns(question)]
    ]


def appearance(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give what can be seen of each galaxy in its picture.

    Returns
    -------
    dict
        Arrays of shape (n,): `clear`, how clearly detail is seen, from 0 to 1; `axis_ratio`, the
        apparent one; `face_on`, from 0 to 1; `spheroid`, true or false; `arms`, `bar` and `ring`,
        their strengths after blurring by the seeing. The seeing leaves the share
        exp(-2 (pi sigma / l)^2) of the contrast of a wave of length l. The lengths taken for
        arms, bar and ring are those for which this agrees best with the contrast of blurred
        simulated galaxies.
    """
    magnitude = 22.5 - 2.5 * np.log10(truth["flux_r"].to_numpy())
    size = np.hypot(truth["disc_scale"] * 1.3, 0.6).to_numpy()
    clear = expit(1.9 * np.log2(size / 2.9) + 0.5 * (17.0 - magnitude) + 0.6)
    disc = projected_axis_ratio(truth["inclination"], truth["thickness"]).to_numpy()
    spheroid = (truth["bulge_fraction"] > 0.95).to_numpy()
    axis_ratio = np.where(spheroid, truth["bulge_axis_ratio"], disc)
    face_on = expit((EDGE_ON - 6 - truth["inclination"].to_numpy()) / 4.0)
    tilt = np.sqrt(np.cos(np.radians(truth["inclination"])))
    pitch = np.radians(truth["arm_pitch"])
    # The distance from arm to arm, at two scale lengths from the centre.
    spacing = 4 * np.pi * truth["disc_scale"] * np.sin(pitch) / truth["arm_count"]
    # The patches of flocculent discs are wound like arms, and look like arms.
    arms = np.hypot(truth["arm_strength"], 0.5 * truth["flocculence"])
    bar = truth["bar_strength"] * (1 - truth["bulge_fraction"])
    return {
        "clear": clear,
        "axis_ratio": axis_ratio,
        "face_on": face_on,
        "spheroid": spheroid,
        "arms": (arms * _resolved(spacing * tilt)).to_numpy(),
        "bar": (bar * _resolved(1.3 * truth["bar_length"])).to_numpy(),
        "ring": (truth["ring_strength"] * _resolved(truth["ring_radius"] * tilt)).to_numpy(),
    }


def _resolved(wavelength: pd.Series) -> pd.Series:
    """Give the share of a wave's contrast that the seeing leaves; the wavelength is in arcsec."""
    return np.exp(-2 * (np.pi * SEEING_SIGMA / np.maximum(wavelength, 0.01)) ** 2)


def _scores(truth: pd.DataFrame, seen: dict) -> dict[str, dict[str, np.ndarray]]:
    """Give the logit of each answer, up to a constant within each question.

    The order of the questions decides which random numbers each of them gets.
    """
    t = number_columns(truth)
    defect = (truth["defect"] != "none").to_numpy()
    return {
        **_scores_of_kind(t, seen, defect),
        **_scores_of_disc(t, seen),
        **_scores_of_shape(t, seen),
    }


def _near(certain: np.ndarray, value: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Give a logit that is largest, 0, where `value` is `centre`."""
    return -0.5 * ((value - centre) / width) ** 2 * certain


def _certainty(seen: dict) -> np.ndarray:
    return 0.5 + 0.5 * seen["clear"]


def _scores_of_kind(t: dict, seen: dict, defect: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Score whether the galaxy is smooth, has features or is an artifact, and is seen edge-on."""
    clear, face_on = seen["clear"], seen["face_on"]
    arms, bar, ring = seen["arms"], seen["bar"], seen["ring"]
    disc = 1.0 - seen["spheroid"]
    edge_on = (1 - face_on) * disc
    structure = (
        2.8 * arms * face_on + 2.0 * bar + 2.6 * ring + 2.2 * t["irregularity"]
        + 1.2 * t["clumpiness"] + 1.2 * t["disturbance"] + 1.6 * edge_on + 1.0 * t["dust"]
    )  # fmt: skip
    lens = disc * (0.9 - 0.8 * t["bulge_fraction"])
    tilt = (t["inclination"] - EDGE_ON) / 3.0 * _certainty(seen)
    return {
        "smooth-or-featured": {
            "smooth": 1.7 - 0.6 * lens,
            "featured-or-disk": -1.5 + lens + 3.0 * structure * (0.25 + 0.75 * clear),
            "artifact": np.where(defect, 4.5, -2.2),
        },
        "disk-edge-on": {
            "yes": np.where(disc > 0, tilt, -3.0),
            "no": 0.0,
        },
    }


def _scores_of_disc(t: dict, seen: dict) -> dict[str, dict[str, np.ndarray]]:
    """Score the bar and the spiral arms."""
    face_on, arms, bar, ring = seen["face_on"], seen["arms"], seen["bar"], seen["ring"]
    certain = _certainty(seen)
    near = partial(_near, certain)
    pitch, count = t["arm_pitch"], t["arm_count"]
    followed = np.minimum(arms / 0.4, 1)
    vague = 2.4 - 1.2 * followed + 2.2 * t["flocculence"] - 1.6 * seen["clear"] - 1.2 * arms
    return {
        "bar": {
            "strong": -3.0 + 9.0 * bar * (0.4 + 0.6 * face_on) * certain,
            "weak": -1.4 + 4.0 * np.minimum(bar, 0.5) * certain,
            "no": 0.4,
        },
        "has-spiral-arms": {
            "yes": -2.4 + (9.0 * arms + 2.0 * ring) * certain + 0.8 * t["tail_strength"],
            "no": 0.0,
        },
        # Rings look like tightly wound arms.
        "spiral-winding": {
            "tight": near(pitch, 9, 6.0) * followed + 2.5 * ring,
            "medium": near(pitch, 17, 5.5) * followed,
            "loose": near(pitch, 27, 7.5) * followed,
        },
        "spiral-arm-count": {
            **{str(m): near(count, m, 0.55) * followed - 0.3 * (m > 2) for m in (1, 2, 3, 4)},
            "more-than-4": near(np.minimum(count, 5), 5, 0.55) * followed,
            "cant-tell": vague + 1.5 * ring,
        },
    }


def _scores_of_shape(t: dict, seen: dict) -> dict[str, dict[str, np.ndarray]]:
    """Score the bulge, the roundness and the signs of an encounter."""
    axis_ratio = seen["axis_ratio"]
    certain = _certainty(seen)
    near = partial(_near, certain)
    bulge = np.sqrt(t["bulge_fraction"])
    pull = 3.0 * t["disturbance"]
    return {
        "bulge-size": {
            "dominant": near(bulge, 0.85, 0.12),
            "large": near(bulge, 0.65, 0.12),
            "moderate": near(bulge, 0.46, 0.13),
            "small": near(bulge, 0.25, 0.12),
            "none": near(bulge, 0.03, 0.09),
        },
        "how-rounded": {
            "round": near(axis_ratio, 0.97, 0.12),
            "in-between": near(axis_ratio, 0.66, 0.15),
            "cigar-shaped": near(np.maximum(axis_ratio, 0.25), 0.25, 0.12),
        },
        "edge-on-bulge": {
            "boxy": -2.2 + 2.6 * np.clip(t["boxiness"], 0, 1) * certain,
            "none": 0.6 - 14.0 * (t["bulge_fraction"] - 0.10) * certain,
            "rounded": 0.0,
        },
        "merging": {
            "none": 2.6,
            "minor-disturbance": 0.2 + 0.9 * pull - 0.5 * t["merging"],
            "major-disturbance": -1.2 + 1.35 * pull - 0.4 * t["merging"],
            "merger": -1.8 + 5.5 * t["merging"] + 3.0 * t["overlapped"] + 0.25 * pull,
        },
    }


def number_columns(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give the columns of numbers and of true or false as float64 arrays."""
    return {name: truth[name].to_numpy(float) for name in truth if truth[name].dtype.kind in "fbi"}


def normal_numbers(truth: pd.DataFrame, seed: int, purpose: str, count: int) -> np.ndarray:
    """Draw `count` standard normal numbers for each galaxy, from its own stream: (n, count)."""
    draws = [stream(seed, name, purpose).standard_normal(count) for name in truth["iauname"]]
    return np.array(draws).reshape(len(truth), count)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits of shape (n, answers) into probabilities that add to 1 in each row."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)
