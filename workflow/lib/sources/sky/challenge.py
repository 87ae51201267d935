"""The simulated second survey's answers, in the format of the Kaggle Galaxy Challenge."""

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.sources.sky.decision_tree import FIRST_QUESTION, answer_columns
from workflow.lib.sources.sky.perception import (
    answer_probabilities,
    appearance,
    normal_numbers,
    number_columns,
    softmax,
)
from workflow.lib.sources.sky.population import galaxy_id


def challenge_answers(truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give the second survey's answers in the format of the Kaggle Galaxy Challenge.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed.

    Returns
    -------
    pandas.DataFrame
        One row for each galaxy, in the order of `truth`: `GalaxyID` (int64, see `galaxy_id`) and
        the 37 columns `Class1.1` ... `Class11.6`, vote fractions times the share of the volunteers
        who reached the question. The questions are 1: smooth, featured or artifact, 2: edge-on,
        3: bar, 4: spiral arms, 5: bulge size, 6: odd, 7: roundness, 8: what is odd, 9: shape of
        the edge-on bulge, 10: winding of the arms, 11: number of arms. So `Class6.1` is the share
        that called the galaxy odd.
    """
    seen = appearance(truth)
    p = answer_probabilities(truth, seed)
    scatter = normal_numbers(truth, seed, "second survey", 9)
    column = number_columns(truth)

    def shares(question: str, groups: list[list[int]] | None = None) -> np.ndarray:
        block = p[answer_columns(question)].to_numpy()
        if groups is None:
            return block
        return np.stack([block[:, group].sum(axis=1) for group in groups], axis=1)

    first = shares(FIRST_QUESTION)
    classes = {1: first}
    featured, smooth = first[:, 1:2], first[:, 0:1]
    classes[2] = shares("disk-edge-on") * featured
    edge_on, face_on = classes[2][:, 0:1], classes[2][:, 1:2]
    classes[3] = shares("bar", [[0, 1], [2]]) * face_on
    classes[4] = shares("has-spiral-arms") * face_on
    classes[5] = shares("bulge-size", [[4], [3], [1, 2], [0]]) * face_on
    features = np.stack(
        [
            6.6 * seen["ring"] ** 1.3 * seen["clear"],
            5.0 * column["lensed"],
            6.0 * column["disturbance"],
            6.5 * column["irregularity"],
            0.5 + 0.3 * scatter[:, 0],
            7.0 * column["merging"] + 3.2 * column["overlapped"],
            6.5 * column["dust_lane"] * column["dust"],
        ],
        axis=1,
    )
    odd = expit(-3.0 + 0.7 * features.max(axis=1) + 0.7 * scatter[:, 1])[:, None]
    classes[6] = np.hstack([odd, 1 - odd]) * (1 - first[:, 2:3])
    classes[7] = shares("how-rounded") * smooth
    kinds = softmax(features + 0.3 * scatter[:, 2:9])
    classes[8] = kinds * classes[6][:, 0:1]
    classes[9] = shares("edge-on-bulge", [[2], [0], [1]]) * edge_on
    spiral = classes[4][:, 0:1]
    classes[10] = shares("spiral-winding") * spiral
    classes[11] = shares("spiral-arm-count") * spiral
    table = {"GalaxyID": [galaxy_id(name) for name in truth["iauname"]]}
    for number in sorted(classes):
        for answer, values in enumerate(classes[number].T, start=1):
            table[f"Class{number}.{answer}"] = values
    return pd.DataFrame(table, index=truth.index).astype({"GalaxyID": np.int64})
