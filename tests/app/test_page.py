"""The page in a real browser, on the toy sky: every way to ask, and what is not meant kindly."""

import re
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from scipy.spatial.distance import cdist

from tests.app.conftest import HOSTILE_NAMES, make_results
from tests.app.test_parts import fits_bytes, png, rng_cube
from tests.browser import SETTLED, served
from tests.conftest import ROOT
from workflow.app.search import find_similar

BOX = "Coordinates, link or name"
MATCHED, FOUND, BEGIN = "Matched galaxy", "Most similar galaxies", "To begin with"


def box(page):
    return page.get_by_role("textbox", name=BOX, exact=True)


def ask(page, text):
    """Type a query as a visitor does."""
    box(page).fill(text)
    box(page).press("Enter")


def gallery(page, label):
    return page.get_by_role("list", name=label, exact=True)


def galaxies(page, label=FOUND):
    """Give the galaxies of a gallery, in order."""
    return gallery(page, label).locator(".name").all_inner_texts()


def galaxy(page, name, label=FOUND):
    """Give the one button of a galaxy of a gallery that chooses it."""
    named = page.locator(".name").get_by_text(name, exact=True)
    return gallery(page, label).locator(".galaxy").filter(has=named)


def matched(page, iauname):
    """Wait until this is the galaxy that the page takes the query to mean, and those like it."""
    expect(gallery(page, MATCHED).locator(".name")).to_have_text(iauname)
    settled(page)


def settled(page):
    """Wait until nothing on the page is about to change."""
    expect(gallery(page, FOUND).get_by_role("listitem").first).to_be_visible()
    page.wait_for_function(SETTLED)


def found(page, iaunames):
    """Wait until these are the galaxies that the page finds, in this order."""
    expect(gallery(page, FOUND).locator(".name")).to_have_text(iaunames)


def expected(survey, like, unlike=(), whole=False, allowed=None):
    allowed = np.ones(len(survey), bool) if allowed is None else allowed
    similar = find_similar(
        survey, like, unlike, 24, whole=whole, metric="manhattan", allowed=allowed, same_within=100
    )
    return [survey.iaunames[row] for row in similar.rows]


def download(page, label):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Download {label}").click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def sky(survey, row):
    return SkyCoord(survey.ra[row] * u.deg, survey.dec[row] * u.deg)


def forms(survey, row):
    """Ways to say which galaxy is meant."""
    place = sky(survey, row)
    ra, dec = f"{place.ra.deg:.6f}", f"{place.dec.deg:.6f}"
    return {
        "degrees": f"{ra} {dec}",
        "sexagesimal": place.to_string("hmsdms", sep=":", precision=2),
        "link": f"https://www.legacysurvey.org/viewer?ra={ra}&dec={dec}&layer=ls-dr9&zoom=14",
        "iauname": survey.iaunames[row],
        "another name": "SDSS J" + place.to_string("hmsdms", sep="", precision=1).replace(" ", ""),
        "resolved name": "NGC 4254",
    }


def test_the_first_view_says_what_it_shows_and_leads_on(site, visit):
    page = visit(site.address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Find galaxies like this one")
    expect(page.get_by_text(re.compile(f"{len(site.survey)} galaxies of decals · simulated")))
    expect(gallery(page, BEGIN).get_by_role("listitem")).to_have_count(24)
    assert site.survey.encoder_label.split(":")[0] in page.inner_text("body")
    name = galaxies(page, BEGIN)[5]
    galaxy(page, name, BEGIN).click()
    matched(page, name)


@pytest.mark.parametrize(
    "form", ["degrees", "sexagesimal", "link", "iauname", "another name", "resolved name"]
)
def test_each_way_to_ask_for_a_galaxy_finds_it_and_the_nearest(site, visit, sesame, form):
    row = 17
    sesame.objects["NGC 4254"] = site.survey.ra[row], site.survey.dec[row]
    page = visit(site.address)
    ask(page, forms(site.survey, row)[form])
    matched(page, site.survey.iaunames[row])
    vectors = site.survey.vectors[False]
    nearest = np.argsort(cdist(vectors[[row]], vectors, "cityblock")[0], kind="stable")
    assert galaxies(page) == [site.survey.iaunames[other] for other in nearest[1:25]]
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("arcmin", "warned", "mapped"), [(0.1, False, False), (5, True, False), (200, True, True)]
)
def test_a_match_far_from_what_was_asked_for_is_warned_of(site, visit, arcmin, warned, mapped):
    survey = site.survey
    place = sky(survey, 3).directional_offset_by(180 * u.deg, arcmin * u.arcmin)
    others = SkyCoord(survey.ra * u.deg, survey.dec * u.deg)
    nearest, separation, _ = place.match_to_catalog_sky(others)
    page = visit(site.address)
    ask(page, f"{place.ra.deg:.7f} {place.dec.deg:.7f}")
    matched(page, survey.iaunames[int(nearest)])
    unit, digits = ("deg", 2) if mapped else ("arcsec", 1)
    text = f"{separation[0].to_value(unit):.{digits}f} {unit}"
    expect(page.get_by_text(re.compile(f"{text} from what was asked for"))).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text=f"is {text} from")).to_have_count(int(warned))
    expect(page.get_by_role("img", name="Map of the sky")).to_have_count(int(mapped))


def test_a_picture_becomes_the_next_query_and_the_address_keeps_it(site, visit):
    page = visit(f"{site.address}/?galaxy={site.survey.iaunames[2].replace('+', '%2B')}")
    matched(page, site.survey.iaunames[2])
    second = galaxies(page)[4]
    galaxy(page, second).click()
    matched(page, second)
    expect(box(page)).to_have_value(second)
    page.reload()
    matched(page, second)


def test_examples_and_counterexamples(site, visit):
    survey, row = site.survey, 8
    page = visit(site.address)
    ask(page, survey.iaunames[row])
    matched(page, survey.iaunames[row])
    like, unlike = galaxies(page)[2], galaxies(page)[5]
    page.get_by_role("button", name=f"+ like {like}").click()
    expect(page.get_by_role("heading", name="And like these")).to_be_visible()
    page.get_by_role("button", name=f"\u2212 unlike {unlike}").click()
    expect(page.get_by_role("heading", name="Not like these")).to_be_visible()
    rows = survey.row(like), survey.row(unlike)
    names = expected(survey, [row, rows[0]], [rows[1]])
    assert names != expected(survey, [row])
    found(page, names)
    expect(gallery(page, FOUND).locator(".caption").first).to_contain_text("1: score")
    page.reload()
    found(page, names)
    page.get_by_role("button", name=f"remove {unlike}").click()
    expect(page.get_by_role("heading", name="Not like these")).to_have_count(0)
    found(page, expected(survey, [row, rows[0]]))
    ask(page, survey.iaunames[1])
    matched(page, survey.iaunames[1])
    expect(page.get_by_role("heading", name="And like these")).to_have_count(0)


def test_all_dimensions_can_be_compared(site, visit):
    page = visit(site.address)
    ask(page, site.survey.iaunames[8])
    matched(page, site.survey.iaunames[8])
    page.get_by_text("all 1280").click()
    names = expected(site.survey, [8], whole=True)
    assert names != expected(site.survey, [8])
    found(page, names)


FILTERED = "smooth-or-featured_smooth_automated-fraction"


def test_filters_and_downloads_in_three_formats(site, visit):
    survey = site.survey
    page = visit(site.address)
    ask(page, survey.iaunames[8])
    matched(page, survey.iaunames[8])
    everything = pd.read_csv(BytesIO(download(page, "CSV")[1]))
    assert len(everything) == min(500, len(survey) - 1)
    assert everything["rank"].tolist() == list(range(1, len(everything) + 1))
    assert everything["iauname"].tolist()[:24] == galaxies(page)
    assert everything["distance"].is_monotonic_increasing
    columns = page.get_by_role("combobox", name="By columns of the catalogue")
    columns.fill(FILTERED)
    page.get_by_role("option", name=FILTERED, exact=True).click()
    columns.press("Escape")
    thumbs = page.locator('[class*="st-key-filter-smooth"]').get_by_role("slider")
    expect(thumbs).to_have_count(2)
    for _ in range(30):
        thumbs.first.press("ArrowRight")
    low = float(thumbs.first.input_value())
    smooth = survey.column(FILTERED)
    allowed = smooth >= low
    assert 5 < allowed.sum() < len(survey) - 5
    names = expected(survey, [8], allowed=allowed)
    found(page, names)
    settled(page)
    files = dict(download(page, label) for label in ["CSV", "Parquet", "VOTable"])
    tables = [
        pd.read_csv(BytesIO(files["similar.csv"])),
        pd.read_parquet(BytesIO(files["similar.parquet"])),
        Table.read(BytesIO(files["similar.vot"]), format="votable").to_pandas(),
    ]
    for table in tables:
        assert table["iauname"].tolist()[: len(names)] == names
        assert (table[FILTERED] >= low).all()
        np.testing.assert_allclose(table["ra"], tables[0]["ra"])
    votable = Table.read(BytesIO(files["similar.vot"]), format="votable")
    assert (votable["ra"].unit, votable["mag_r"].unit) == ("deg", "mag")


def test_links_lead_to_the_same_place_elsewhere(site, visit):
    page = visit(site.address)
    ask(page, site.survey.iaunames[8])
    matched(page, site.survey.iaunames[8])
    viewer = page.get_by_role("link", name="Legacy Survey viewer").get_attribute("href")
    assert f"ra={site.survey.ra[8]:.6f}&dec={site.survey.dec[8]:.6f}" in viewer
    assert "simbad" in page.get_by_role("link", name="SIMBAD").first.get_attribute("href")


def upload(page, name, data):
    page.locator('input[type="file"]').set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def test_an_image_of_ones_own(site, visit):
    """A galaxy's own picture is represented as the encoder sees it, so it is searched with that."""
    survey = site.survey
    page = visit(site.address)
    upload(page, "../../<img src=x onerror='window.hacked=1'>.jpg", survey.thumbnails([8])[0])
    expect(page.get_by_role("heading", name="Your image")).to_be_visible()
    settled(page)
    first = galaxies(page)
    assert len(first) == 24
    upload(page, "cube.fits", fits_bytes(rng_cube(3, 60), BANDS="grz"))
    expect(gallery(page, FOUND).locator(".name").first).not_to_have_text(first[0])
    settled(page)
    assert galaxies(page) != first
    name = galaxies(page)[3]
    galaxy(page, name).click()
    matched(page, name)
    expect(page.get_by_role("heading", name="Your image")).to_have_count(0)


def test_files_that_are_no_images_are_told_in_one_line(site, visit):
    page = visit(site.address)
    files = {
        "corrupt.fits": fits_bytes(rng_cube())[:5760],
        "bomb.png": png(9000, 9000, 9000),
        "page.jpg": b"<html><script>window.hacked = 1</script>",
        "empty.png": b"",
    }
    for (name, data), reason in zip(
        files.items(), ["truncated|damaged|ends", "pixels", "web page", "empty"], strict=True
    ):
        upload(page, name, data)
        expect(page.get_by_role("alert")).to_contain_text(
            re.compile(f"no usable image.*({reason})")
        )
        assert len(page.get_by_role("alert").inner_text().splitlines()) == 1
    ask(page, site.survey.iaunames[8])
    matched(page, site.survey.iaunames[8])


def test_a_file_that_is_too_large_is_refused(site, visit, tmp_path):
    large = tmp_path / "large.fits"
    with large.open("wb") as file:
        file.truncate(200_000_000)
    page = visit(site.address)
    page.locator('input[type="file"]').set_input_files(large)
    expect(page.get_by_text(re.compile("must be 20.*MB or smaller"))).to_be_visible()


HOSTILE_QUERIES = {
    "<script>window.hacked = 1</script>": "no galaxy of this survey",
    "nan nan": "RA must be between",
    "<img src=x onerror=window.hacked=1>": "no galaxy of this survey",
    "![x](http://198.51.100.7/x.png)": "no ra and dec in this link",
    "javascript:window.hacked=1": "no galaxy of this survey",
    "0 -1e308": "Dec must be between",
    "../../../../etc/passwd": "no galaxy of this survey",
    "file:///etc/passwd": "no ra and dec in this link",
    "1e308 1e308": "RA must be between",
    "'; DROP TABLE galaxies; --": "no galaxy of this survey",
}


def test_hostile_queries_are_answered_in_one_line(site, visit):
    page = visit(site.address)
    alert = page.get_by_role("alert")
    for text, message in HOSTILE_QUERIES.items():
        ask(page, text)
        expect(alert).to_contain_text(message)
        assert len(alert.inner_text().splitlines()) == 1
        assert "root:" not in page.content()
    script = next(iter(HOSTILE_QUERIES))
    page.goto(f"{site.address}/?{urlencode({'galaxy': script})}")
    expect(alert).to_contain_text(HOSTILE_QUERIES[script])


def test_examples_in_the_address_that_are_no_galaxies_are_left_out(site, visit):
    name = site.survey.iaunames[8].replace("+", "%2B")
    page = visit(f"{site.address}/?galaxy={name}&like=%3Cscript%3E&unlike=../../x&like={name}")
    matched(page, site.survey.iaunames[8])
    expect(page.get_by_role("heading", name=re.compile("like these"))).to_have_count(0)
    assert galaxies(page) == expected(site.survey, [8])


def test_names_of_a_survey_are_text_whatever_they_look_like(tmp_path, visit):
    names = [*HOSTILE_NAMES, *(f"J{number}" for number in range(18))]
    make_results(tmp_path, names)
    with served(["make", "app"], ROOT, CONFIG=str(tmp_path / "page.yaml")) as (address, _):
        page = visit(address)
        expect(gallery(page, BEGIN).get_by_role("listitem")).to_have_count(24)
        assert galaxies(page, BEGIN) == names[:24]
        assert gallery(page, BEGIN).locator("script, a, .name *, img:not([src^=data])").count() == 0
        galaxy(page, HOSTILE_NAMES[0], BEGIN).click()
        expect(gallery(page, MATCHED).locator(".name")).to_have_text(HOSTILE_NAMES[0])
        expect(box(page)).to_have_value(HOSTILE_NAMES[0])
        assert page.locator("[href*='javascript:']").count() == 0


def listening(port, table):
    """Say at which addresses somebody listens to a port, as the kernel writes them."""
    rows = [line.split() for line in Path("/proc/net", table).read_text().splitlines()[1:]]
    places = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, at in places if int(at, 16) == port}


def test_it_listens_to_this_machine_alone(site):
    port = int(site.address.rpartition(":")[2])
    assert listening(port, "tcp") == {"0100007F"}
    assert listening(port, "tcp6") == set()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("evil.example", 403)])
def test_a_web_site_that_points_its_name_here_is_refused(site, host, status):
    port = int(site.address.rpartition(":")[2])
    connection = HTTPConnection("127.0.0.1", port)
    handshake = {
        "Host": f"{host}:{port}",
        "Origin": f"http://{host}:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    connection.request("GET", "/_stcore/stream", headers=handshake)
    assert connection.getresponse().status == status
    connection.close()


# Everybody's page


def focused(page, property):
    """Say something of what has the keyboard's focus."""
    return page.evaluate(
        """property => {
            const outer = document.activeElement;
            const inner = outer.shadowRoot?.activeElement ?? outer;
            return property == "text" ? inner.innerText : getComputedStyle(inner)[property];
        }""",
        property,
    )


def test_the_keyboard_alone_is_enough(site, visit):
    page = visit(site.address)
    expect(gallery(page, BEGIN).get_by_role("listitem")).to_have_count(24)
    box(page).focus()
    page.keyboard.type(site.survey.iaunames[8])
    page.keyboard.press("Enter")
    matched(page, site.survey.iaunames[8])
    first = galaxies(page)[0]
    box(page).focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert focused(page, "outlineStyle") != "none" or focused(page, "boxShadow") != "none"
        if first in focused(page, "text"):
            break
    assert focused(page, "outlineWidth") == "3px"
    page.keyboard.press("Enter")
    matched(page, first)


def test_every_picture_and_every_control_has_a_name(site, visit):
    page = visit(site.address)
    ask(page, site.survey.iaunames[8])
    matched(page, site.survey.iaunames[8])
    for label, count in {MATCHED: 1, FOUND: 24}.items():
        buttons = gallery(page, label).locator("button.galaxy")
        names = [buttons.nth(place).get_attribute("aria-label") for place in range(buttons.count())]
        assert len(set(names)) == count
        pictures = gallery(page, label).locator("img")
        texts = [pictures.nth(place).get_attribute("alt") for place in range(pictures.count())]
        assert texts == [f"Picture of {name}" for name in galaxies(page, label)]
    controls = gallery(page, FOUND).get_by_role("button")
    names = [controls.nth(place).get_attribute("aria-label") for place in range(controls.count())]
    assert len(set(names)) == 3 * 24
    levels = page.evaluate(
        "() => [...document.querySelectorAll('main h1, main h2, main h3')].map(h => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) <= 1


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_against(site, visit, width):
    page = visit(site.address, width=width)
    ask(page, forms(site.survey, 8)["degrees"])
    matched(page, site.survey.iaunames[8])
    results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    problems = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
        for violation in results.response["violations"]
    ]
    assert problems == []


def test_at_a_phones_width_nothing_is_cut_off(site, visit):
    page = visit(site.address, width=390, height=844)
    ask(page, forms(site.survey, 8)["degrees"])
    matched(page, site.survey.iaunames[8])
    wide = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(element => {
            const box = element.getBoundingClientRect();
            return box.width && box.right > innerWidth + 1 && !element.closest('.stDataFrame');
        }).map(element => element.outerHTML.slice(0, 100))"""
    )
    assert wide == []
    items = gallery(page, FOUND).get_by_role("listitem")
    tops = [items.nth(place).bounding_box()["y"] for place in range(4)]
    assert tops[0] == tops[1] < tops[2] == tops[3]
