"""Votes on the simulated galaxies: those of volunteers, and those that a network predicts."""

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.sources.sky.decision_tree import (
    FIRST_QUESTION,
    NEXT_QUESTION,
    QUESTIONS,
    answer_columns,
    by_question,
)
from workflow.lib.sources.sky.perception import (
    answer_probabilities,
    appearance,
    normal_numbers,
    softmax,
)
from workflow.lib.sources.sky.population import observed_galaxies
from workflow.lib.sources.sky.streams import stream

RARE_FEATURES = ("ring", "irregular", "dust-lane", "lens-or-arc", "overlapping", "other", "none")


def volunteer_votes(
    truth: pd.DataFrame,
    seed: int,
    voted: float = 0.83,
    many: int = 40,
    few: int = 5,
    few_share: float = 0.25,
) -> pd.DataFrame:
    """Let volunteers answer the questions of the decision tree.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed; a galaxy's votes depend only on it, the iauname and the galaxy's truth.
    voted
        Share of the observed galaxies that volunteers saw.
    many, few
        Typical number of volunteers for most galaxies and for the rest.
    few_share
        Share of these galaxies that only about `few` volunteers saw.

    Returns
    -------
    pandas.DataFrame
        One row for each galaxy with votes, in the order of `truth`: `iauname`; for each question
        `{question}_{answer}` and `{question}_total-votes` (int32), `{question}_{answer}_fraction`
        (NaN where nobody was asked).
    """
    truth = observed_galaxies(truth)
    probabilities = answer_probabilities(truth, seed)
    blocks = dict(by_question(probabilities.to_numpy()))
    names, counts = [], []
    for row, name in enumerate(truth["iauname"]):
        rng = stream(seed, name, "votes")
        if rng.random() >= voted:
            continue
        typical = few if rng.random() < few_share else many
        asked = dict.fromkeys(QUESTIONS, 0)
        asked[FIRST_QUESTION] = max(1, rng.poisson(typical))
        votes = dict.fromkeys(QUESTIONS)
        for question, following in NEXT_QUESTION.items():
            votes[question] = rng.multinomial(asked[question], blocks[question][row])
            for answer, count in zip(QUESTIONS[question], votes[question], strict=True):
                if following[answer]:
                    asked[following[answer]] += count
        names.append(name)
        counts.append(np.concatenate([votes[question] for question in QUESTIONS]))
    width = sum(map(len, QUESTIONS.values()))
    counts = np.array(counts, np.int32).reshape(len(names), width)
    table = {"iauname": pd.Series(names, dtype=truth["iauname"].dtype)}
    for question, block in by_question(counts):
        total = block.sum(axis=1, dtype=np.int32)
        with np.errstate(invalid="ignore"):
            fraction = block / total[:, None]
        table |= dict(zip(answer_columns(question), block.T, strict=True))
        table[f"{question}_total-votes"] = total
        table |= dict(zip(answer_columns(question, "_fraction"), fraction.T, strict=True))
    return pd.DataFrame(table)


def rare_features(truth: pd.DataFrame, votes: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Ask the volunteers the last question: which rare features they see, if any.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    votes
        Their votes, from `volunteer_votes`: they say how many volunteers were asked.
    seed
        The sky's seed.

    Returns
    -------
    pandas.DataFrame
        One row for each row of `votes`: `iauname` and `rare-features_{feature}_fraction` for each
        of `RARE_FEATURES`, NaN where nobody was asked; they need not add to 1.
    """
    truth = truth.set_index("iauname", drop=False).loc[votes["iauname"]]
    seen = appearance(truth)
    clear = seen["clear"]
    judged = votes[f"{FIRST_QUESTION}_total-votes"] - votes[f"{FIRST_QUESTION}_artifact"]
    asked = judged.to_numpy()
    scatter = normal_numbers(truth, seed, "rare perception", len(RARE_FEATURES))
    strength = {
        "ring": -3.9 + 8.4 * seen["ring"] ** 0.8 * (0.35 + 0.65 * clear),
        "irregular": -4.0
        + 3.9 * truth["irregularity"] * (0.4 + 0.6 * clear)
        + 0.8 * truth["clumpiness"]
        + 1.0 * truth["disturbance"],
        "dust-lane": -4.2 + 6.0 * truth["dust_lane"] * truth["dust"] * clear + 1.0 * truth["dust"],
        "lens-or-arc": -4.8 + 4.0 * truth["lensed"] + 0.8 * truth["tail_strength"],
        "overlapping": -4.2 + 4.6 * truth["overlapped"] + 1.0 * truth["merging"],
        "other": -3.4 + 0.8 * truth["disturbance"],
    }
    strength = np.stack([np.asarray(column, float) for column in strength.values()], axis=1)
    probability = expit(strength + 0.45 * scatter[:, :-1])
    nothing = (1 - probability).prod(axis=1, keepdims=True)
    probability = np.hstack([probability, nothing])
    counts = np.array(
        [
            stream(seed, name, "rare votes").binomial(n, p)
            for name, n, p in zip(votes["iauname"], asked, probability, strict=True)
        ]
    ).reshape(probability.shape)
    with np.errstate(invalid="ignore"):
        fractions = counts / asked[:, None]
    table = {"iauname": votes["iauname"].reset_index(drop=True)}
    columns = [f"rare-features_{feature}_fraction" for feature in RARE_FEATURES]
    table |= dict(zip(columns, fractions.T, strict=True))
    return pd.DataFrame(table)


def automated_fractions(truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give vote fractions for each observed galaxy, as a trained network would predict them.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed.

    Returns
    -------
    pandas.DataFrame
        `iauname` and `{question}_{answer}_fraction`, which add to 1 within a question: the
        true probabilities, made a little less certain, with small errors. The loss of certainty
        varies from galaxy to galaxy and is the same for all questions of a galaxy.
    """
    truth = observed_galaxies(truth)
    probabilities = answer_probabilities(truth, seed)
    errors = normal_numbers(truth, seed, "network", 1 + probabilities.shape[1])
    doubt = 0.92 * np.exp(0.08 * errors[:, :1])
    table = {"iauname": truth["iauname"]}
    for question, own_errors in by_question(errors[:, 1:]):
        logits = doubt * np.log(probabilities[answer_columns(question)].to_numpy() + 1e-6)
        logits += 0.18 * own_errors
        table |= dict(zip(answer_columns(question, "_fraction"), softmax(logits).T, strict=True))
    return pd.DataFrame(table)
