"""Shards whose job was killed, failed or asked too much: what is done is not done again."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cutout_service import PATIENCE
from tests.own_images import open_images
from tests.unit.cutouts.shard_steps import OPTIONS, key, make, parts_of
from workflow.lib.common import images
from workflow.lib.common.errors import UserError

ROOT = Path(__file__).parents[3]
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
