"""What the rehearsal has instead of networks: drawn vectors and numbers, in the real formats.

The scripts in `scripts/` beside this file call these functions. Vectors follow the paper's
spectrum, 84% of the variance in ten components and 98.1% in forty, and labels shift them along
directions of their own, so that searches and probes have something to find.
"""

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.common.tables import read_table

LABELS = {
    "smooth-or-featured_featured-or-disk_automated-fraction": 3,
    "disk-edge-on_no_automated-fraction": 3,
    "rare-features_ring_fraction": 8,
    "rare-features_irregular_fraction": 8,
    "merging_merger_fraction": 8,
    "Class6.1": 8,
}
"""How far columns of a catalogue shift a galaxy's vector, in standard deviations."""

SPURIOUS = ("smooth-or-featured_artifact_automated-fraction", "Class1.3")
"""Columns of a catalogue: above 0.5 no ellipses can be fitted."""

LEARNED = {"random": 0.0, "scratch": 0.3, "imagenet": 0.4}
"""How much a pretraining has learned; others all that there is."""

LATENT = 64


def known_of(catalogue: str | Path, names: Iterable[str], columns: Iterable[str]) -> pd.DataFrame:
    """Read those of `columns` that the catalogue has, for these galaxies; missing numbers are 0."""
    have = [name for name in columns if name in pq.read_schema(catalogue).names]
    table = read_table(catalogue, ["iauname"], ["iauname", *have])
    return table.set_index("iauname").loc[list(names)].fillna(0)


def vectors_of(known: pd.DataFrame, pretraining: str, origin: str, size: int) -> np.ndarray:
    """Draw vectors of shape (n, size), float32, of galaxies of which `LABELS` are known.

    `origin` seeds the draws of these galaxies, and the pretraining the directions.
    """
    own = np.random.default_rng(zlib.crc32(pretraining.encode()))
    weights = own.standard_normal((len(LABELS), LATENT))
    weights[:, :10] = weights[:, 40:] = 0
    weights *= LEARNED.get(pretraining, 1) / np.linalg.norm(weights, axis=1, keepdims=True)
    turned = np.linalg.qr(own.standard_normal((size, LATENT)))[0].T
    rng = np.random.default_rng(zlib.crc32(origin.encode()))
    latent = rng.standard_normal((len(known), LATENT), np.float32)
    for (label, shift), weight in zip(LABELS.items(), weights, strict=True):
        if label in known:
            latent += shift * np.outer(known[label], weight)
    return (latent * np.sqrt(spectrum()) @ turned).astype(np.float32)


def spectrum() -> np.ndarray:
    """Give the variance of each latent component: shape (64,)."""
    parts = [(0.84, 0.8, 10), (0.141, 0.95, 30), (0.019, 0.95, 24)]
    falling = [share * (ratio ** np.arange(n)) for share, ratio, n in parts]
    return np.concatenate(
        [share * one / one.sum() for (share, _, _), one in zip(parts, falling, strict=True)]
    )


def accuracy_of(pretraining: str, stage: str, labelled: int, rng: np.random.Generator) -> float:
    """Draw the accuracy of a classifier that learned from `labelled` rings."""
    learned = LEARNED.get(pretraining, 0.8) + 0.05 * (stage == "finetuned")
    reached = 1 - np.exp(-(0.02 + learned) * np.log1p(labelled) / 4)
    return float(np.clip(0.5 + 0.45 * reached + rng.normal(0, 0.01), 0, 1))
