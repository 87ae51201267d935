"""Candidates: which galaxies a task has, which are anomalies, and their features."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from tests.unit.anomaly.conftest import hunt, select, write_vectors
from workflow.lib.anomaly.candidates import standardise_features, threshold_of
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet
from workflow.lib.planning.anomaly_tasks import read_tasks
from workflow.lib.represent.standardise import standardise


def test_candidates_have_votes_and_features_and_pass_the_filters(sky):
    folder, catalogue, vectors = sky
    catalogue.loc[0, "ring"] = np.nan
    catalogue.loc[1, "total-votes"] = 29
    catalogue.loc[2, "featured_automated-fraction"] = 0.6
    vectors[3, 2] = np.nan
    write_parquet(catalogue, folder / "catalogue.parquet")
    write_vectors(folder / "cnn.parquet", catalogue["iauname"].drop(4), np.delete(vectors, 4, 0))
    found, counts = select(folder)
    assert found["iauname"].tolist() == catalogue["iauname"].tolist()[5:]
    assert found["anomaly"].tolist() == (catalogue["ring"][5:] > 0.5).tolist()
    assert list(counts["left"].values()) == [400, 398, 397, 395]
    assert (counts["galaxies"], counts["anomalies"], counts["threshold"]) == (395, 20, 0.5)


def test_galaxies_without_ellipses_are_left_out_for_every_method_and_counted(sky):
    folder, catalogue, vectors = sky
    ellipses = vectors[:, :3].copy()
    ellipses[[0, 9], 1] = np.nan
    write_vectors(folder / "ellipse.parquet", catalogue["iauname"], ellipses)
    found, counts = select(folder, [folder / "cnn.parquet", folder / "ellipse.parquet"])
    assert set(catalogue["iauname"]) - set(found["iauname"]) == {"g000", "g009"}
    assert counts["left"]["features of cnn.parquet"] == 400
    assert counts["left"]["features of ellipse.parquet"] == counts["galaxies"] == 398


def test_a_task_may_count_galaxies_from_its_threshold_on(sky):
    folder, catalogue, _ = sky
    catalogue.loc[:2, "ring"] = 23 / 50, 0.459, 0.461
    write_parquet(catalogue, folder / "catalogue.parquet")
    table = folder / "tasks.tsv"
    table.write_text(
        "task\tsurvey\tmethods\tlabel\tat_least\tvotes\tmin_votes\tfilters\n"
        "rings\tsky\tcnn-gp\tring\t0.46\t\t\t\n"
    )
    task = read_tasks(table, ["sky"], ["cnn-gp"])["rings"]
    found, _ = select(folder, above=task.above)
    assert found["anomaly"][:3].tolist() == [True, False, True]


def test_the_threshold_may_follow_from_the_share_of_anomalies(sky):
    folder, catalogue, _ = sky
    catalogue["ring"] = np.linspace(0, 1, 400)
    write_parquet(catalogue, folder / "catalogue.parquet")
    found, counts = select(folder, above=None, share=0.015)
    assert found["anomaly"].sum() == 6
    assert counts["threshold"] == pytest.approx(393 / 399)


@given(
    labels=st.lists(st.integers(0, 50), min_size=2, max_size=60).filter(lambda x: len(set(x)) > 1),
    share=st.floats(0.001, 0.9),
)
def test_the_threshold_gives_the_share_as_nearly_as_ties_allow(labels, share):
    labels = np.array(labels) / 50
    threshold = threshold_of(labels, share)
    found = (labels > threshold).mean()
    assert 0 < found < 1
    possible = [(labels > value).mean() for value in labels if (labels > value).any()]
    assert abs(found - share) == pytest.approx(min(abs(one - share) for one in possible))


def test_labels_that_are_all_the_same_have_no_threshold(sky):
    folder, catalogue, _ = sky
    write_parquet(catalogue.assign(ring=0.3), folder / "catalogue.parquet")
    with pytest.raises(UserError, match=r"0 of 400 galaxies have ring > 0\.3"):
        select(folder, above=None, share=0.015)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"above": 0.95}, "0 of 400 galaxies have ring > 0.95; there must be anomalies and others"),
        ({"above": 0.0}, "400 of 400 galaxies have ring > 0; there must be anomalies and others"),
        ({"label": "lens"}, "no column 'lens'"),
        ({"votes": "lens_total"}, "no column 'lens_total'"),
        (
            {"label": "total-votes"},
            "'total-votes' is 40 for galaxy g000, row 1 (400 rows), not a fraction from 0 to 1",
        ),
        ({"label": "name"}, "column 'name' is not a number for galaxy g000, row 1: 'NGC'"),
        ({"filters": {"barred": 0.5}}, "no column 'barred_automated-fraction'"),
        ({"min_votes": 41}, "no galaxy is left of {'catalogue': 400, 'total-votes >= 41': 0"),
    ],
)
def test_an_invalid_task_is_an_error_in_one_line(sky, change, message):
    with pytest.raises(UserError) as caught:
        select(sky[0], **change)
    assert message in str(caught.value)
    assert "catalogue.parquet: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_features_that_are_all_the_same_are_an_error(sky):
    folder, catalogue, _ = sky
    select(folder)
    write_vectors(folder / "cnn.parquet", catalogue["iauname"], np.ones((400, 6)))
    with pytest.raises(UserError, match=r"cnn\.parquet: all 400 galaxies have the same features"):
        hunt(folder)


def test_the_network_s_components_are_fitted_to_the_candidates_alone(sky):
    """Galaxies outside of the experiment vary in other directions; they must not count."""
    folder, catalogue, _ = sky
    draw = np.random.default_rng(1)
    inside = (np.arange(400) % 3 > 0)[::-1]
    vectors = draw.normal(0, 0.1, (400, 6))
    vectors[inside, :2] += draw.normal(0, 5, (inside.sum(), 2))
    vectors[~inside, 2:] += draw.normal(0, 50, ((~inside).sum(), 4))
    write_parquet(catalogue.assign(**{"total-votes": 40.0 * inside}), folder / "catalogue.parquet")
    write_vectors(folder / "cnn.parquet", catalogue["iauname"], vectors)
    found, _ = select(folder)
    chosen = vectors[catalogue["iauname"].isin(found["iauname"])].astype(np.float32)
    arguments = [folder / name for name in ("cnn.parquet", "candidates.parquet", "cnn.npy")]
    standardise_features(*arguments, components=2, batch_size=len(chosen))
    expected = standardise(PCA(2).fit_transform(chosen))
    assert np.allclose(np.abs(np.load(arguments[2])), np.abs(expected), atol=1e-3)
    # In batches, as the authors' incremental PCA.
    standardise_features(*arguments, components=2, batch_size=50)
    assert np.allclose(np.abs(np.load(arguments[2])), np.abs(expected), atol=0.1)


def test_few_candidates_have_one_component_less_than_there_are_candidates(sky):
    folder, catalogue, _ = sky
    write_parquet(catalogue.head(5).assign(ring=[0.9] + [0.1] * 4), folder / "catalogue.parquet")
    select(folder)
    arguments = [folder / name for name in ("cnn.parquet", "candidates.parquet", "cnn.npy")]
    standardise_features(*arguments, components=40)
    assert np.load(arguments[2]).shape == (5, 4)


@pytest.mark.parametrize("components", [None, 2])
def test_a_candidate_without_features_is_not_taken_for_another_galaxy(sky, components):
    folder, catalogue, vectors = sky
    select(folder)
    write_vectors(folder / "cnn.parquet", catalogue["iauname"].drop(5), np.delete(vectors, 5, 0))
    with pytest.raises(UserError, match=r"cnn\.parquet: no galaxy g005 \(1 of 400"):
        standardise_features(
            folder / "cnn.parquet", folder / "candidates.parquet", folder / "cnn.npy",
            components=components,
        )  # fmt: skip
    assert not (folder / "cnn.npy").exists()
