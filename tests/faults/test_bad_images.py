"""Image files and folders with mistakes: a galaxy without a usable image is named, with the reason.

What is in a FITS image, and how it is told, is in `tests/unit/common/test_fits_images.py`.
"""

import csv
import gzip
import zipfile
from io import BytesIO

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from tests.cutout_service import cutout_fits
from tests.own_images import CUTOUTS, open_images
from tests.unit.common.image_files import encode, noise, png_16, png_bomb
from workflow.lib.common.errors import UserError
from workflow.lib.cutouts.image_index import index_images
from workflow.lib.cutouts.shards import make_shard

SIZE = 32
RGB = np.random.default_rng(1).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
GOOD = encode(RGB, "JPEG")
FITS = cutout_fits(SIZE)
SETTINGS = CUTOUTS | {"thumbnail_size": SIZE, "network_size": 16, "network_field": 1, "chunk": 64}


def fits_of(*hdus):
    buffer = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(buffer)
    return buffer.getvalue()


def cube(array, **header):
    buffer = BytesIO()
    fits.PrimaryHDU(array.astype(np.float32), fits.Header(header)).writeto(buffer)
    return buffer.getvalue()


def grey(level):
    return encode(np.full((SIZE, SIZE, 3), level, np.uint8), "PNG")


CLEAR = np.dstack([RGB, np.zeros((SIZE, SIZE), np.uint8)])
NEARLY = np.clip(RGB // 60, 0, 4).astype(np.uint8)
HOLES = noise(3, SIZE, SIZE)
HOLES[1, : SIZE // 2] = np.nan
NO_R = noise(3, SIZE, SIZE)
NO_R[1] = 0

IMAGES = {
    "nothing": ("jpg", b"", "truncated"),
    "a web page": ("jpg", b"<!DOCTYPE html><html>404", "html-page"),
    "a sentence": ("png", b"no overlap", "not-an-image"),
    "a PDF": ("jpg", b"%PDF-1.7 ...", "not-an-image"),
    "a GIF": ("jpg", encode(RGB, "GIF"), "not-an-image"),
    "a TIFF": ("png", encode(RGB, "TIFF"), "not-an-image"),
    "a WebP": ("jpg", encode(RGB, "WEBP"), "not-an-image"),
    "a zip": ("jpg", b"PK\x03\x04 ...", "not-an-image"),
    "half of a JPEG": ("jpg", GOOD[: len(GOOD) // 2], "truncated"),
    "the beginning of a JPEG": ("jpg", b"\xff\xd8\xff\xe0", "truncated"),
    "half of a PNG": ("png", encode(RGB, "PNG")[:1000], "truncated"),
    "a PNG of many pixels": ("png", png_bomb(60_000, 60_000), "too-large"),
    "one colour": ("png", grey(77), "empty-sky"),
    "white": ("png", encode(255 - NEARLY, "PNG"), "no-contrast"),
    "black": ("png", encode(NEARLY, "PNG"), "no-contrast"),
    "one grey": ("png", encode(120 + NEARLY, "PNG"), "no-contrast"),
    "all transparent": ("png", encode(CLEAR, "PNG"), "missing-pixels"),
    "12 bits in 16": ("png", png_16(np.arange(SIZE**2).reshape(SIZE, SIZE) * 3), "no-contrast"),
    "half of a FITS image": ("fits", FITS[: len(FITS) // 2], "truncated"),
    "a FITS header": ("fits", FITS[:2880], "truncated"),
    "a FITS file without an image": ("fits", fits_of(), "not-an-image"),
    "a table": ("fits", fits_of(fits.BinTableHDU(Table({"a": [1]}))), "not-an-image"),
    "a spectrum": ("fits", cube(noise(500)), "not-an-image"),
    "weights": ("fits", fits_of(fits.ImageHDU(noise(8, 8), name="WEIGHT")), "not-an-image"),
    "two bands": ("fits", cube(noise(2, SIZE, SIZE)), "missing-band"),
    "two named bands": ("fits", cube(noise(2, SIZE, SIZE), BANDS="gr"), "missing-band"),
    "four bands without names": ("fits", cube(noise(4, SIZE, SIZE)), "unknown-bands"),
    "a band of zeros": ("fits", cube(NO_R), "missing-band"),
    "bands of zeros": ("fits", cube(np.zeros((3, SIZE, SIZE))), "empty-sky"),
    "no number": ("fits", cube(np.full((3, SIZE, SIZE), np.nan)), "empty-sky"),
    "half a band missing": ("fits", cube(HOLES), "missing-pixels"),
    "electrons": ("fits", cube(noise(3, SIZE, SIZE), BUNIT="electron/s"), "unknown-unit"),
    "counts on a sky": ("fits", cube(200 + noise(3, SIZE, SIZE)), "no-contrast"),
    "maggies": ("fits", cube(noise(3, SIZE, SIZE) * 1e-9), "no-contrast"),
    "half of a zipped FITS": ("fits.gz", gzip.compress(FITS)[:-30], "truncated"),
    "zeros, zipped": ("fits.gz", gzip.compress(bytes(10**6)), "not-an-image"),
}
"""For each an ending, a file's content, and the reason for which it is no image."""


def shard_of(folder, iaunames, images):
    """Make a shard of these galaxies; return the galaxies in it, and the table of the others."""
    listed, shard, failed = (folder / name for name in ["a.csv", "a.parquet", "a.failed.csv"])
    with listed.open("w", newline="") as file:
        csv.writer(file).writerows([["iauname"], *([name] for name in iaunames)])
    make_shard(listed, open_images(images, listed), shard, failed, **SETTINGS, max_failed_share=1)
    with failed.open(newline="") as file:
        return pq.read_table(shard)["iauname"].to_pylist(), list(csv.DictReader(file))


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    (folder / "images").mkdir()
    for kind, (ending, content, _) in IMAGES.items():
        (folder / f"images/{kind}.{ending}").write_bytes(content)
    (folder / "images/good.jpg").write_bytes(GOOD)
    return shard_of(folder, ["good", *IMAGES], folder / "images")


def test_bad_images_cost_no_other_galaxy(shard):
    assert shard[0] == ["good"]


@pytest.mark.parametrize("kind", IMAGES)
def test_a_file_without_a_usable_image_is_named_with_the_reason(shard, kind):
    (row,) = [row for row in shard[1] if row["iauname"] == kind]
    assert row["reason"] == IMAGES[kind][2]
    assert kind in row["detail"]
    assert row["detail"].isprintable()


IDS = [
    "../../secret",
    "../secret",
    "/etc/passwd",
    "images/../../secret",
    "..",
    ".",
    "~",
    "*",
    "good.jpg/../../secret",
    "%2e%2e/secret",
    "x" * 300,
    "<script>alert(1)</script>",
    "$(touch run)",
    "; touch run",
    "-rf",
    "=1+1",
    "\u202egood",
]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_an_id_is_never_a_path(tmp_path, monkeypatch, packed):
    monkeypatch.chdir(tmp_path)
    images = tmp_path / "below/below/images"
    images.mkdir(parents=True)
    (images / "good.jpg").write_bytes(GOOD)
    for folder in (tmp_path, tmp_path / "below", images.parent):
        (folder / "secret.jpg").write_bytes(GOOD)
    if packed:
        with zipfile.ZipFile(images.with_suffix(".zip"), "w") as archive:
            archive.writestr("good.jpg", GOOD)
    source = images.with_suffix(".zip") if packed else images
    names, failed = shard_of(tmp_path, ["good", *IDS], source)
    assert names == ["good"]
    assert [(row["iauname"], row["reason"]) for row in failed] == [(i, "not-found") for i in IDS]
    assert not (tmp_path / "run").exists()


def zipped(**files):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


SOURCES = {
    "nothing": (None, "no such folder or zip"),
    "an empty folder": ({}, "file in it"),
    "a folder of notes": ({"a.txt": b"", "b.csv": b""}, "file in it"),
    "hidden files": ({".a.jpg": GOOD, ".DS_Store": b""}, "file in it"),
    "two images of a galaxy": ({"a.jpg": GOOD, "a.png": GOOD}, "two images of galaxy a"),
    "the same galaxy in two folders": ({"x/a.jpg": GOOD, "y/a.jpg": GOOD}, "two images"),
    "an empty file": (b"", "neither a folder nor a complete zip"),
    "an image": (GOOD, "neither a folder nor a complete zip"),
    "half of a zip": (zipped(a=bytes(5000))[:2000], "neither a folder nor a complete zip"),
    "an empty zip": (zipped(), "file in it"),
    "a zip of notes": (zipped(a=b"notes"), "file in it"),
    "two images in a zip": (zipped(**{"a.jpg": GOOD, "b/a.png": GOOD}), "two images"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_that_has_no_images_is_one_line(tmp_path, kind):
    content, words = SOURCES[kind]
    path = tmp_path / "images"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
        for name, data in content.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_bytes(data)
    with pytest.raises(UserError) as caught:
        index_images([path], tmp_path / "index.parquet")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_zip_writes_nothing_wherever_its_entries_point(tmp_path):
    names = ["../../a.jpg", "/b.jpg", "..\\..\\c.jpg", "d/../../e.jpg"]
    (tmp_path / "images.zip").write_bytes(zipped(**dict.fromkeys(names, GOOD)))
    listed = tmp_path / "listed/shard.csv"
    listed.parent.mkdir()
    listed.write_text("\n".join(["iauname", *"abce"]))
    source = open_images(tmp_path / "images.zip", listed)
    assert {source.read({"iauname": name}) for name in "abce"} == {GOOD}
    assert {path.name for path in tmp_path.iterdir()} == {"images.zip", "listed"}


def test_an_entry_that_unpacks_to_more_than_it_says_is_cut_there(tmp_path):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(10**7))
    size = (10**7).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (1000).to_bytes(4, "little")))
    names, (row,) = shard_of(tmp_path, ["a"], path)
    assert (names, row["reason"]) == ([], "truncated")


def test_a_picture_is_not_opened_by_other_readers(tmp_path, monkeypatch):
    """Pillow knows formats that run programs (EPS): only JPEG and PNG are tried."""
    asked = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: asked.append(k["formats"]) or real(*a, **k))
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "b.jpg").write_bytes(GOOD)
    names, (row,) = shard_of(tmp_path, ["a", "b"], tmp_path)
    assert (names, row["reason"]) == (["b"], "not-an-image")
    assert {*map(tuple, asked)} == {("JPEG",)}
