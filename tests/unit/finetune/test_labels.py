"""Labels: which galaxies get one, their images, and what is refused."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from workflow.app.downloads import labels_csv, ratings_csv
from workflow.app.ratings import History
from workflow.lib.catalogue.selection import select_table_galaxies
from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_text
from workflow.lib.common.images import to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.cutouts.shards import iter_images
from workflow.lib.finetune.labels import gather_labelled, keep_represented, label_galaxies
from workflow.lib.finetune.splits import read_labels


@pytest.fixture
def survey(tmp_path):
    """Six galaxies, the last without an image."""
    names = [f"J{number}" for number in range(6)]
    table = {
        "iauname": names,
        "ring": [0.3, 0.0, 0.1, np.nan, 0.04, 0.9],
        "smooth": [0.1, 0.2, 0.1, 0.1, 0.9, 0.1],
    }
    write_parquet(pd.DataFrame(table), tmp_path / "catalogue.parquet")
    pd.DataFrame({"iauname": names[:5]}).to_parquet(tmp_path / "shard.parquet")
    return tmp_path


def label(folder, **changed):
    settings = {"column": "ring", "above": 0.25, "below": 0.05, "cuts": {}, "missing": "drop"}
    label_galaxies(
        folder / "catalogue.parquet",
        [folder / "shard.parquet"],
        **{**settings, **changed},
        labels=folder / "labels.csv",
        counts=folder / "counts.json",
    )
    return dict(zip(*read_labels(folder / "labels.csv"), strict=True))


def test_galaxies_with_an_image_and_a_clear_fraction_are_labelled(survey):
    assert label(survey) == {"J0": True, "J1": False, "J4": False}
    counts = {row["cut"]: row["left"] for row in json.loads((survey / "counts.json").read_text())}
    assert counts["in the catalogue"] == 6
    assert counts["ring unknown"] == 5
    assert counts["ring neither above 0.25 nor below 0.05"] == 4
    assert counts["no image"] == 3
    assert (counts["label 1"], counts["label 0"]) == (1, 2)
    assert label(survey, cuts={"smooth": {"below": 0.25}}) == {"J0": True, "J1": False}


def test_labels_are_kept_of_galaxies_that_all_encoders_represent(survey):
    label(survey)
    for name, galaxies in {"all": ["J4", "J0", "J1"], "table": ["J1", "J4", "J9"]}.items():
        pd.DataFrame({"iauname": galaxies}).to_parquet(survey / f"{name}.parquet")
    files = [survey / "all.parquet", survey / "table.parquet"]
    keep_represented(survey / "labels.csv", files, survey / "kept.csv")
    kept = dict(zip(*read_labels(survey / "kept.csv"), strict=True))
    assert kept == {"J1": False, "J4": False}


def test_a_column_of_true_and_false_gives_labels(survey):
    table = pd.read_parquet(survey / "catalogue.parquet").assign(ring=[True, False] * 3)
    write_parquet(table, survey / "catalogue.parquet")
    assert label(survey, above=0.5, below=0.5, missing="refuse") == {
        "J0": True, "J1": False, "J2": True, "J3": False, "J4": True,
    }  # fmt: skip


def test_the_ratings_of_a_hunt_are_labels(survey):
    """They go from 0 to 5, skipped galaxies have none, and most galaxies were not rated."""
    table = survey / "rings-ratings.csv"
    names, ratings = ["J4", "J0", "J1", "J5", "elsewhere"], [5, 1, None, 4, 5]
    pd.DataFrame({"iauname": names, "rating": ratings, "batch": 1}).to_csv(table, index=False)
    rated = {"table": table, "column": "rating", "above": 2.5, "below": 2.5}
    assert label(survey, **rated) == {"J0": False, "J4": True}
    with pytest.raises(
        UserError, match=r"rings-ratings\.csv: galaxy J1 has no rating \(3 galaxies"
    ):
        label(survey, **rated, missing="refuse")
    with pytest.raises(UserError, match=r"rings-ratings\.csv: no column 'ratings'"):
        label(survey, **rated | {"column": "ratings"})
    pd.DataFrame({"iauname": ["J9"], "rating": [5]}).to_csv(table, index=False)
    with pytest.raises(UserError, match="none of its iaunames"):
        label(survey, **rated)


def test_the_labels_that_the_page_offers_for_a_hunt_are_read_as_they_are(survey):
    names, ratings = ["J4", "J0", "J1", "J5"], [5, 1, None, 3]
    history = History().show(names)
    for name, rating in zip(names, ratings, strict=True):
        history = history.answer(name, rating, "")
    table = survey / "rings-labels.csv"
    table.write_bytes(labels_csv(history))
    assert table.read_text() == "iauname,label\nJ4,1.0\nJ0,0.2\nJ5,0.6\n"
    rated = {"table": table, "column": "label", "above": 0.5, "below": 0.5}
    ratings_table = survey / "rings-ratings.csv"
    ratings_table.write_bytes(ratings_csv(history))
    by_rating = {"table": ratings_table, "column": "rating", "above": 2.5, "below": 2.5}
    assert label(survey, **rated) == label(survey, **by_rating) == {"J0": False, "J4": True}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"missing": "refuse"}, "galaxy J3 has no ring"),
        ({"column": "rings"}, "no column 'rings'"),
        ({"column": "iauname"}, "not a number"),
        ({"above": 0.5}, "no galaxy with an image has ring above 0.5"),
        ({"below": 0.0}, "no galaxy with an image has ring below 0"),
    ],
)
def test_unusable_labels_are_one_clear_line(survey, changed, message):
    with pytest.raises(UserError, match=message) as caught:
        label(survey, **changed)
    assert "\n" not in str(caught.value)
    assert not (survey / "labels.csv").exists()


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_in_the_order_of_the_labels(tmp_path, channels):
    rng = np.random.default_rng(0)
    shards = [tmp_path / "0-of-2.parquet", tmp_path / "1-of-2.parquet"]
    for shard, names in zip(shards, (["a", "b", "c"], ["d", "e"]), strict=True):
        rgb = [rng.integers(0, 255, (32, 32, 3), np.uint8) for _ in names]
        table = pd.DataFrame(
            {
                "iauname": names,
                "thumbnail": [to_jpeg(picture, 90) for picture in rgb],
                "grey": [
                    picture.mean(axis=2).astype(np.uint8)[::2, ::2].tobytes() for picture in rgb
                ],
            }
        )
        schema = pa.schema(
            {"iauname": pa.string(), "thumbnail": pa.binary(), "grey": pa.binary(256)},
            metadata={"network_size": "16", "network_field": "0.75", "thumbnail_size": "32"},
        )
        pq.write_table(pa.Table.from_pandas(table, schema, preserve_index=False), shard)
    pd.DataFrame({"iauname": ["b", "e", "a"], "label": [1, 0, 1]}).to_csv(
        tmp_path / "labels.csv", index=False
    )
    gather_labelled(shards, tmp_path / "labels.csv", tmp_path / "images.npy", channels=channels)
    images = np.load(tmp_path / "images.npy")
    expected = {
        name: picture
        for shard in shards
        for names, pictures in iter_images(shard, 2, channels)
        for name, picture in zip(names, pictures, strict=True)
    }
    np.testing.assert_array_equal(images, np.stack([expected[name] for name in ("b", "e", "a")]))
    write_text("iauname,label\nb,1\nnot-imaged,0\n", tmp_path / "labels.csv")
    with pytest.raises(UserError, match="no galaxy not-imaged"):  # not a black picture
        gather_labelled(shards, tmp_path / "labels.csv", tmp_path / "images.npy", channels=channels)


@pytest.mark.parametrize("value", [-1, -99, 999999, 2])
def test_a_value_that_is_no_label_is_refused_with_its_galaxy(survey, value):
    table = pd.read_parquet(survey / "catalogue.parquet")
    table.loc[2, "ring"] = value
    write_parquet(table, survey / "catalogue.parquet")
    message = f"'ring' is {value} for galaxy J2, row 3, not a fraction from 0 to 1"
    with pytest.raises(UserError, match=message):
        label(survey)


@pytest.mark.parametrize("name", ["table.fits", "table.csv", "table.parquet"])
def test_a_null_in_the_survey_s_table_is_no_label(survey, name):
    ring, names = [1, 1, 0, -5, 0, 1], [f"J{number}" for number in range(6)]
    if name == "table.fits":
        columns = [
            fits.Column("id", "4A", array=names),
            fits.Column("ring", "J", array=ring, null=-5),
        ]
        fits.BinTableHDU.from_columns(columns).writeto(survey / name)
    else:
        column = pd.array([None if value == -5 else value for value in ring], "Int64")
        table = pd.DataFrame({"id": names, "ring": column})
        write = table.to_csv if name == "table.csv" else table.to_parquet
        write(survey / name, index=False)
    select_table_galaxies(
        survey / name,
        id_column="id",
        cuts={},
        exclude=[],
        pixel_scale={},
        catalogue=survey / "catalogue.parquet",
        counts=survey / "counts.json",
    )
    assert label(survey) == {"J0": True, "J1": True, "J2": False, "J4": False}
    with pytest.raises(UserError, match="galaxy J3 has no ring"):
        label(survey, missing="refuse")
