"""Volunteers' votes: counts, training and test sets, vote fractions (paper Sec. 2.1, 2.2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.common.errors import UserError
from workflow.lib.common.name_seeds import name_keys, uniform
from workflow.lib.common.tables import read_table

NEVER_LEARNED = "rare-features"
"""Question that is never trained on: its answers are labels later (paper Sec. 3.2, 4.2)."""

Questions = Mapping[str, Sequence[str]]
"""The answers of each question, in the order of the network's outputs."""


def answer_columns(questions: Questions) -> list[str]:
    """List the catalogue's columns of these answers: ``{question}_{answer}``."""
    return [f"{question}_{answer}" for question, answers in questions.items() for answer in answers]


def question_slices(questions: Questions) -> dict[str, slice]:
    """Give the slice of `answer_columns` that holds the answers of each question."""
    ends = np.cumsum([len(answers) for answers in questions.values()])
    starts = ends - [len(answers) for answers in questions.values()]
    return {
        question: slice(int(start), int(end))
        for question, start, end in zip(questions, starts, ends, strict=True)
    }


def read_votes(catalogue: str | Path, questions: Questions) -> tuple[list[str], np.ndarray]:
    """Read how often each answer was given.

    Answers about rare features are never read here, so none can enter a loss: later stages search
    for rings and irregular galaxies with a network that was not trained on them.

    Parameters
    ----------
    catalogue
        A survey's catalogue.
    questions
        The questions to read.

    Returns
    -------
    iaunames : list of str
        All n galaxies of the catalogue.
    counts : numpy.ndarray
        Shape (n, answers), float32; 0 where no volunteer was asked.

    Raises
    ------
    UserError
        If a question is about rare features, a column is missing, or a count is infinite or
        negative.
    """
    columns = answer_columns(questions)
    forbidden = [column for column in columns if NEVER_LEARNED in column]
    if forbidden:
        raise UserError(
            f"pretraining.questions: '{forbidden[0]}' must not be learned; answers about "
            "rare features are the labels of the anomaly and fine-tuning experiments"
        )
    table = read_table(catalogue, text=["iauname"], columns=["iauname", *columns])
    counts = table[columns].to_numpy(np.float64)
    # Galaxies that no volunteer saw have no counts.
    counts = np.where(np.isnan(counts), 0.0, counts)
    wrong = ~(np.isfinite(counts) & (counts >= 0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise UserError(
            f"{catalogue}: {columns[column]} of {table['iauname'].iloc[row]} is "
            f"{counts[row, column]:g}, not a count of votes"
        )
    return table["iauname"].tolist(), counts.astype(np.float32)


def split_names(
    iaunames: Sequence[str], seed: int, validation_share: float, test_share: float
) -> np.ndarray:
    """Assign each galaxy to the training, validation or test set, by its name and the seed alone.

    So all pretrainings share one split, and it does not change when galaxies are added.

    Returns
    -------
    numpy.ndarray
        Shape (n,), of "train", "validation" and "test".
    """
    # Views use the epoch as this number; 2**32 is no epoch, so these draws are independent.
    (drawn,) = uniform(name_keys(iaunames), seed, 2**32, 1)
    sets = [drawn < test_share, drawn < test_share + validation_share]
    return np.select(sets, ["test", "validation"], "train")


def held_out_names(
    iaunames: Sequence[str], survey: str, training: Mapping[str, Any] | None
) -> np.ndarray:
    """Find the galaxies that were used neither to train nor to select a network.

    Parameters
    ----------
    survey
        The survey of the galaxies.
    training
        `training` of the network's `encoder.json`; None if the network was not trained. Its
        `split` is None if all were trained on, or it is not known which.

    Returns
    -------
    numpy.ndarray
        Shape (n,), bool. If the network was trained on this survey: true in the test set, or false
        for all galaxies if there is no split. Otherwise true for all galaxies.
    """
    if training is None or training.get("survey") != survey:
        return np.ones(len(iaunames), bool)
    if training["split"] is None:
        return np.zeros(len(iaunames), bool)
    return split_names(iaunames, **training["split"]) == "test"


def expected_fractions(concentrations: np.ndarray, questions: Questions) -> np.ndarray:
    """Compute the expected vote fractions of Dirichlet distributions.

    Parameters
    ----------
    concentrations
        Shape (n, answers).

    Returns
    -------
    numpy.ndarray
        Shape (n, answers); within a question they sum to 1.
    """
    fractions = [
        concentrations[:, place] / concentrations[:, place].sum(axis=1, keepdims=True)
        for place in question_slices(questions).values()
    ]
    return np.concatenate(fractions, axis=1)


def votes_table(
    iaunames: Sequence[str], concentrations: np.ndarray, held_out: np.ndarray, questions: Questions
) -> pd.DataFrame:
    """Tabulate a network's predictions of each galaxy's votes.

    Returns
    -------
    pandas.DataFrame
        iauname; held_out (bool): the galaxy was used neither to train nor to select the network;
        `{question}_{answer}_automated-fraction` and `{question}_{answer}_concentration`, float32.
    """
    columns = answer_columns(questions)
    fractions = expected_fractions(concentrations, questions)
    return pd.DataFrame(
        {"iauname": list(iaunames), "held_out": held_out}
        | {
            f"{column}_automated-fraction": values.astype(np.float32)
            for column, values in zip(columns, fractions.T, strict=True)
        }
        | {
            f"{column}_concentration": values.astype(np.float32)
            for column, values in zip(columns, concentrations.T, strict=True)
        }
    )
