"""Whether a PCA before umap gives a plane that is arranged better (paper Sec. 2.3)."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.catalogue.fractions import read_vote_fractions
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_text
from workflow.lib.common.name_seeds import first_drawn, name_keys
from workflow.lib.represent.umap_plane import draw_rows, umap_plane
from workflow.lib.similarity.nearest import nearest
from workflow.lib.similarity.neighbours import open_representations
from workflow.lib.similarity.retrieval import mean_difference

log = logging.getLogger(__name__)


def compare_planes(
    compressed: Mapping[str, str | Path],
    full: str | Path,
    catalogue: str | Path,
    table: str | Path,
    *,
    questions: Mapping[str, Sequence[str]],
    answers: Sequence[str],
    min_votes: int,
    most: int,
    first: int,
    queries: int,
    n_neighbors: int,
    min_dist: float,
    seed: int,
    threads: int,
) -> None:
    """Compare planes by umap of compressed representations and of the full one.

    The paper finds the plane more compelling after a PCA. Here, a plane is arranged better if
    galaxies that are near each other in it have more similar votes.

    Parameters
    ----------
    compressed, full
        As for `open_representations`.
    catalogue
        The survey's catalogue.
    table
        CSV to write: for each representation and galaxy searched from (iauname), the mean absolute
        difference between its vote fractions and those of the galaxies nearest in the plane.
    questions, answers, min_votes
        As for `read_vote_fractions`.
    most
        Largest number of galaxies to place; if there are more, they are drawn at random.
    first
        Number of nearest galaxies.
    queries
        Largest number of galaxies to search from.
    n_neighbors, min_dist, seed
        Settings of umap, and of the random choices.
    threads
        CPU threads of the search; umap runs in one.

    Raises
    ------
    UserError
        If none of the galaxies has votes.
    """
    iaunames, opened = open_representations(compressed, full)
    rows = draw_rows(iaunames, np.arange(len(iaunames)), most, seed)
    names = [iaunames[row] for row in rows]
    votes = read_vote_fractions(catalogue, names, questions, answers, min_votes).to_numpy()
    have = np.flatnonzero(np.isfinite(votes).any(axis=1))
    if not len(have):
        raise UserError(f"{catalogue}: no galaxy has {min_votes} votes on a question")
    chosen = first_drawn(have, name_keys(names)[have], queries, seed)
    frames = []
    for name, vectors in opened.items():
        plane = umap_plane(np.asarray(vectors[rows]), n_neighbors, min_dist, seed)
        found, _ = nearest(plane, plane[chosen], first + 1, metric="euclidean", threads=threads)
        differences = [
            np.nanmean(mean_difference(votes[near[near != query]], votes[query]))
            for query, near in zip(chosen, found, strict=True)
        ]
        log.info("%s: mean difference of votes %.4f", name, np.nanmean(differences))
        searched = [names[query] for query in chosen]
        frames.append(
            pd.DataFrame({"representation": name, "iauname": searched, "difference": differences})
        )
    write_text(pd.concat(frames).to_csv(index=False, float_format="%.5f"), table)
