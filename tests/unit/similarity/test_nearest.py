"""Nearest neighbours: exactly those that scikit-learn's brute force finds."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.neighbors import NearestNeighbors

from tests.conftest import ROOT
from workflow.lib.similarity import nearest as nearest_module
from workflow.lib.similarity.nearest import METRICS, distances, nearest, rank_examples, smallest

small_integers = st.integers(-3, 3).map(float)  # many ties, and sums without rounding


@st.composite
def searches(draw):
    """Vectors full of ties and duplicates, queries, k (also beyond n), rows allowed."""
    n, d, q = draw(st.integers(1, 40)), draw(st.integers(1, 9)), draw(st.integers(1, 5))
    vectors = draw(hnp.arrays(np.float32, (n, d), elements=small_integers))
    queries = draw(hnp.arrays(np.float32, (q, d), elements=small_integers))
    allowed = draw(st.none() | hnp.arrays(bool, n))
    return vectors, queries, draw(st.integers(1, 60)), draw(st.sampled_from(METRICS)), allowed


def brute(vectors, queries, k, metric, allowed):
    """All distances by scikit-learn in float64, sorted by distance and then by row."""
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    if not len(rows):
        return np.empty((len(queries), 0), int), np.empty((len(queries), 0))
    search = NearestNeighbors(metric=metric, algorithm="brute").fit(vectors[rows].astype(float))
    lengths, places = search.kneighbors(queries.astype(float), len(rows))
    found = rows[places]
    order = np.lexsort((found, np.round(lengths, 6)), axis=1)[:, :k]
    return np.take_along_axis(found, order, 1), np.take_along_axis(lengths, order, 1)


@given(searches(), st.integers(1, 3), st.sampled_from([1, 7, 2**18]))
def test_neighbours_are_those_of_brute_force_with_ties_by_row(search, threads, block):
    vectors, queries, k, metric, allowed = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest_module, "BLOCK_VALUES", block)
        rows, lengths = nearest(
            vectors, queries, k, metric=metric, allowed=allowed, threads=threads
        )
    expected_rows, expected_lengths = brute(vectors, queries, k, metric, allowed)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_allclose(lengths, expected_lengths, rtol=1e-6, atol=1e-6)
    assert (rows.dtype, lengths.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("d", [10, 1280])
def test_neighbours_do_not_depend_on_the_threads_or_on_other_queries(d, metric):
    rng = np.random.default_rng(1)
    vectors = rng.gamma(0.3, size=(3000, d)).astype(np.float32)
    queries = vectors[:70] + rng.normal(size=(70, d), scale=0.01).astype(np.float32)
    rows, lengths = nearest(vectors, queries, 20, metric=metric)
    expected_rows, expected_lengths = brute(vectors, queries, 20, metric, None)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_allclose(lengths, expected_lengths, rtol=2e-6)
    one = nearest(vectors, queries[66:67], 20, metric=metric, threads=1)
    np.testing.assert_array_equal(one[0][0], rows[66])
    np.testing.assert_array_equal(one[1][0], lengths[66])
    to_all = distances(vectors, queries[66], metric=metric)
    np.testing.assert_array_equal(to_all[rows[66]], lengths[66])


def test_a_memory_map_is_searched_like_an_array(tmp_path):
    vectors = np.random.default_rng(2).normal(size=(500, 40)).astype(np.float32)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    for found, expected in zip(
        nearest(mapped, mapped[:3], 9), nearest(vectors, vectors[:3], 9), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_comes_last(bad):
    vectors = np.array([[bad, 0], [5, 5], [0, 0]], np.float32)
    rows, lengths = nearest(vectors, np.zeros((1, 2)), 3)
    assert rows.tolist() == [[2, 1, 0]]
    assert lengths.tolist() == [[0, 10, np.inf]]


def test_a_single_galaxy_is_its_own_neighbour_or_has_none():
    vectors = np.ones((1, 10), np.float32)
    assert nearest(vectors, vectors, 50)[0].tolist() == [[0]]
    rows, lengths = nearest(vectors, vectors, 50, allowed=np.array([False]))
    assert rows.shape == lengths.shape == (1, 0)


@pytest.mark.parametrize(
    ("queries", "k", "metric", "message"),
    [
        (np.zeros((1, 3)), 1, "manhattan", "shape"),
        (np.zeros(2), 1, "manhattan", "shape"),
        (np.zeros((1, 2)), 0, "manhattan", "k must be at least 1"),
        (np.zeros((1, 2)), 1, "cosine", "manhattan, euclidean"),
        (np.full((1, 2), np.nan), 1, "manhattan", "not finite"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(queries, k, metric, message):
    with pytest.raises(ValueError, match=message):
        nearest(np.zeros((4, 2), np.float32), queries, k, metric=metric)


@given(hnp.arrays(np.float32, st.integers(1, 50), elements=small_integers), st.integers(0, 60))
def test_the_smallest_values_are_in_order_with_ties_by_index(values, count):
    expected = np.argsort(values, kind="stable")[:count]
    np.testing.assert_array_equal(smallest(values, min(count, len(values))), expected)


def test_a_search_writes_nothing_beside_the_code_or_in_the_home_folder(tmp_path):
    """Either folder may be shared or read-only."""
    code = tmp_path / "workflow"
    command = (
        f"cp -r {ROOT}/workflow {tmp_path} && cd {tmp_path} && "
        f"find {code} -name __pycache__ -prune -exec rm -r {{}} + && "
        f"HOME={tmp_path}/none {sys.executable} -B -c 'import numpy as np; "
        "from workflow.lib.similarity.nearest import distances; "
        "print(distances(np.ones((2, 3), np.float32), np.zeros(3)))'"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "[3. 3.]\n"
    assert not list(code.rglob("__pycache__"))
    assert not (tmp_path / "none").exists()


def test_one_example_ranks_as_nearest_does():
    vectors = np.random.default_rng(3).normal(size=(200, 5)).astype(np.float32)
    rows, scores = rank_examples(vectors, [4], k=30)
    expected_rows, expected = nearest(vectors, vectors[4:5], 30)
    np.testing.assert_array_equal(rows, expected_rows[0])
    np.testing.assert_array_equal(scores, expected[0])
    by_vector = rank_examples(vectors, vectors[4], k=30)
    np.testing.assert_array_equal(by_vector[0], rows)


def test_galaxies_similar_to_disliked_examples_come_last():
    rng = np.random.default_rng(4)
    centres = np.array([[0, 0], [6, 0], [0, 6]])
    vectors = np.concatenate([rng.normal(c, 0.5, (50, 2)) for c in centres]).astype(np.float32)
    kind = np.repeat([0, 1, 2], 50)
    between = np.array([[3.0, 0.0]])
    assert set(kind[rank_examples(vectors, between, [60, 61], 40)[0]]) == {0}
    assert set(kind[rank_examples(vectors, between, [10, 11], 40)[0]]) == {1}
    both, scores = rank_examples(vectors, [0, 50], [100], 100)
    assert set(kind[both]) == {0, 1}
    assert (np.diff(scores) >= 0).all()
    assert scores.min() >= 0 and scores.max() <= 1
    rows, scores = rank_examples(vectors, [0], [100], 150)
    assert (rows[0], scores[0]) == (0, 0)
    assert (rows[-1], scores[-1]) == (100, 1)


def test_several_liked_examples_rank_the_allowed_galaxies_by_mean_distance():
    vectors = np.array([[0], [1], [2], [10], [11]], np.float32)
    allowed = np.array([False, True, True, True, False])
    rows, scores = rank_examples(vectors, [0, 4], allowed=allowed, k=9)
    assert rows.tolist() == [1, 2, 3]
    np.testing.assert_allclose(scores, 5.5)


def test_an_example_both_liked_and_disliked_comes_last():
    vectors = np.array([[0], [1], [2]], np.float32)
    assert rank_examples(vectors, [0], [0], 3)[0].tolist() == [1, 2, 0]


def test_disliked_examples_alone_are_refused():
    with pytest.raises(ValueError, match="at least one example must be liked"):
        rank_examples(np.zeros((3, 2), np.float32), [], [1])
