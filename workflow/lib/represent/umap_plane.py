"""Positions of galaxies on a plane, by umap of their representations (paper Sec. 2.3)."""

import atexit
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.catalogue.fractions import sample_names
from workflow.lib.common.errors import UserError
from workflow.lib.common.joins import map_array
from workflow.lib.common.name_seeds import first_drawn, name_keys
from workflow.lib.common.tables import read_table, write_parquet
from workflow.lib.represent.vector_files import read_representation

log = logging.getLogger(__name__)


def place_sample(
    compressed: str | Path,
    catalogue: str | Path,
    votes: str | Path | None,
    positions: str | Path,
    *,
    fractions: Sequence[str],
    threshold: float,
    most: int | None,
    n_neighbors: int,
    min_dist: float,
    seed: int,
) -> None:
    """Place the galaxies of a sample on a plane by umap (McInnes et al. 2018; paper Sec. 2.3).

    Parameters
    ----------
    compressed
        The PCA-compressed representation.
    catalogue
        The survey's catalogue, with vote fractions.
    votes
        Predicted votes, from `predict_votes`, which are used instead of the catalogue's; or None.
    positions
        Parquet to write: iauname, umap_x, umap_y (float32).
    fractions, threshold
        The sample consists of the galaxies for which the product of these vote fractions is above
        the threshold (Figs. A1, A2). Without fractions, it consists of all galaxies.
    most
        Maximum number of galaxies. From a larger sample this many are drawn at random, depending
        only on their names and the seed. None keeps the whole sample.
    n_neighbors, min_dist, seed
        Settings of umap. With a fixed seed it runs in one thread.

    Raises
    ------
    UserError
        If a fraction is in none of the table's columns, or the sample is too small.
    """
    iaunames, vectors = read_representation(compressed)
    sample = sample_names(catalogue, votes, fractions, threshold)
    rows = np.flatnonzero(pd.Index(iaunames).isin(sample))
    if most is not None:
        rows = draw_rows(iaunames, rows, most, seed)
    if len(rows) <= n_neighbors + 1:
        kind = f"{' * '.join(fractions)} > {threshold}" if fractions else "an image"
        raise UserError(
            f"{catalogue}: {len(rows)} galaxies with {kind} are too few for umap with "
            f"'umap.n_neighbors' {n_neighbors}"
        )
    log.info("umap of %d galaxies from %d components", len(rows), vectors.shape[1])
    names = [iaunames[row] for row in rows]
    _place(names, vectors[rows], positions, n_neighbors, min_dist, seed)


def place_ellipses(
    vectors: str | Path,
    candidates: str | Path,
    positions: str | Path,
    *,
    n_neighbors: int,
    min_dist: float,
    seed: int,
) -> None:
    """Place a task's galaxies on a plane by the ellipses fitted to them (Fig. 4, left).

    Parameters
    ----------
    vectors
        Features of the ellipses, from `standardise_features`.
    candidates
        The task's galaxies, in the same order, from `select_candidates`.
    positions, n_neighbors, min_dist, seed
        As for `place_sample`.
    """
    names = read_table(candidates, text=["iauname"])["iauname"]
    _place(names, np.array(map_array(vectors, names)), positions, n_neighbors, min_dist, seed)


def draw_rows(iaunames: Sequence[str], rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Draw at most `most` of these rows at random; only the names and the seed decide which."""
    return np.sort(first_drawn(rows, name_keys([iaunames[row] for row in rows]), most, seed))


def _place(
    iaunames: Sequence[str],
    vectors: np.ndarray,
    positions: str | Path,
    n_neighbors: int,
    min_dist: float,
    seed: int,
) -> None:
    """Run umap on n galaxies' vectors, of shape (n, d), and write their positions."""
    plane = umap_plane(vectors, n_neighbors, min_dist, seed)
    table = pd.DataFrame({"iauname": iaunames, "umap_x": plane[:, 0], "umap_y": plane[:, 1]})
    write_parquet(table, positions)


def umap_plane(vectors: np.ndarray, n_neighbors: int, min_dist: float, seed: int) -> np.ndarray:
    """Place vectors of shape (n, d) on a plane by umap; shape (n, 2), float32."""
    # umap's variant with a network would import TensorFlow, which takes seconds.
    sys.modules.setdefault("umap.parametric_umap", None)
    _have_cache()
    with _compiled_once():
        from umap import UMAP

    umap = UMAP(n_neighbors=n_neighbors, min_dist=min_dist, random_state=seed, n_jobs=1)
    with warnings.catch_warnings():
        # Two functions of pynndescent, for thousands of galaxies: they are compiled each time.
        warnings.filterwarnings("ignore", "Cannot cache compiled function")
        return umap.fit_transform(vectors)


@contextmanager
def _compiled_once() -> Iterator[None]:
    """Have numba keep what it compiles of the modules that are imported meanwhile.

    umap asks it to do so for few of its functions: to compile the others takes several times as
    long as to place a few hundred galaxies.
    """
    import numba

    plain = numba.njit

    def kept(*args: Any, **options: Any) -> Any:
        return plain(*args, **({"cache": True} | options))

    numba.njit = kept
    try:
        yield
    finally:
        numba.njit = plain


def _have_cache() -> None:
    """Give numba a folder for what it compiles, if it cannot write to the one in the user's home.

    Without any it refuses to import umap. The folder is new: what is in it is run as code.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "numba"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return
    except OSError:
        folder = tempfile.mkdtemp(prefix="numba-")
    os.environ["NUMBA_CACHE_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
