"""The galaxies among which a task searches for anomalies, and their features (paper Sec. 3.3)."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from workflow.lib.catalogue.fractions import fraction_product
from workflow.lib.common.columns import counts as counts_of
from workflow.lib.common.columns import fractions
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import atomic_path, write_json
from workflow.lib.common.joins import rows_of
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.planning.anomaly_tasks import deciding_columns
from workflow.lib.represent.pca import compress_some
from workflow.lib.represent.standardise import standardise
from workflow.lib.represent.vector_files import iter_representation, read_representation

log = logging.getLogger(__name__)

BATCH = 4096
"""Vectors that are read at a time."""


def select_candidates(
    catalogue: str | Path,
    features: Sequence[str | Path],
    candidates: str | Path,
    counts: str | Path,
    *,
    label: str,
    above: float | None,
    share: float | None,
    votes: str,
    min_votes: float,
    filters: Mapping[str, float],
) -> None:
    """Select the galaxies of a task, and mark those that are anomalies.

    Parameters
    ----------
    catalogue
        The survey's catalogue.
    features
        Files of vectors, for instance by `ellipses.measure_shard`; galaxies without a finite vector
        in each file are left out.
    candidates
        Parquet to write, in catalogue order: iauname, label, anomaly.
    counts
        JSON to write: the number of galaxies left after each cut, the number of anomalies, and the
        threshold of the label.
    label, above, share, votes, min_votes, filters
        As in `anomaly_tasks.Task`.

    Raises
    ------
    UserError
        If a column is missing or has invalid values, or no candidate or all of them are anomalies.
    """
    wanted = dict.fromkeys(["iauname", *deciding_columns(label, votes)])
    table = read_table(catalogue, text=["iauname"], columns=wanted)
    table[label] = fractions(table[label], catalogue, table["iauname"])
    if votes:
        table[votes] = counts_of(table[votes], catalogue, table["iauname"])
    left = {"catalogue": len(table)}
    keep = table[label].notna().to_numpy()
    if votes:
        keep = keep & (table[votes].to_numpy() >= min_votes)
        left[f"{votes} >= {min_votes:g}"] = int(keep.sum())
    for fraction, least in filters.items():
        keep = keep & (fraction_product(catalogue, [fraction])[1] > least)
        left[f"{fraction} > {least:g}"] = int(keep.sum())
    for path in features:
        keep = keep & table["iauname"].isin(_usable_names(path)).to_numpy()
        left[f"features of {Path(path).name}"] = int(keep.sum())
    found = table.loc[keep, ["iauname", label]].rename(columns={label: "label"})
    if found.empty:
        raise UserError(f"{catalogue}: no galaxy is left of {left}")
    threshold = above if share is None else threshold_of(found["label"].to_numpy(), share)
    found["anomaly"] = found["label"] > threshold
    anomalies = int(found["anomaly"].sum())
    if not 0 < anomalies < len(found):
        raise UserError(
            f"{catalogue}: {anomalies} of {len(found)} galaxies have {label} > {threshold:g}; "
            "there must be anomalies and others"
        )
    log.info("%d of %d galaxies have %s > %g", anomalies, len(found), label, threshold)
    write_parquet(found, candidates)
    summary = {"left": left, "galaxies": len(found), "anomalies": anomalies}
    write_json(summary | {"label": label, "threshold": float(threshold)}, counts)


def _usable_names(path: str | Path) -> set[str]:
    """Name the galaxies with a finite vector, in constant memory."""
    usable: set[str] = set()
    for names, vectors in iter_representation(path, BATCH):
        finite = np.isfinite(vectors).all(axis=1)
        usable.update(name for name, is_finite in zip(names, finite, strict=True) if is_finite)
    return usable


def threshold_of(labels: np.ndarray, share: float) -> float:
    """Compute the threshold above which a given share of the labels lies, as nearly as ties allow.

    Parameters
    ----------
    labels
        Shape (n,). If all are equal, none is above the threshold.
    share
        0 to 1; however small, at least one label is above the threshold.

    Returns
    -------
    float
        One of the labels.
    """
    values, counts = np.unique(labels, return_counts=True)
    larger = len(labels) - counts.cumsum()
    some = larger > 0
    if not some.any():
        return float(values[0])
    return float(values[some][np.argmin(np.abs(larger[some] / len(labels) - share))])


def standardise_features(
    features: str | Path,
    candidates: str | Path,
    vectors: str | Path,
    *,
    components: int | None = None,
    batch_size: int = BATCH,
) -> None:
    """Scale the candidates' features to mean 0 and variance 1.

    Parameters
    ----------
    features
        Parquet with the vectors of all galaxies of the survey.
    candidates
        By `select_candidates`.
    vectors
        NumPy file to write: float32 (n, d), in the order of the candidates.
    components
        Before that, the features are compressed to so many principal components, by a PCA that is
        fitted to the candidates; None does not.
    batch_size
        Galaxies per step of that fit.

    Raises
    ------
    UserError
        If a candidate has no features, a feature is not finite, or all candidates have the same.
    """
    wanted = read_table(candidates, text=["iauname"])["iauname"].tolist()
    if components is None:
        names, values = read_representation(features)
        chosen = values[rows_of(wanted, names, features)]
    else:
        chosen = compress_some(features, wanted, components, batch_size)
    try:
        scaled = standardise(chosen)
    except UserError as error:
        raise UserError(f"{features}: {error}") from error
    with atomic_path(vectors, rows=wanted) as temporary:
        np.save(temporary, scaled)
