"""Positions by umap: of the right galaxies, and the same for the same seed."""

import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.project import ROOT
from tests.unit.catalogue.test_fractions import FEATURED, numbers, write_fractions
from tests.unit.represent.test_pca import random_vectors, write
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table
from workflow.lib.represent.umap_plane import _have_cache, draw_rows, place_sample

SEEN = {"n_neighbors": 5, "min_dist": 0.1, "seed": 1, "threshold": 0.5, "most": None}


@pytest.fixture
def catalogue(tmp_path):
    return write_fractions(tmp_path / "decals.parquet")


@pytest.mark.thorough
def test_the_sample_is_placed_and_the_same_seed_gives_the_same_bytes(catalogue, tmp_path):
    compressed = write(tmp_path / "pca.parquet", random_vectors(40, size=4))
    for name in ("first", "second"):
        place_sample(compressed, catalogue, None, tmp_path / name, fractions=[FEATURED], **SEEN)
    positions = pq.read_table(tmp_path / "first").to_pandas()
    assert numbers(positions["iauname"]) == list(range(21, 40))
    assert list(positions) == ["iauname", "umap_x", "umap_y"]
    assert np.isfinite(positions[["umap_x", "umap_y"]]).all().all()
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_rows_drawn_from_a_large_sample_do_not_depend_on_their_order():
    names = [f"J{number:05d}" for number in range(1000)]
    rows = np.arange(0, 1000, 2)
    drawn = draw_rows(names, rows, 100, 1)
    assert len(drawn) == 100
    assert set(drawn) < set(rows)
    assert (np.diff(drawn) > 0).all()
    assert 300 < drawn.mean() < 700
    chosen = {names[row] for row in drawn}
    turned = names[::-1]
    again = draw_rows(turned, np.arange(1, 1000, 2), 100, 1)
    assert {turned[row] for row in again} == chosen
    assert {names[row] for row in draw_rows(names, rows, 100, 2)} != chosen
    np.testing.assert_array_equal(draw_rows(names, rows, 500, 1), rows)


def test_no_more_than_the_maximum_number_of_galaxies_are_placed(catalogue, tmp_path):
    compressed = write(tmp_path / "pca.parquet", random_vectors(40, size=4))
    seen = SEEN | {"most": 25}
    place_sample(compressed, catalogue, None, tmp_path / "umap.parquet", fractions=[], **seen)
    assert len(read_table(tmp_path / "umap.parquet")) == 25


def test_similar_galaxies_are_placed_close_together(catalogue, tmp_path):
    vectors = random_vectors(40, size=4)
    vectors[::2] += 50
    compressed = write(tmp_path / "pca.parquet", vectors)
    place_sample(compressed, catalogue, None, tmp_path / "umap.parquet", fractions=[], **SEEN)
    plane = read_table(tmp_path / "umap.parquet")[["umap_x", "umap_y"]].to_numpy()
    apart = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 2 == np.arange(40) % 2).all()


def test_only_galaxies_with_a_representation_are_placed(catalogue, tmp_path):
    compressed = write(tmp_path / "pca.parquet", random_vectors(30, size=4))
    place_sample(
        compressed, catalogue, None, tmp_path / "umap.parquet", fractions=[FEATURED], **SEEN
    )
    positions = read_table(tmp_path / "umap.parquet")
    assert numbers(positions["iauname"]) == list(range(21, 30))


@pytest.mark.parametrize(
    ("fractions", "count", "kind"),
    [([FEATURED], 40, f"3 galaxies with {FEATURED} > 0.9"), ([], 5, "5 galaxies with an image")],
)
def test_a_sample_too_small_for_umap_is_refused_with_its_numbers(
    catalogue, tmp_path, fractions, count, kind
):
    compressed = write(tmp_path / "pca.parquet", random_vectors(count, size=4))
    seen = {**SEEN, "threshold": 0.9}
    with pytest.raises(UserError) as caught:
        place_sample(
            compressed, catalogue, None, tmp_path / "umap.parquet", fractions=fractions, **seen
        )
    assert f"{kind} are too few for umap with 'umap.n_neighbors' 5" in str(caught.value)


@pytest.mark.parametrize(
    "variables", [{"HOME": "/proc/none"}, {"HOME": "/", "XDG_CACHE_HOME": "/proc/none"}]
)
def test_a_home_that_cannot_be_written_does_not_stop_umap(variables, tmp_path):
    code = (
        "import os; from workflow.lib.represent.umap_plane import _have_cache; _have_cache()\n"
        "print(os.environ['NUMBA_CACHE_DIR'])\n"
        "from numba import njit\n"
        "exec(compile('@njit(cache=True)\\ndef one(): return 1', '/proc/version', 'exec'))\n"
        "assert one() == 1 and os.listdir(os.environ['NUMBA_CACHE_DIR'])\n"
    )
    clean = {key: os.environ[key] for key in ("PATH",)} | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
    assert not list(tmp_path.glob("numba-*")), "it is removed at the end"


def test_a_cache_that_can_be_written_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    _have_cache()
    assert "NUMBA_CACHE_DIR" not in os.environ


@pytest.mark.thorough
def test_a_second_process_compiles_nothing_of_umap():
    code = (
        "import numpy as np; from workflow.lib.represent.umap_plane import umap_plane\n"
        "umap_plane(np.random.default_rng(0).random((40, 4), np.float32), 5, 0.1, seed=1)\n"
        "from numba.core.dispatcher import Dispatcher; from umap import layouts, umap_, utils\n"
        "used = {one for module in (layouts, umap_, utils) for one in vars(module).values()\n"
        "        if isinstance(one, Dispatcher) and one.signatures}\n"
        "print(len(used), sum(len(one.stats.cache_misses) for one in used))\n"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
    used, compiled = map(int, done.stdout.split())
    assert used > 5
    assert compiled == 0
