"""What a representation knows of labels that its network never saw, by linear probes."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_text
from workflow.lib.common.tables import read_table
from workflow.lib.network.encoder import read_description
from workflow.lib.pretrain.votes import held_out_names
from workflow.lib.represent.vector_files import read_representation

log = logging.getLogger(__name__)

PENALTIES = np.logspace(0, 5, 6)
"""Inverse penalties among which a probe chooses, for vectors of a root mean square length of 1."""


def probe(
    representations: Mapping[str, str | Path],
    encoders: Mapping[str, str | Path],
    catalogue: str | Path,
    survey: str,
    labels: Mapping[str, Mapping[str, Any]],
    *,
    folds: int,
    repeats: int,
    seed: int,
    table: str | Path,
) -> None:
    """Tell galaxies apart by logistic regression on their representations.

    Galaxies on which an encoder was trained help to fit its probe but never count in its score.

    Parameters
    ----------
    representations
        Of each pretraining, compressed or not.
    encoders
        Of each pretraining, the weights, with their json beside them.
    catalogue, survey
        The galaxies' survey.
    labels
        For each label its `column`; galaxies `above` a value have it, those `below` another have
        it not, and those between do not count.
    folds, repeats, seed
        Of the cross-validation.
    table
        CSV to write: pretraining, label, galaxies and positives that count in the score, auc (area
        under the ROC curve) and auc_error (standard error by Hanley & McNeil 1982).

    Raises
    ------
    UserError
        If there are too few galaxies of either kind, or none is known to have been held out.
    """
    rows = []
    for label, rule in labels.items():
        wanted = read_table(catalogue, text=["iauname"], columns=["iauname", rule["column"]])
        values = wanted.set_index("iauname")[rule["column"]]
        for pretraining, path in representations.items():
            names, vectors = read_representation(path)
            value = values.loc[names].to_numpy(float)
            known = (value > rule["above"]) | (value <= rule["below"])
            training = read_description(encoders[pretraining])["training"]
            held_out = held_out_names(names, survey, training)
            if not held_out.any():
                raise UserError(
                    f"{encoders[pretraining]}: no galaxy of {survey} is known to have been held "
                    f"out of its training; leave '{pretraining}' out of 'probe.pretrainings'"
                )
            scored = held_out[known]
            truth = value[known] > rule["above"]
            if min(truth[scored].sum(), (~truth[scored]).sum()) < folds:
                raise UserError(
                    f"{catalogue}: {truth[scored].sum()} of {scored.sum()} galaxies with "
                    f"{rule['column']} > {rule['above']} are too few to probe for '{label}'"
                )
            auc = cross_validated_auc(vectors[known], truth, scored, folds, repeats, seed)
            positives, count = int(truth[scored].sum()), int(scored.sum())
            rows.append(
                {
                    "pretraining": pretraining,
                    "label": label,
                    "galaxies": count,
                    "positives": positives,
                    "auc": auc,
                    "auc_error": auc_error(auc, positives, count - positives),
                }
            )
            log.info("%s, %s: AUC %.3f", pretraining, label, auc)
    write_text(pd.DataFrame(rows).to_csv(index=False, float_format="%.4f"), table)


def cross_validated_auc(
    vectors: np.ndarray,
    truth: np.ndarray,
    scored: np.ndarray,
    folds: int,
    repeats: int,
    seed: int,
) -> float:
    """Give the mean area under the ROC curve of probes, each scored on galaxies it did not fit.

    A probe is a logistic regression. Its penalty is chosen by cross-validation among the galaxies
    that it fits, and weighs on the vectors as they are, not on each of their numbers alike: the
    last principal components are little more than noise.

    Parameters
    ----------
    vectors
        Shape (n, d).
    truth
        Shape (n,), bool.
    scored
        Shape (n,), bool: galaxies that may count; the others are in every fit.
    folds, repeats, seed
        Parts that the scored galaxies are cut into, and how often, differently.
    """
    areas = []
    vectors = (vectors - vectors.mean(axis=0)) / np.sqrt(vectors.var(axis=0).sum())
    for fitted, left_out in _cuts(truth, scored, folds, repeats, seed):
        model = LogisticRegressionCV(
            Cs=PENALTIES, cv=4, scoring="roc_auc", max_iter=2000,
            l1_ratios=(0,), use_legacy_attributes=False,
        )  # fmt: skip
        model.fit(vectors[fitted], truth[fitted])
        areas.append(roc_auc_score(truth[left_out], model.decision_function(vectors[left_out])))
    return float(np.mean(areas))


def auc_error(auc: float, positives: int, negatives: int) -> float:
    """Give the standard error of an area under a ROC curve (Hanley & McNeil 1982, eq. 2)."""
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (one - auc**2) + (negatives - 1) * (two - auc**2)
    return float(np.sqrt(variance / (positives * negatives)))


def _cuts(
    truth: np.ndarray, scored: np.ndarray, folds: int, repeats: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    places, always = np.flatnonzero(scored), np.flatnonzero(~scored)
    for repeat in range(repeats):
        cut = StratifiedKFold(folds, shuffle=True, random_state=seed + repeat)
        for fitted, left_out in cut.split(places, truth[places]):
            yield np.concatenate([always, places[fitted]]), places[left_out]
