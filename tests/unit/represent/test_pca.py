"""PCA: the same as scikit-learn gives, in batches."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA, IncrementalPCA

from workflow.lib.common.errors import UserError
from workflow.lib.represent.pca import compress, compress_some, read_compressor
from workflow.lib.represent.vector_files import (
    read_representation,
    representation_schema,
    representation_table,
)

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


def test_of_fewer_numbers_than_components_all_are_kept(tmp_path):
    """As of a table of features."""
    vectors = random_vectors(50, size=3)
    compressed, variance = squeeze(tmp_path, vectors, components=8, batch_size=40)
    assert compressed.shape == (50, 3)
    assert variance["cumulative"].tolist()[2:] == [1.0]
    names = [f"J{number:05d}" for number in range(9, 40)]
    assert compress_some(tmp_path / "representation.parquet", names, 8, 20).shape == (31, 3)


def test_the_same_fit_has_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        squeeze(tmp_path / name, random_vectors(60), components=4, batch_size=30)
    for name in MADE:
        first, second = (tmp_path / folder / name for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("content", [None, b"not a zip"])
def test_a_file_without_a_fitted_pca_is_refused(tmp_path, content):
    if content:
        (tmp_path / "pca.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"pca.npz: not a fitted PCA"):
        read_compressor(tmp_path / "pca.npz")


def test_a_fit_in_one_batch_is_the_exact_pca(tmp_path):
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


def test_fewer_galaxies_than_components_are_refused(tmp_path):
    path = write(tmp_path / "a.parquet", random_vectors(9))
    with pytest.raises(UserError, match=r"9 galaxies are too few for 10 .* 'pca.components'"):
        compress(path, 10, 40, *(tmp_path / name for name in MADE))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e3])
def test_equal_representations_are_refused(tmp_path, value):
    path = write(tmp_path / "a.parquet", np.full((50, 30), value))
    with pytest.raises(UserError, match="all galaxies have the same representation"):
        compress(path, 4, 20, *(tmp_path / name for name in MADE))
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path, value):
    vectors = random_vectors(50)
    vectors[30, 3] = value
    path = write(tmp_path / "a.parquet", vectors)
    with pytest.raises(UserError, match="a representation has a number that is not finite"):
        compress(path, 4, 20, *(tmp_path / name for name in MADE))
