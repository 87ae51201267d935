"""Shards: their content, interruptions, and that they have the same bytes every time."""

import json
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from tests.cutout_service import PATIENCE, CutoutService, cutout_fits
from tests.own_images import open_images
from workflow.lib.common import images
from workflow.lib.common.errors import UserError
from workflow.lib.cutouts.image_sources import open_source
from workflow.lib.cutouts.shards import iter_images, make_shard, read_thumbnails

ROOT = Path(__file__).parents[3]
OPTIONS = {
    "thumbnail_size": 64,
    "network_size": 40,
    "network_field": 1,
    "colour": {
        "scales": {"g": 0.008, "r": 0.014, "z": 0.019},
        "arcsinh_range": [-0.5, 300.0],
        "desaturation": 2.5,
    },
    "jpeg_quality": 90,
    "max_missing_share": 0.2,
    "max_failed_share": 0.5,
    "chunk": 4,
    "parallel": 1,
}


@pytest.fixture
def service():
    with CutoutService() as service:
        yield service


@pytest.fixture
def survey(service):
    client = {"user_agent": "test", "attempts": 2, "sleep": lambda seconds: None}
    return open_source(
        "legacysurvey", client=client, url=service.url, layer="a", pixel_scale=0.262,
        thumbnail_size=64, largest_size=512,
    )  # fmt: skip


@pytest.fixture
def catalogue(tmp_path):
    """Write the shard's galaxies; their right ascension is their number."""

    def write(count: int, names: list[str] | None = None) -> Path:
        path = tmp_path / "0-of-1.csv"
        names = names or [f"J{(7 * number) % count:02d}" for number in range(count)]
        frame = pd.DataFrame({"iauname": names, "ra": range(count), "dec": 0.0})
        frame.assign(pixel_scale=0.1 + 0.01 * frame["ra"]).to_csv(path, index=False)
        return path

    return write


def key(number: int) -> str:
    """Give the key of a galaxy's faults in the service."""
    return f"{number:.7f}"


def make(shard_csv, source, out, **changes) -> tuple[Path, pd.DataFrame]:
    shard, failed = out.with_suffix(".parquet"), out.with_suffix(".failed.csv")
    make_shard(shard_csv, source, shard, failed, **OPTIONS | changes)
    return shard, pd.read_csv(failed, dtype=str)


def parts_of(shard: Path) -> list[str]:
    return sorted(
        path.name for path in shard.parent.glob(f"{shard.name}.parts-*/part-?????.parquet")
    )


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


# Interruption

RUN = """
import json, sys
from workflow.lib.cutouts.shards import make_shard
from workflow.lib.cutouts.image_sources import open_source
paths, source, options = map(json.loads, sys.argv[1:])
make_shard(paths[0], open_source("legacysurvey", **source), *paths[1:], **options)
"""


def test_a_killed_shard_is_resumed_and_has_the_same_bytes(service, catalogue, survey, tmp_path):
    shard_csv, out = catalogue(12), tmp_path / "killed"
    shard, failed = out.with_suffix(".parquet"), out.with_suffix(".failed.csv")
    source = {
        "client": {"user_agent": "test"}, "url": service.url, "layer": "a", "pixel_scale": 0.262,
        "thumbnail_size": 64, "largest_size": 512,
    }  # fmt: skip
    service.hold_from = 7
    arguments = [json.dumps([str(path) for path in (shard_csv, shard, failed)])]
    arguments += [json.dumps(source), json.dumps(OPTIONS)]
    with subprocess.Popen([sys.executable, "-c", RUN, *arguments], cwd=ROOT) as process:
        assert service.holding.wait(PATIENCE), "the seventh request, in the second chunk"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert parts_of(shard) == ["part-00000.parquet"]
    assert not shard.exists()

    service.hold_from = None
    service.release.set()
    before = len(service.requests)
    make(shard_csv, survey, out)
    asked = [request["query"]["ra"] for request in service.requests[before:]]
    assert asked == [key(number) for number in range(4, 12)], "the first chunk is not fetched again"
    assert parts_of(shard) == []

    undisturbed, _ = make(shard_csv, survey, tmp_path / "undisturbed")
    assert shard.read_bytes() == undisturbed.read_bytes()
    assert failed.read_bytes() == undisturbed.with_suffix(".failed.csv").read_bytes()


def test_a_damaged_part_is_made_anew(service, catalogue, survey, tmp_path, caplog):
    shard_csv, folder = catalogue(8), tmp_path / "2_cutouts"
    folder.mkdir()
    fail_in_second_chunk(service, shard_csv, survey, folder)
    (part,) = folder.glob("out.parquet.parts-*/part-00000.parquet")
    part.write_bytes(part.read_bytes()[:-100])
    shard, _ = make(shard_csv, survey, folder / "out")
    assert any(f"made anew: {part}" in message for message in caplog.messages)
    fresh, _ = make(shard_csv, survey, tmp_path / "fresh")
    assert shard.read_bytes() == fresh.read_bytes()


def test_after_too_many_failures_only_temporary_ones_are_tried_again(
    service, catalogue, survey, tmp_path
):
    names = [f"J{number}" for number in range(8)]
    shard_csv, shard = catalogue(8, names), tmp_path / "out.parquet"
    service.faults[key(1)] = ["404"]
    for number in (0, 5, 6):
        service.faults[key(number)] = ["503", "503"]
    with pytest.raises(UserError) as caught:
        make(shard_csv, survey, tmp_path / "out", max_failed_share=0.25)
    message = str(caught.value)
    for words in ("0-of-1.csv: 4 of 8 galaxies", "max_failed_share = 0.25", "http-503 3",
                  "not-found 1", "J0", "answered 503"):  # fmt: skip
        assert words in message
    assert not shard.exists()
    assert len(parts_of(shard)) == 2

    before = len(service.requests)
    shard, failed = make(shard_csv, survey, tmp_path / "out", max_failed_share=0.25)
    asked = [request["query"]["ra"] for request in service.requests[before:]]
    assert asked == [key(0), key(5), key(6)]
    assert failed["iauname"].tolist() == ["J1"]
    assert pq.read_table(shard)["iauname"].to_pylist() == [name for name in names if name != "J1"]


def test_a_service_that_is_down_gets_few_requests(service, catalogue, survey, tmp_path):
    for number in range(40):
        service.faults[key(number)] = ["503", "503"]
    with pytest.raises(UserError, match="4 of 40"):
        make(catalogue(40), survey, tmp_path / "out", max_failed_share=0.05)
    assert len(service.requests) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"jpeg_quality": 50},
        {"colour": OPTIONS["colour"] | {"desaturation": 3.0}},
        {"chunk": 2},
        {"max_missing_share": 0.1},
    ],
)
def test_parts_made_with_other_settings_are_not_reused(
    service, catalogue, survey, tmp_path, change
):
    shard_csv, shard = catalogue(8), tmp_path / "out.parquet"
    fail_in_second_chunk(service, shard_csv, survey, tmp_path)
    before = len(service.requests)
    make(shard_csv, survey, tmp_path / "out", **change)
    assert len(service.requests) - before == 8
    assert list(tmp_path.glob("*.parts-*")) == [], "nor left behind"
    fresh, _ = make(shard_csv, survey, tmp_path / "fresh", **change)
    assert shard.read_bytes() == fresh.read_bytes()


def test_a_mended_folder_is_read_anew(catalogue, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    pictures = np.random.default_rng(0).integers(0, 255, (8, 64, 64, 3), np.uint8)
    names = [f"J{number}" for number in range(8)]
    for name, picture in list(zip(names, pictures, strict=True))[:3]:
        (folder / f"{name}.jpg").write_bytes(images.to_jpeg(picture, 90))
    shard_csv, out = catalogue(8, names), tmp_path / "out"
    with pytest.raises(UserError, match="5 of 8 galaxies have no image"):
        make(shard_csv, open_images(folder, shard_csv), out)
    for name, picture in list(zip(names, pictures, strict=True))[3:]:
        (folder / f"{name}.jpg").write_bytes(images.to_jpeg(picture, 90))
    (folder / "J0.jpg").write_bytes(images.to_jpeg(255 - pictures[0], 90))
    shard, failed = make(shard_csv, open_images(folder, shard_csv), out)
    assert failed.empty
    thumbnail = pq.read_table(shard)["thumbnail"][0].as_py()
    assert thumbnail == (folder / "J0.jpg").read_bytes()
    assert not list(tmp_path.glob("*.parts-*"))


def test_parts_of_other_galaxies_are_not_reused(service, catalogue, survey, tmp_path):
    fail_in_second_chunk(service, catalogue(8), survey, tmp_path)
    before = len(service.requests)
    make(catalogue(8, [f"K{number}" for number in range(8)]), survey, tmp_path / "out")
    assert len(service.requests) - before == 8


def fail_in_second_chunk(service, shard_csv, survey, tmp_path) -> None:
    for number in range(4, 8):
        service.faults[key(number)] = ["503", "503"]
    with pytest.raises(UserError):
        make(shard_csv, survey, tmp_path / "out", max_failed_share=0.1)
    assert len(parts_of(tmp_path / "out.parquet")) == 2


def test_progress_is_in_the_log(service, catalogue, survey, tmp_path, caplog):
    service.faults[key(5)] = ["404"]
    with caplog.at_level("INFO"):
        make(catalogue(10), survey, tmp_path / "out")
    told = [record.getMessage() for record in caplog.records if "galaxies" in record.getMessage()]
    assert [line.rpartition(",")[0] for line in told] == [
        "4 of 10 galaxies, 0 without an image",
        "8 of 10 galaxies, 1 without an image",
        "10 of 10 galaxies, 1 without an image",
    ]


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
