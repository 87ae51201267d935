"""Reading a survey's results, and searching it."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from tests.app.conftest import SIZE, make_results
from workflow.app.search import find_galaxy, find_similar
from workflow.app.survey import Survey
from workflow.app.upload import represent_upload
from workflow.lib.common.errors import UserError
from workflow.lib.common.tables import write_parquet


def everything(survey):
    return np.ones(len(survey), bool)


def test_galaxies_without_a_representation_are_left_out(made_up):
    survey = made_up.survey
    assert len(survey) == 38
    assert survey.row("J0003") is None
    assert survey.iaunames[survey.row("J0021")] == "J0021"


def test_catalogue_columns_are_read_in_the_order_of_the_representation(made_up):
    survey = made_up.survey
    catalogue = pd.read_parquet(survey.catalogue).set_index("iauname").loc[survey.iaunames]
    for name in ["ra", "mag_r", "bar_total-votes"]:
        np.testing.assert_array_equal(survey.column(name), catalogue[name])
    assert survey.units["mag_r"] == "mag"
    assert survey.units["bar_yes_fraction"] == ""
    assert not {"iauname", "flag"} & set(survey.units)
    table = survey.table([5, 2], ["mag_r", "no-such-column"])
    assert list(table) == ["iauname", "mag_r"]
    assert table["mag_r"].tolist() == survey.column("mag_r")[[5, 2]].tolist()


def test_pictures_are_read_from_the_shards_in_the_requested_order(made_up):
    survey = made_up.survey
    rows = np.random.default_rng(0).permutation(len(survey))
    wanted = [made_up.pictures[survey.iaunames[row]] for row in rows]
    assert survey.thumbnails(rows) == wanted
    assert survey.thumbnails([7, 7]) == [made_up.pictures[survey.iaunames[7]]] * 2
    assert survey.thumbnails([]) == []


def test_filters_are_closed_ranges_that_missing_values_never_pass(made_up):
    survey = made_up.survey
    votes, bars = survey.column("bar_total-votes"), survey.column("bar_yes_fraction")
    low, high = sorted(votes)[5], sorted(votes)[20]
    expected = (votes >= low) & (votes <= high) & (bars <= 0.5)
    ranges = {"bar_total-votes": (low, high), "bar_yes_fraction": (0, 0.5)}
    np.testing.assert_array_equal(survey.within(ranges), expected)
    assert 0 < expected.sum() < 16
    assert survey.within({}).all()


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("metric", "known"), [("manhattan", "cityblock"), ("euclidean",) * 2])
def test_the_most_similar_galaxies_are_the_nearest_except_the_galaxy_itself(
    made_up, whole, metric, known
):
    survey = made_up.survey
    found = find_similar(
        survey, [4], [], 12, whole=whole, metric=metric, allowed=everything(survey), same_within=100
    )
    away = cdist(survey.vectors[whole][[4]], survey.vectors[whole], known)[0]
    expected = np.argsort(away)[1:13]
    np.testing.assert_array_equal(found.rows, expected)
    np.testing.assert_allclose(found.distances, away[expected], rtol=1e-5)


def test_filtered_galaxies_and_those_at_the_same_position_are_not_found(made_up):
    survey = made_up.survey
    allowed = np.arange(len(survey)) % 2 == 0
    options = {"whole": False, "metric": "manhattan", "allowed": allowed}
    found = find_similar(survey, [4], [], 100, same_within=100, **options)
    assert set(found.rows) == set(np.flatnonzero(allowed)) - {4}
    assert allowed[4], "the argument must not be changed"
    everywhere = 180 * 3600
    assert not len(find_similar(survey, [4], [], 9, same_within=everywhere, **options).rows)


@pytest.mark.parametrize(
    ("ra", "dec"), [((359.99, 0.01), (0.0, 0.0)), ((10.0, 190.0), (89.99, 89.99)), ((5, 5), (1, 1))]
)
def test_a_galaxy_listed_twice_is_not_found_anywhere_on_the_sky(made_up, tmp_path, ra, dec):
    config, _ = make_results(tmp_path, made_up.names)
    catalogue = tmp_path / "1_catalogue/decals.parquet"
    galaxies = pd.read_parquet(catalogue)
    galaxies.loc[[3, 7], ["ra", "dec"]] = np.transpose([ra, dec])
    write_parquet(galaxies, catalogue)
    survey = Survey(config)
    options = {"whole": False, "metric": "manhattan", "allowed": everything(survey)}
    assert 7 not in find_similar(survey, [3], [], 100, same_within=100, **options).rows
    assert 7 in find_similar(survey, [3], [], 100, same_within=0, **options).rows


def test_examples_and_counterexamples_change_the_order_and_are_not_found(made_up):
    survey = made_up.survey
    options = {
        "whole": False, "metric": "manhattan", "allowed": everything(survey), "same_within": 100,
    }  # fmt: skip
    alone = find_similar(survey, [4], [], 100, **options)
    first = int(alone.rows[0])
    against = find_similar(survey, [4], [first], 100, **options)
    assert first not in against.rows
    assert against.rows.tolist() != alone.rows[1:].tolist()
    twice = find_similar(survey, [4, first], [], 100, **options)
    assert not {4, first} & set(twice.rows)
    image = survey.vectors[False][4]
    assert find_similar(survey, [image], [], 1, **options).rows.tolist() == [4]


@pytest.mark.parametrize("query", ["J0021", " J0021 "])
def test_a_name_in_the_survey_finds_that_galaxy(made_up, query):
    match = find_galaxy(made_up.survey, query, None)
    assert made_up.survey.iaunames[match.row] == "J0021"
    assert (match.separation, match.position) == (0, None)


def test_a_position_finds_the_nearest_galaxy_and_its_separation(made_up):
    survey = made_up.survey
    match = find_galaxy(survey, f"{survey.ra[9]} {survey.dec[9] + 0.01}", None)
    assert match.row == 9
    assert match.separation == pytest.approx(36, rel=1e-4)


def test_a_name_not_in_the_survey_is_resolved(made_up, sesame):
    survey = made_up.survey
    sesame.objects["M 99"] = survey.ra[9], survey.dec[9]
    match = find_galaxy(survey, "M 99", sesame.url)
    assert match.row == 9
    assert match.separation < 0.1


@pytest.mark.parametrize("name", ["no such thing", "<script>", "../x?y=z&a #b", "ü\u2028"])
def test_an_unknown_name_gives_a_one_line_error_and_reaches_the_resolver_quoted(
    made_up, sesame, name
):
    with pytest.raises(UserError, match="no galaxy of this survey has this name") as caught:
        find_galaxy(made_up.survey, name, sesame.url)
    assert "\n" not in str(caught.value)
    assert name not in str(caught.value)
    assert len(sesame.asked[-1]) >= len(name.strip())


def test_the_error_says_if_the_resolver_cannot_be_reached(made_up):
    with pytest.raises(UserError, match="cannot be reached"):
        find_galaxy(made_up.survey, "M 99", "http://127.0.0.1:9/")
    with pytest.raises(UserError, match="no galaxy of this survey has this name") as caught:
        find_galaxy(made_up.survey, "M 99", None)
    assert "resolver" not in str(caught.value)


@pytest.mark.parametrize(
    "lost",
    [
        "1_catalogue/decals.parquet",
        "3_pretrain/random/encoder.weights.h5",
        "4_represent/decals/random/pca10.parquet",
        "4_represent/decals/random/pca10.npz",
        "4_represent/decals/random/representation.npy",
    ],
)
def test_the_error_for_a_missing_file_names_it(made_up, tmp_path, lost):
    config, _ = make_results(tmp_path, made_up.names)
    (tmp_path / lost).unlink()
    with pytest.raises(UserError, match=lost) as caught:
        Survey(config)
    assert "run the workflow" in str(caught.value)


def test_files_of_different_galaxies_are_refused(made_up, tmp_path):
    config, _ = make_results(tmp_path, made_up.names)
    whole = tmp_path / "4_represent/decals/random/representation.npy"
    np.save(whole, np.load(whole)[1:])
    with pytest.raises(UserError, match=r"representation.npy: made from other galaxies"):
        Survey(config)
    catalogue = tmp_path / "1_catalogue/decals.parquet"
    write_parquet(pd.read_parquet(catalogue).iloc[1:], catalogue)
    with pytest.raises(UserError, match="does not have all galaxies"):
        Survey(config)


def test_a_survey_without_coordinates_can_be_searched_by_name_alone(made_up, tmp_path):
    config, _ = make_results(tmp_path, made_up.names)
    catalogue = tmp_path / "1_catalogue/decals.parquet"
    write_parquet(pd.read_parquet(catalogue).drop(columns=["ra", "dec"]), catalogue)
    survey = Survey(config)
    match = find_galaxy(survey, "J0004", None)
    found = find_similar(
        survey, [match.row], [], 5, whole=False, metric="manhattan", allowed=everything(survey),
        same_within=100,
    )  # fmt: skip
    assert len(found.rows) == 5
    with pytest.raises(UserError, match="no galaxy has coordinates"):
        find_galaxy(survey, "10 20", None)


def test_a_table_of_representations_is_searched_but_no_image_is_represented(made_up, tmp_path):
    given = {"dino": {"representation": "dino.parquet"}}
    config, _ = make_results(tmp_path, made_up.names, encoder="dino", given=given)
    (tmp_path / "3_pretrain/dino/encoder.weights.h5").unlink()
    survey = Survey(config)
    assert len(survey) == len(made_up.names)
    with pytest.raises(UserError, match=r"'pretraining\.weights\.dino' is a table") as caught:
        represent_upload(survey, np.zeros((SIZE, SIZE, 3), np.uint8), whole=False)
    assert "\n" not in str(caught.value)
