"""Volunteers' answers: counted, set apart, and turned into fractions (paper Sec. 2.1, 2.2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.common.errors import UserError
from workflow.lib.common.name_seeds import name_keys, uniform
from workflow.lib.common.tables import read_table

NEVER_LEARNED = "rare-features"
"""The question whose answers are the labels of later experiments (paper Sec. 3.2, 4.2)."""

Questions = Mapping[str, Sequence[str]]
"""The answers of each question, in the order of the network's outputs."""


def answer_columns(questions: Questions) -> list[str]:
    """Name the answers as the catalogue does: ``{question}_{answer}``."""
    return [f"{question}_{answer}" for question, answers in questions.items() for answer in answers]


def question_slices(questions: Questions) -> dict[str, slice]:
    """Say where in `answer_columns` the answers of each question are."""
    ends = np.cumsum([len(answers) for answers in questions.values()])
    starts = ends - [len(answers) for answers in questions.values()]
    return {
        question: slice(int(start), int(end))
        for question, start, end in zip(questions, starts, ends, strict=True)
    }


def read_votes(catalogue: str | Path, questions: Questions) -> tuple[list[str], np.ndarray]:
    """Read how often each answer was given.

    No answer about rare features is ever read here, so none can reach a loss: rings and
    irregular galaxies are what later stages look for with a network that never learned of them.

    Parameters
    ----------
    catalogue
        A survey's catalogue.
    questions
        The questions wanted.

    Returns
    -------
    iaunames : list of str
        All galaxies of the catalogue, n of them.
    counts : numpy.ndarray
        Shape (n, answers), float32; 0 where nobody was asked.

    Raises
    ------
    UserError
        If a question is about rare features, a column is missing, or a count is not one.
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
    """Put each galaxy into the training, the validation or the test set, by its name alone.

    So all pretrainings share one split, and it does not change when galaxies are added.

    Returns
    -------
    numpy.ndarray
        Shape (n,), of "train", "validation" and "test".
    """
    # A purpose of its own, beside the epochs for which views are drawn.
    (drawn,) = uniform(name_keys(iaunames), seed, 2**32, 1)
    sets = [drawn < test_share, drawn < test_share + validation_share]
    return np.select(sets, ["test", "validation"], "train")


def held_out_names(
    iaunames: Sequence[str], survey: str, training: Mapping[str, Any] | None
) -> np.ndarray:
    """Say which galaxies a network never saw, nor was chosen by.

    Parameters
    ----------
    survey
        That of the galaxies.
    training
        What `encoder.json` says of the network's training; None if there was none. Its `split`
        is None if it is not known which galaxies it was trained on.

    Returns
    -------
    numpy.ndarray
        Shape (n,), bool: those in the test set, or all if it was trained on another survey. None
        of them if the split is not known.
    """
    if training is None or training.get("survey") != survey:
        return np.ones(len(iaunames), bool)
    if training["split"] is None:
        return np.zeros(len(iaunames), bool)
    return split_names(iaunames, **training["split"]) == "test"


def expected_fractions(concentrations: np.ndarray, questions: Questions) -> np.ndarray:
    """Give the vote fractions that Dirichlet concentrations expect.

    Parameters
    ----------
    concentrations
        Shape (n, answers).

    Returns
    -------
    numpy.ndarray
        Shape (n, answers); within a question they add to 1.
    """
    fractions = [
        concentrations[:, place] / concentrations[:, place].sum(axis=1, keepdims=True)
        for place in question_slices(questions).values()
    ]
    return np.concatenate(fractions, axis=1)


def votes_table(
    iaunames: Sequence[str], concentrations: np.ndarray, held_out: np.ndarray, questions: Questions
) -> pd.DataFrame:
    """Tabulate what a network predicts of each galaxy's votes.

    Returns
    -------
    pandas.DataFrame
        iauname; held_out (bool): the network was neither trained on this galaxy nor chosen by it;
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
