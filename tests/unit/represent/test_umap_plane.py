"""Compression and the plane: the same as the libraries give, in batches, for the right galaxies."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA, IncrementalPCA

from workflow.lib.catalogue.fractions import sample_names
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import read_table
from workflow.lib.represent.pca import compress, read_compressor
from workflow.lib.represent.umap_plane import draw_rows, project
from workflow.lib.represent.vector_files import (
    read_representation,
    representation_schema,
    representation_table,
)

SEEN = {"n_neighbors": 5, "min_dist": 0.1, "seed": 1, "threshold": 0.5, "most": None}

MADE = ["pca.parquet", "variance.csv", "pca.npz"]


def write(path, vectors):
    vectors = np.asarray(vectors, np.float32)
    names = [f"J{number:05d}" for number in range(len(vectors))]
    schema = representation_schema(vectors.shape[1])
    pq.write_table(representation_table(names, vectors, schema), path)
    return path


def random_vectors(rows, size=30):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(rows, size)) * 0.8 ** np.arange(size)).astype(np.float32)


def squeeze(folder, vectors, components, batch_size):
    path = write(folder / "representation.parquet", vectors)
    compress(path, components, batch_size, *(folder / name for name in MADE))
    names, compressed = read_representation(folder / "pca.parquet")
    assert names == [f"J{number:05d}" for number in range(len(vectors))]
    return compressed, pd.read_csv(folder / "variance.csv")


@pytest.mark.parametrize("rows", [200, 203, 240])
def test_compression_is_scikit_learns_incremental_pca(tmp_path, rows):
    vectors = random_vectors(rows)
    compressed, variance = squeeze(tmp_path, vectors, components=8, batch_size=40)
    ours = IncrementalPCA(8, batch_size=40).fit(vectors)
    np.testing.assert_allclose(compressed, ours.transform(vectors), rtol=1e-5, atol=1e-5)
    assert compressed.dtype == np.float32
    ratios = ours.explained_variance_ratio_
    np.testing.assert_allclose(variance["explained_variance_ratio"], ratios, atol=1e-6)
    np.testing.assert_allclose(variance["cumulative"], ratios.cumsum(), atol=1e-6)
    assert variance["component"].tolist() == list(range(1, 9))
    compressor = read_compressor(tmp_path / "pca.npz")
    np.testing.assert_array_equal(compressor.project(vectors), compressed)
    assert (compressor.mean.shape, compressor.components.shape) == ((30,), (8, 30))


def test_the_same_fit_has_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        squeeze(tmp_path / name, random_vectors(60), components=4, batch_size=30)
    for name in MADE:
        first, second = (tmp_path / folder / name for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("content", [None, b"not a zip"])
def test_a_file_that_is_no_fitted_pca_is_told(tmp_path, content):
    if content:
        (tmp_path / "pca.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"pca.npz: not a fitted PCA"):
        read_compressor(tmp_path / "pca.npz")


def test_in_one_batch_it_is_the_exact_pca(tmp_path):
    vectors = random_vectors(100)
    compressed, variance = squeeze(tmp_path, vectors, components=5, batch_size=100)
    exact = PCA(5).fit(vectors)
    np.testing.assert_allclose(
        np.abs(compressed), np.abs(exact.transform(vectors)), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(
        variance["explained_variance_ratio"], exact.explained_variance_ratio_, atol=1e-5
    )


def test_as_many_components_as_values_keep_everything(tmp_path):
    _, variance = squeeze(tmp_path, random_vectors(50, size=6), components=6, batch_size=50)
    assert variance["cumulative"].iloc[-1] == pytest.approx(1, abs=1e-5)
    assert variance["explained_variance_ratio"].is_monotonic_decreasing


def test_too_few_galaxies_for_the_components_are_told(tmp_path):
    path = write(tmp_path / "a.parquet", random_vectors(9))
    with pytest.raises(UserError, match=r"9 galaxies are too few for 10 .* 'pca.components'"):
        compress(path, 10, 40, *(tmp_path / name for name in MADE))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e3])
def test_galaxies_that_do_not_differ_are_told(tmp_path, value):
    path = write(tmp_path / "a.parquet", np.full((50, 30), value))
    with pytest.raises(UserError, match="all galaxies have the same representation"):
        compress(path, 4, 20, *(tmp_path / name for name in MADE))
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


# Samples


@pytest.fixture
def catalogue(tmp_path):
    """40 galaxies with automated fractions of one answer and volunteers' of two."""
    share = np.arange(40) / 40
    pd.DataFrame(
        {
            "iauname": [f"J{number:05d}" for number in range(40)],
            "smooth-or-featured_featured-or-disk_automated-fraction": share,
            "smooth-or-featured_featured-or-disk_fraction": 1 - share,
            "disk-edge-on_no_fraction": np.where(share > 0.9, np.nan, 0.8),
            "ring": 0.7,
        }
    ).to_parquet(tmp_path / "decals.parquet")
    return tmp_path / "decals.parquet"


def numbers(names):
    return [int(name[1:]) for name in names]


FEATURED = "smooth-or-featured_featured-or-disk"


def test_no_fractions_select_every_galaxy(catalogue):
    assert numbers(sample_names(catalogue, None, [], 0.5)) == list(range(40))


def test_automated_fractions_come_before_volunteers(catalogue):
    assert numbers(sample_names(catalogue, None, [FEATURED], 0.5)) == list(range(21, 40))


def test_the_product_of_fractions_decides_and_a_missing_one_never_passes(catalogue):
    chosen = sample_names(catalogue, None, [FEATURED, "disk-edge-on_no"], 0.5)
    assert numbers(chosen) == [n for n in range(40) if n / 40 * 0.8 > 0.5 and n / 40 <= 0.9]


def test_a_column_of_that_very_name_will_do(catalogue):
    assert len(sample_names(catalogue, None, ["ring"], 0.69)) == 40
    assert len(sample_names(catalogue, None, ["ring"], 0.7)) == 0


def test_a_fraction_that_nobody_gave_is_named(catalogue):
    with pytest.raises(UserError, match="no column 'bar_no_automated-fraction' or") as caught:
        sample_names(catalogue, None, ["bar_no"], 0.5)
    assert str(catalogue) in str(caught.value)


def test_positions_are_of_the_sample_and_follow_from_the_seed(catalogue, tmp_path):
    compressed = write(tmp_path / "pca.parquet", random_vectors(40, size=4))
    for name in ("first", "second"):
        project(compressed, catalogue, None, tmp_path / name, fractions=[FEATURED], **SEEN)
    positions = pq.read_table(tmp_path / "first").to_pandas()
    assert numbers(positions["iauname"]) == list(range(21, 40))
    assert list(positions) == ["iauname", "umap_x", "umap_y"]
    assert np.isfinite(positions[["umap_x", "umap_y"]]).all().all()
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_of_a_large_sample_as_many_are_drawn_whatever_the_order():
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


def test_no_more_galaxies_than_asked_for_are_placed(catalogue, tmp_path):
    compressed = write(tmp_path / "pca.parquet", random_vectors(40, size=4))
    seen = SEEN | {"most": 25}
    project(compressed, catalogue, None, tmp_path / "umap.parquet", fractions=[], **seen)
    assert len(read_table(tmp_path / "umap.parquet")) == 25


def test_galaxies_alike_lie_together(catalogue, tmp_path):
    vectors = random_vectors(40, size=4)
    vectors[::2] += 50
    compressed = write(tmp_path / "pca.parquet", vectors)
    project(compressed, catalogue, None, tmp_path / "umap.parquet", fractions=[], **SEEN)
    plane = read_table(tmp_path / "umap.parquet")[["umap_x", "umap_y"]].to_numpy()
    apart = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 2 == np.arange(40) % 2).all()


def test_only_galaxies_with_a_representation_are_placed(catalogue, tmp_path):
    compressed = write(tmp_path / "pca.parquet", random_vectors(30, size=4))
    project(compressed, catalogue, None, tmp_path / "umap.parquet", fractions=[FEATURED], **SEEN)
    positions = read_table(tmp_path / "umap.parquet")
    assert numbers(positions["iauname"]) == list(range(21, 30))


def test_a_sample_too_small_for_umap_is_told_with_its_numbers(catalogue, tmp_path):
    compressed = write(tmp_path / "pca.parquet", random_vectors(40, size=4))
    with pytest.raises(UserError) as caught:
        project(
            compressed,
            catalogue,
            None,
            tmp_path / "umap.parquet",
            fractions=[FEATURED],
            **{**SEEN, "threshold": 0.9},
        )
    assert f"3 galaxies with {FEATURED} > 0.9 are too few" in str(caught.value)
    assert "'umap.n_neighbors' 5" in str(caught.value)
