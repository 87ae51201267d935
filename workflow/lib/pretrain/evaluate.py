"""Measure how well pretrained networks predict votes on galaxies they were not trained on."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_text
from workflow.lib.common.joins import rows_of
from workflow.lib.common.tables import read_table
from workflow.lib.pretrain.dirichlet import best_constant, mean_loss
from workflow.lib.pretrain.votes import Questions, answer_columns, read_votes

log = logging.getLogger(__name__)


def evaluate(
    predictions: Mapping[str, str | Path],
    catalogue: str | Path,
    questions: Questions,
    evaluation: str | Path,
) -> None:
    """Compare predicted votes with volunteers' votes, on held-out galaxies.

    Parameters
    ----------
    predictions
        For each pretraining, the file that `predict_votes.predict_votes` wrote.
    catalogue
        The same survey's catalogue.
    questions
        All questions; those that a pretraining does not answer are left out.
    evaluation
        CSV to write: a row for each pretraining and question, with the columns of `score`.

    Raises
    ------
    UserError
        If no held-out galaxy has votes.
    """
    rows = []
    for pretraining, path in predictions.items():
        predicted = read_table(path, text=["iauname"])
        predicted = predicted[predicted["held_out"]].set_index("iauname")
        for question, answers in questions.items():
            columns = answer_columns({question: answers})
            if f"{columns[0]}_concentration" not in predicted:
                continue
            names, counts = read_votes(catalogue, {question: answers})
            given = counts[rows_of(predicted.index, names, catalogue)]
            asked = given.any(axis=1)
            if not asked.any():
                log.warning("%s: %s was asked of no held-out galaxy", pretraining, question)
                continue
            concentrations = predicted[[f"{column}_concentration" for column in columns]]
            scores = score(given[asked], concentrations.to_numpy()[asked])
            rows.append({"pretraining": pretraining, "question": question, **scores})
    if not rows:
        raise UserError(f"{catalogue}: no held-out galaxy has votes on any question")
    write_text(pd.DataFrame(rows).to_csv(index=False, float_format="%.5f"), evaluation)


def score(counts: np.ndarray, concentrations: np.ndarray) -> dict[str, Any]:
    """Score predictions on one question, and the best constant prediction for comparison.

    Parameters
    ----------
    counts
        Shape (n, answers), of galaxies with at least one vote.
    concentrations
        Shape (n, answers): the predictions.

    Returns
    -------
    dict
        galaxies; votes; error: mean absolute difference of a vote fraction; loss: mean
        Dirichlet-multinomial negative log-likelihood; constant_error and constant_loss: the same
        for the constant concentrations that fit the same votes best. If the volunteers agree
        within each galaxy but answers differ between galaxies, these concentrations are below 1,
        the lowest that a network can predict. The network's loss may then be higher than the
        constant's, although it distinguishes galaxies and its error is lower.
    """
    constant = np.broadcast_to(best_constant(counts), counts.shape)
    return {
        "galaxies": len(counts),
        "votes": int(counts.sum()),
        "error": _error(counts, concentrations),
        "constant_error": _error(counts, constant),
        "loss": mean_loss(counts, concentrations),
        "constant_loss": mean_loss(counts, constant),
    }


def _error(counts: np.ndarray, concentrations: np.ndarray) -> float:
    given = counts / counts.sum(axis=1, keepdims=True)
    expected = concentrations / concentrations.sum(axis=1, keepdims=True)
    return float(np.abs(given - expected).mean())
