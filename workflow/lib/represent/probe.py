"""Linear probes: how well a representation predicts labels that its network never saw."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from workflow.lib.catalogue.selection import label_columns, select
from workflow.lib.common.columns import fractions
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_text
from workflow.lib.common.joins import rows_of
from workflow.lib.common.tables import read_table
from workflow.lib.network.encoder import parse_description
from workflow.lib.pretrain.votes import held_out_names
from workflow.lib.represent.vector_files import read_common

log = logging.getLogger(__name__)

COLUMNS = ["pretraining", "label", "galaxies", "positives", "auc", "auc_error"]
"""Columns of the table of probes."""

PENALTIES = np.logspace(0, 5, 6)
"""Inverse penalties that a probe chooses from, for vectors with a root mean square length of 1."""


def probe(
    representations: Mapping[str, str | Path],
    descriptions: Mapping[str, str | Path],
    catalogue: str | Path,
    survey: str,
    labels: Mapping[str, Mapping[str, Any]],
    *,
    folds: int,
    repeats: int,
    seed: int,
    table: str | Path,
) -> None:
    """Classify galaxies by logistic regression on their representations, and score the result.

    All encoders are scored on the same galaxies: those that none of them was trained on. The others
    help to fit each probe. Galaxies that some of the representations lack are left out.

    Parameters
    ----------
    representations
        For each pretraining its representation, compressed or not.
    descriptions
        For each pretraining its `encoder.json`.
    catalogue, survey
        The galaxies' catalogue, and the name of their survey.
    labels
        For each label its `column`. Galaxies with values over `above` have the label, those with
        values up to `below` do not have it, and those in between are left out. Only galaxies that
        pass its `cuts`, as for `selection.select`, are used.
    folds, repeats, seed
        Of the cross-validation; as for `cross_validated_auc`.
    table
        CSV to write: pretraining, label, galaxies (the number scored), positives (the number of
        these that have the label), auc (area under the ROC curve) and auc_error (its standard
        error by Hanley & McNeil 1982).

    Raises
    ------
    UserError
        If too few galaxies have or lack the label, or none is known to have been held out of the
        training of an encoder.
    """
    names, opened = read_common(representations)
    scored = np.logical_and.reduce(
        [_held_out(names, survey, name, descriptions[name]) for name in representations]
    )
    rows = []
    for label, rule in labels.items():
        value = _values(catalogue, names, rule)
        known = (value > rule["above"]) | (value <= rule["below"])
        truth = value[known] > rule["above"]
        positives, count = int(truth[scored[known]].sum()), int(scored[known].sum())
        if min(positives, count - positives) < folds:
            raise UserError(
                f"{catalogue}: {positives} of {count} galaxies with {rule['column']} > "
                f"{rule['above']} (that pass its cuts and no encoder was trained on) are too few "
                f"to probe for '{label}'"
            )
        for pretraining, vectors in opened.items():
            auc = cross_validated_auc(vectors[known], truth, scored[known], folds, repeats, seed)
            error = auc_error(auc, positives, count - positives)
            rows.append((pretraining, label, count, positives, auc, error))
            log.info("%s, %s: AUC %.3f", pretraining, label, auc)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    write_text(frame.to_csv(index=False, float_format="%.4f"), table)


def _values(catalogue: str | Path, iaunames: Sequence[str], rule: Mapping[str, Any]) -> np.ndarray:
    """Give the values that decide a label, shape (n,); missing for galaxies that fail its cuts."""
    cuts = rule.get("cuts", {})
    columns = list(dict.fromkeys(["iauname", *label_columns(rule["column"], cuts)]))
    table = read_table(catalogue, ["iauname"], columns)
    rows_of(iaunames, table["iauname"], catalogue)
    passed = select(table, cuts, [], catalogue).galaxies
    values = fractions(passed[rule["column"]], catalogue, passed["iauname"])
    values.index = passed["iauname"]
    return values.reindex(iaunames).to_numpy(float)


def _held_out(
    iaunames: Sequence[str], survey: str, pretraining: str, description: str | Path
) -> np.ndarray:
    """Say which galaxies an encoder was not trained on: shape (n,), bool, at least one of them."""
    held_out = held_out_names(iaunames, survey, parse_description(description)["training"])
    if not held_out.any():
        raise UserError(
            f"{description}: no galaxy of {survey} is known to have been held out of its training; "
            f"leave '{pretraining}' out of 'probe.pretrainings' (or 'compare.encoders')"
        )
    return held_out


def cross_validated_auc(
    vectors: np.ndarray,
    truth: np.ndarray,
    scored: np.ndarray,
    folds: int,
    repeats: int,
    seed: int,
) -> float:
    """Give the mean area under the ROC curve of probes, each scored on galaxies not fitted.

    A probe is a logistic regression. Its penalty is chosen by cross-validation among the galaxies
    that it is fitted to. The vectors are scaled as a whole, not each component to the same
    variance, since the last principal components are little more than noise.

    Parameters
    ----------
    vectors
        Shape (n, d).
    truth
        Shape (n,), bool: whether a galaxy has the label.
    scored
        Shape (n,), bool: galaxies that are scored; the others are in every fit.
    folds
        Number of parts into which the scored galaxies are split; each part is left out once.
    repeats, seed
        Number of different random splits, and their seed.
    """
    areas = []
    vectors = (vectors - vectors.mean(axis=0)) / np.sqrt(vectors.var(axis=0).sum())
    for fitted, left_out in _splits(truth, scored, folds, repeats, seed):
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


def _splits(
    truth: np.ndarray, scored: np.ndarray, folds: int, repeats: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the rows that a probe is fitted to, and those that it is scored on, for each split."""
    places, always = np.flatnonzero(scored), np.flatnonzero(~scored)
    for repeat in range(repeats):
        cut = StratifiedKFold(folds, shuffle=True, random_state=seed + repeat)
        for fitted, left_out in cut.split(places, truth[places]):
            yield np.concatenate([always, places[fitted]]), places[left_out]
