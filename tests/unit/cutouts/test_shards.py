"""Shards: their content, and that they have the same bytes every time."""

import shutil
import threading
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from tests.cutout_service import cutout_fits
from tests.own_images import open_images
from tests.unit.cutouts.shard_steps import OPTIONS, key, make
from workflow.lib.common import images
from workflow.lib.common.errors import UserError
from workflow.lib.cutouts.shards import iter_images, read_thumbnails

# What is in a shard


def test_a_shard_holds_thumbnails_and_grey_images_in_the_catalogues_order(
    catalogue, survey, tmp_path
):
    shard_csv = catalogue(10)
    shard, failed = make(shard_csv, survey, tmp_path / "out")
    galaxies = pd.read_csv(shard_csv)
    table = pq.read_table(shard)
    assert table.column_names == ["iauname", "thumbnail", "grey"]
    assert table["iauname"].to_pylist() == list(galaxies["iauname"])
    assert table.schema.metadata == {
        b"thumbnail_size": b"64",
        b"network_size": b"40",
        b"network_field": b"1",
    }
    assert failed.empty
    assert list(failed.columns) == ["iauname", "reason", "detail"]
    for galaxy, row in zip(galaxies.to_dict("records"), table.to_pylist(), strict=True):
        image = images.decode_image(survey.read(galaxy), "a")
        rgb = images.to_thumbnail(image, 64, OPTIONS["colour"])
        assert row["thumbnail"] == images.to_jpeg(rgb, 90)
        assert row["grey"] == images.grey(rgb, 40).tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0-of-1.csv", "out.failed.csv", "out.parquet",
    ]  # fmt: skip


def test_galaxies_without_an_image_go_to_the_table_of_failures(
    service, catalogue, survey, tmp_path
):
    faults = {1: "404", 4: "empty-sky", 5: "nan", 8: "missing-band", 9: "text"}
    for number, fault in faults.items():
        service.faults[key(number)] = [fault]
    service.faults[key(2)] = ["500", "cut-body"]
    service.faults[key(3)] = ["html"]
    names = [f"J{number}" for number in range(12)]
    shard, failed = make(catalogue(12, names), survey, tmp_path / "out", parallel=3)
    assert dict(zip(failed["iauname"], failed["reason"], strict=True)) == {
        "J1": "not-found", "J2": "truncated", "J4": "empty-sky", "J5": "missing-pixels",
        "J8": "missing-band", "J9": "not-an-image",
    }  # fmt: skip
    made = [name for name in names if name not in set(failed["iauname"])]
    assert pq.read_table(shard)["iauname"].to_pylist() == made


def test_a_galaxy_without_a_position_or_scale_costs_itself_alone(catalogue, survey, tmp_path):
    path = catalogue(8)
    table = pd.read_csv(path, dtype={"iauname": str}).astype({"ra": object})
    table.loc[1, "ra"] = "10h"
    table.loc[2, "dec"] = np.nan
    table.loc[5, "pixel_scale"] = np.inf
    table.to_csv(path, index=False)
    shard, failed = make(path, survey, tmp_path / "out")
    assert pq.read_metadata(shard).num_rows == 5
    names = table["iauname"]
    assert dict(zip(failed["iauname"], failed["detail"], strict=True)) == {
        names[1]: f"{names[1]} has no ra",
        names[2]: f"{names[2]} has no dec",
        names[5]: f"{names[5]} has no pixel_scale (it follows from petro_th50 and petro_th90)",
    }
    assert set(failed["reason"]) == {"no-value"}


def test_a_picture_in_which_nothing_is_seen_goes_to_the_failures(tmp_path, catalogue):
    folder = tmp_path / "images"
    folder.mkdir()
    sky = np.random.default_rng(0).normal(0.1, 0.02, (3, 64, 64)).astype(np.float32)
    cubes = {"fine": sky, "counts": 200 + sky, "negative": sky - 9, "four": np.repeat(sky, 4, 0)}
    for name, cube in cubes.items():
        fits.PrimaryHDU(cube).writeto(folder / f"{name}.fits")
    shard_csv = catalogue(4, list(cubes))
    source = open_images(folder, shard_csv)
    shard, failed = make(shard_csv, source, tmp_path / "out", max_failed_share=1)
    assert pq.read_table(shard)["iauname"].to_pylist() == ["fine"]
    assert failed["reason"].tolist() == ["no-contrast", "no-contrast", "unknown-bands"]
    shard, failed = make(shard_csv, source, tmp_path / "out", max_failed_share=1, units="counts")
    assert pq.read_table(shard)["iauname"].to_pylist() == ["fine", "counts", "negative"]


def test_ids_stay_text(tmp_path, catalogue):
    archive = tmp_path / "images.zip"
    rgb = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("000123", "123"):
            file.writestr(f"images/{name}.jpg", images.to_jpeg(rgb, 80))
    shard_csv = catalogue(2, ["000123", "123"])
    shard, _ = make(shard_csv, open_images(archive, shard_csv), tmp_path / "out")
    assert pq.read_table(shard)["iauname"].to_pylist() == ["000123", "123"]


def test_a_jpeg_of_the_right_size_is_not_compressed_again(tmp_path, catalogue):
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for side in (64, 100):
        rgb = rng.integers(0, 255, (side, side, 3), np.uint8)
        (folder / f"{side}.jpg").write_bytes(images.to_jpeg(rgb, 80))
    shard_csv = catalogue(2, ["64", "100"])
    shard, _ = make(shard_csv, open_images(folder, shard_csv), tmp_path / "out")
    kept, resized = pq.read_table(shard)["thumbnail"].to_pylist()
    assert kept == (folder / "64.jpg").read_bytes()
    assert images.from_jpeg(resized).shape == (64, 64, 3)


def test_north_is_up_in_the_shard(tmp_path, catalogue):
    """A blob in the north-west of a FITS file whose first row is in the south."""
    cube = np.random.default_rng(0).normal(0, 1e-4, (3, 64, 64))
    cube[:, 44:50, 50:56] += 1
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "standard.fits").write_bytes(cutout_fits(cube=cube))
    flipped = cutout_fits(cube=cube[:, ::-1, ::-1], flip_east=True, flip_north=True)
    (folder / "flipped.fits").write_bytes(flipped)
    shard_csv = catalogue(2, ["standard", "flipped"])
    shard, _ = make(shard_csv, open_images(folder, shard_csv), tmp_path / "out")
    (_, images), *_ = iter_images(shard, 2)
    grey = images[..., 0]
    thumbnails = [rgb.mean(axis=2) for _, rgb in read_thumbnails([shard], ["standard", "flipped"])]
    # Row 44-49 of 64 from the south is 14-19 from the north; columns grow to the west.
    for picture, scale in [*((one, 1) for one in thumbnails), *((one, 40 / 64) for one in grey)]:
        rows, columns = np.nonzero(picture > 150)
        assert (rows.mean() + 0.5) / scale == pytest.approx(17, abs=0.6)
        assert (columns.mean() + 0.5) / scale == pytest.approx(53, abs=0.6)


def test_a_shard_without_galaxies_is_empty(catalogue, survey, tmp_path):
    shard, failed = make(catalogue(0), survey, tmp_path / "out")
    assert pq.read_table(shard).num_rows == 0
    assert failed.empty
    assert list(iter_images(shard, 4)) == []


def test_a_shard_table_without_its_columns_is_named(survey, tmp_path):
    path = tmp_path / "0-of-1.csv"
    path.write_text("iauname,ra\nJ1,1\n")
    with pytest.raises(UserError, match=r"0-of-1\.csv: no column 'dec', 'pixel_scale'"):
        make(path, survey, tmp_path / "out")


# The same rows for any chunk size and number of threads


@pytest.mark.parametrize("changes", [{"parallel": 3}, {"chunk": 1}, {"chunk": 100}])
def test_chunks_and_threads_do_not_change_the_rows(catalogue, survey, tmp_path, changes):
    shard_csv = catalogue(9)
    usual, _ = make(shard_csv, survey, tmp_path / "usual")
    other, _ = make(shard_csv, survey, tmp_path / "other", **changes)
    assert pq.read_table(usual).equals(pq.read_table(other))
    if "chunk" not in changes:
        assert usual.read_bytes() == other.read_bytes()


def test_as_many_requests_are_made_at_once_as_allowed(service, catalogue, survey, tmp_path):
    """Each answer waits until three requests have come: with fewer it would wait indefinitely."""
    service.gate = threading.Barrier(3)
    make(catalogue(12), survey, tmp_path / "out", chunk=6, parallel=3)
    assert service.most_at_once == 3


# Reading


@pytest.fixture
def shards(service, catalogue, survey, tmp_path):
    """Two shards of ten galaxies, with one failure in each."""
    made = []
    for letter in "AB":
        service.faults[key(3)] = ["404"]
        names = [f"{letter}{number}" for number in range(10)]
        made.append(make(catalogue(10, names), survey, tmp_path / letter)[0])
    return made


@pytest.mark.parametrize("batch", [1, 4, 5, 100])
def test_grey_images_stream_in_full_batches(shards, batch):
    batches = list(iter_images(shards[0], batch))
    table = pq.read_table(shards[0])
    assert [name for names, _ in batches for name in names] == table["iauname"].to_pylist()
    assert {len(names) for names, _ in batches[:-1]} <= {batch}, "only the last may be smaller"
    grey = np.concatenate([images for _, images in batches])
    assert (grey.shape, grey.dtype) == ((9, 40, 40, 1), np.uint8)
    assert [image.tobytes() for image in grey] == table["grey"].to_pylist()


def test_streaming_a_longer_shard_takes_no_more_memory(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (32, 300 * 300), np.uint8)
    rows = pa.table({"iauname": ["J1"] * 32, "grey": [image.tobytes() for image in pixels]})
    schema = pa.schema(
        {"iauname": pa.string(), "grey": pa.binary(300 * 300)},
        metadata={"network_size": "300", "network_field": "1"},
    )
    shard = tmp_path / "long.parquet"
    with pq.ParquetWriter(shard, schema) as writer:
        for _ in range(20):
            writer.write_table(rows.cast(schema))
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() - before for _ in iter_images(shard, 32))
    assert most < shard.stat().st_size / 4


def test_thumbnails_of_a_few_galaxies_are_found_in_their_shards(shards):
    wanted = ["B9", "A0", "A5", "A3", "nowhere"]
    found = list(read_thumbnails(shards, wanted))
    assert [name for name, _ in found] == ["A0", "A5", "B9"]
    jpegs = {row["iauname"]: row["thumbnail"] for row in pq.read_table(shards[1]).to_pylist()}
    np.testing.assert_array_equal(found[2][1], images.from_jpeg(jpegs["B9"]))


def test_other_row_groups_are_not_read_for_thumbnails(shards, tmp_path):
    """Thumbnails are read although those of other row groups are overwritten with zeros."""
    damaged = tmp_path / "damaged.parquet"
    shutil.copy(shards[0], damaged)
    metadata = pq.read_metadata(damaged)
    assert metadata.num_row_groups == 3
    with damaged.open("r+b") as file:
        for group in (0, 2):
            column = metadata.row_group(group).column(1)
            file.seek(column.data_page_offset)
            file.write(bytes(column.total_compressed_size))
    assert [name for name, _ in read_thumbnails([damaged], ["A5", "A6"])] == ["A5", "A6"]
    with pytest.raises(OSError):
        list(read_thumbnails([damaged], ["A0"]))
