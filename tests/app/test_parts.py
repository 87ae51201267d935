"""The page's smaller parts: downloads, links, the map, uploaded images, escaped text."""

import gzip
import re
import subprocess
import sys
import zlib
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.browser import need
from tests.conftest import ROOT
from workflow.app.__main__ import LOOPBACK, flags
from workflow.app.downloads import FORMATS
from workflow.app.draw_untrusted import MAX_PIXELS
from workflow.app.links import simbad_link, viewer_link
from workflow.app.query import Position, parse_query
from workflow.app.sky_map import draw_sky_map
from workflow.app.text import plain
from workflow.app.thumbnails import middle
from workflow.app.upload import draw_upload
from workflow.lib.common.errors import UserError
from workflow.lib.common.images import from_jpeg, to_jpeg
from workflow.lib.planning.config import read_config

UNITS = {"ra": "deg", "pixel_scale": "arcsec/pixel", "votes": "", "not-in-it": "mag"}
OPENERS = {
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
    ".vot": lambda file: Table.read(file, format="votable").to_pandas(),
}
CUTOUTS = read_config([])["cutouts"]


def png(width, height, rows):
    """Write a PNG by hand, so that it can declare more rows than it has."""

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = zlib.compress(bytes(rows * (3 * width + 1)), 9)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def fits_bytes(array, **header):
    buffer = BytesIO()
    fits.PrimaryHDU(array, fits.Header(header)).writeto(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.label)
def test_a_downloaded_table_equals_the_table(kind):
    table = pd.DataFrame(
        {
            "iauname": ["J1", 'a,"b"<c>&', "ü"],
            "ra": [1.5, np.nan, 359.0],
            "pixel_scale": [0.1, 0.2, 0.3],
            "votes": [1, 2, 3],
        }
    )
    found = OPENERS[kind.ending](BytesIO(kind.write(table, UNITS)))
    assert list(found) == list(table)
    for name in table:
        expected, have = table[name].tolist(), found[name].tolist()
        assert (
            have == pytest.approx(expected, nan_ok=True) if name != "iauname" else have == expected
        )


def test_votable_and_parquet_downloads_have_units():
    table = pd.DataFrame({"ra": [1.0], "pixel_scale": [0.1], "votes": [1]})
    data = {kind.ending: BytesIO(kind.write(table, UNITS)) for kind in FORMATS}
    votable = Table.read(data[".vot"], format="votable")
    assert votable["ra"].unit == "deg"
    assert votable["pixel_scale"].unit == "arcsec / pixel"
    assert pq.read_schema(data[".parquet"]).field("ra").metadata == {b"unit": b"deg"}


@given(ra=st.floats(0, 359.9), dec=st.floats(-90, 90))
def test_a_link_to_the_viewer_parses_to_the_same_position(ra, dec):
    assert parse_query(viewer_link(ra, dec, "ls-dr9")) == pytest.approx((ra, dec), abs=1e-6)


def test_links_contain_the_layer_and_the_coordinates():
    viewer = urlsplit(viewer_link(1, -2, "a&b=c"))
    assert parse_qs(viewer.query)["layer"] == ["a&b=c"]
    simbad = urlsplit(simbad_link(1, -2))
    assert simbad.hostname == "simbad.cds.unistra.fr"
    assert parse_qs(simbad.query)["Coord"] == ["1.000000 -2.000000"]


def test_the_map_shows_the_requested_position_anywhere_on_the_sky():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 3000), rng.uniform(-20, 30, 3000)
    maps = [
        draw_sky_map(ra, dec, Position(*asked), Position(10, 10))
        for asked in [(200, -80), (359.9, 90), (0, 0)]
    ]
    pictures = [np.asarray(Image.open(BytesIO(data)).convert("RGB"), int) for data in maps]
    for picture in pictures:
        red = (picture[..., 0] > 150) & (picture[..., 1] < 40)
        assert red.sum() > 50
    assert not np.array_equal(pictures[0], pictures[1])
    unknown = draw_sky_map(
        np.append(ra, np.nan), np.append(dec, 0), Position(0, 0), Position(10, 10)
    )
    assert unknown == maps[2]


@given(st.text())
def test_escaped_text_has_no_active_punctuation(text):
    escaped = plain(text)
    assert "\n" not in escaped
    unescaped = escaped.replace("\\\\", "")
    for place, letter in enumerate(unescaped):
        if letter in "<>[]()*_`$:!#|~":
            assert unescaped[place - 1] == "\\"


def rng_cube(bands=3, side=40):
    return np.random.default_rng(2).normal(0.02, 0.01, (bands, side, side)).astype(np.float32)


@pytest.mark.parametrize("side", [20, 424, 700])
def test_an_uploaded_image_is_drawn_at_the_size_of_thumbnails(side):
    pixels = np.random.default_rng(1).integers(0, 255, (side, side + 9, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    for data in [buffer.getvalue(), fits_bytes(rng_cube(), BANDS="grz"), fits_bytes(rng_cube()[0])]:
        rgb = draw_upload(data, CUTOUTS)
        assert (rgb.shape, rgb.dtype) == ((424, 424, 3), np.uint8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"\xff\xd8\xff" + b"\0" * 100,
        png(60000, 60000, 1),
        png(9000, 9000, 9000),  # 240 MB of zeros in 240 kB
        b"SIMPLE  =                    T" + b" " * 2850,
        fits_bytes(rng_cube())[:5760],
        fits_bytes(rng_cube()).replace(b"=                   40", b"=           4000000040"),
        fits_bytes(np.full((3, 40, 40), np.nan, np.float32)),
        fits_bytes(rng_cube(2), BANDS="gr"),
        b"SIMPLE  = <script>alert(1)</script>".ljust(2880),
        b"../../etc/passwd",
        b"GIF89a\x01\x02",
        b"\x00\xff'\x00",
        b"\x1f\x8b" + b"abc" * 10,
        png(30, 30, 3)[:60],
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_with_a_one_line_error(data):
    with pytest.raises(UserError, match="no usable image") as caught:
        draw_upload(data, CUTOUTS)
    assert "\n" not in plain(str(caught.value))
    # In words: neither bytes nor tuples of Python, nor what a library says.
    said = str(caught.value).removeprefix("no usable image: ")
    assert not re.search(r"""b['"]|\\x|[()<>:]|Error|astropy|Python""", said)


def tile_bomb():
    """A compressed FITS of 200 kB with one tile of 10 x 10 pixels, which holds 200 MB."""
    tile = np.frombuffer(gzip.compress(bytes(2 * 10**8)), np.uint8)
    column = fits.Column("COMPRESSED_DATA", "1PB()", array=np.array([tile], dtype=object))
    hdu = fits.BinTableHDU.from_columns([column])
    hdu.header.update({"ZIMAGE": True, "ZCMPTYPE": "GZIP_1", "ZBITPIX": 32, "ZNAXIS": 2})
    hdu.header.update({"ZNAXIS1": 10, "ZNAXIS2": 10, "ZTILE1": 10, "ZTILE2": 10})
    buffer = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    return buffer.getvalue()


@pytest.mark.thorough
@pytest.mark.parametrize("make", [tile_bomb, lambda: gzip.compress(bytes(10**9))])
def test_a_small_file_that_unpacks_to_a_large_one_is_refused(make):
    data = make()
    assert len(data) < 2**20
    with pytest.raises(UserError, match="no usable image: the uploaded file unpacks to more than"):
        draw_upload(data, CUTOUTS)


def test_an_image_of_the_largest_size_can_be_drawn_within_the_memory():
    side = int(MAX_PIXELS**0.5)
    cube = np.random.default_rng(0).normal(0.02, 0.01, (side, side)).astype(np.float32)
    assert draw_upload(fits_bytes(cube), CUTOUTS).shape == (424, 424, 3)
    with pytest.raises(UserError, match="pixels"):
        draw_upload(fits_bytes(np.zeros((side, side + 1), np.float32)), CUTOUTS)


def test_a_process_that_needs_too_much_memory_ends_in_one_line(monkeypatch):
    """Without the limits on decoded bytes, the limit on the process's memory holds."""
    code = "from workflow.app import draw_untrusted as d; d.MEMORY = 3 * 10**8; d.main()"
    real = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **o: real([command[0], "-c", code, *command[3:]], **o)
    )
    with pytest.raises(UserError, match=r"takes (too much|more) memory") as caught:
        draw_upload(fits_bytes(np.zeros((4000, 4000), np.float32)), CUTOUTS)
    assert "\n" not in str(caught.value)


def test_an_option_with_several_values_is_repeated():
    assert flags({"a.b": 1, "c": LOOPBACK}) == ["--a.b=1", "--c=127.0.0.1", "--c=localhost"]


def test_tensorflow_and_plotting_are_not_loaded_at_start():
    """The page must open at once; a map is drawn later, and the network is another process's."""
    program = (
        "import sys, workflow.app.__main__, workflow.app.similarity_page, workflow.app.hunt_page\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_file_is_an_error_before_the_page_starts(tmp_path):
    overlay = tmp_path / "none.yaml"
    overlay.write_text("pathvars: {results: /no-such-results}")
    command = [sys.executable, "-m", "workflow.app", "--configfile", str(overlay)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: /no-such-results/1_catalogue/decals.parquet: missing")


def test_without_a_browser_its_tests_are_skipped_or_fail_if_skipping_is_forbidden():
    ci = (ROOT / ".ci/run").read_text()
    (variable,) = re.findall(r"export (\w+BROWSER)=1\n", ci)
    with pytest.raises(pytest.skip.Exception, match="apt-get install"):
        need(None, {})
    with pytest.raises(pytest.fail.Exception, match="apt-get install"):
        need(None, {variable: "1"})
    need("/usr/bin/chromium", {variable: "1"})


@pytest.mark.parametrize("cut", [0, 10, 31])
def test_a_cropped_thumbnail_is_its_middle_part(cut):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[24:40, 24:40] = 200
    found = from_jpeg(middle(to_jpeg(pixels, 95), cut))
    assert found.shape == (64 - 2 * cut, 64 - 2 * cut, 3)
    np.testing.assert_allclose(found, pixels[cut : 64 - cut, cut : 64 - cut], atol=40)
