"""The page of similar galaxies in a real browser, on the toy sky: queries, filters, downloads."""

import re
from io import BytesIO

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from playwright.sync_api import expect
from scipy.spatial.distance import cdist

from tests.app.similarity_steps import (
    FOUND,
    START,
    apply_filters,
    ask,
    box,
    download,
    expect_found,
    expect_matched,
    expected,
    forms,
    galaxies,
    galaxy,
    gallery,
    open_filters,
    sky,
    upload,
    wait_until_settled,
)
from tests.app.test_parts import fits_bytes, rng_cube


def test_the_first_view_describes_the_survey_and_offers_galaxies_to_start_from(site, visit):
    page = visit(site.address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Find galaxies like this one")
    expect(page.get_by_text(re.compile(f"{len(site.survey)} galaxies of decals · simulated")))
    expect(gallery(page, START).get_by_role("listitem")).to_have_count(24)
    assert site.survey.encoder_label.split(":")[0] in page.inner_text("body")
    name = galaxies(page, START)[5]
    galaxy(page, name, START).click()
    expect_matched(page, name)


@pytest.mark.parametrize(
    "form", ["degrees", "sexagesimal", "link", "iauname", "another name", "resolved name"]
)
def test_each_form_of_query_finds_the_galaxy_and_its_nearest_neighbours(site, visit, sesame, form):
    row = 17
    sesame.objects["NGC 4254"] = site.survey.ra[row], site.survey.dec[row]
    page = visit(site.address)
    ask(page, forms(site.survey, row)[form])
    expect_matched(page, site.survey.iaunames[row])
    vectors = site.survey.vectors[False]
    nearest = np.argsort(cdist(vectors[[row]], vectors, "cityblock")[0], kind="stable")
    assert galaxies(page) == [site.survey.iaunames[other] for other in nearest[1:25]]
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("arcmin", "warned", "mapped"), [(0.1, False, False), (5, True, False), (200, True, True)]
)
def test_a_match_far_from_the_position_gives_a_warning(site, visit, arcmin, warned, mapped):
    survey = site.survey
    place = sky(survey, 3).directional_offset_by(180 * u.deg, arcmin * u.arcmin)
    others = SkyCoord(survey.ra * u.deg, survey.dec * u.deg)
    nearest, separation, _ = place.match_to_catalog_sky(others)
    page = visit(site.address)
    ask(page, f"{place.ra.deg:.7f} {place.dec.deg:.7f}")
    expect_matched(page, survey.iaunames[int(nearest)])
    unit, digits = ("deg", 2) if mapped else ("arcsec", 1)
    text = f"{separation[0].to_value(unit):.{digits}f} {unit}"
    expect(page.get_by_text(re.compile(f"{text} from the requested position"))).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text=f"is {text} from")).to_have_count(int(warned))
    expect(page.get_by_role("img", name="Map of the sky")).to_have_count(int(mapped))


def test_a_clicked_galaxy_becomes_the_query_and_is_kept_in_the_address(site, visit):
    page = visit(f"{site.address}/?galaxy={site.survey.iaunames[2].replace('+', '%2B')}")
    expect_matched(page, site.survey.iaunames[2])
    second = galaxies(page)[4]
    galaxy(page, second).click()
    expect_matched(page, second)
    expect(box(page)).to_have_value(second)
    page.reload()
    expect_matched(page, second)


def test_examples_and_counterexamples(site, visit):
    survey, row = site.survey, 8
    page = visit(site.address)
    ask(page, survey.iaunames[row])
    expect_matched(page, survey.iaunames[row])
    like, unlike = galaxies(page)[2], galaxies(page)[5]
    page.get_by_role("button", name=f"+ like {like}").click()
    expect(page.get_by_role("heading", name="And like these")).to_be_visible()
    page.get_by_role("button", name=f"\u2212 unlike {unlike}").click()
    expect(page.get_by_role("heading", name="Not like these")).to_be_visible()
    rows = survey.row(like), survey.row(unlike)
    names = expected(survey, [row, rows[0]], [rows[1]])
    assert names != expected(survey, [row])
    expect_found(page, names)
    expect(gallery(page, FOUND).locator(".caption").first).to_contain_text("1: score")
    page.reload()
    expect_found(page, names)
    page.get_by_role("button", name=f"remove {unlike}").click()
    expect(page.get_by_role("heading", name="Not like these")).to_have_count(0)
    expect_found(page, expected(survey, [row, rows[0]]))
    ask(page, survey.iaunames[1])
    expect_matched(page, survey.iaunames[1])
    expect(page.get_by_role("heading", name="And like these")).to_have_count(0)


def test_all_dimensions_can_be_compared(site, visit):
    page = visit(site.address)
    ask(page, site.survey.iaunames[8])
    expect_matched(page, site.survey.iaunames[8])
    page.get_by_text("Distance", exact=True).first.click()
    page.get_by_text("all 1280").click()
    names = expected(site.survey, [8], whole=True)
    assert names != expected(site.survey, [8])
    expect_found(page, names)


FILTERED = "smooth-or-featured_smooth_automated-fraction"


def test_filters_and_downloads_in_three_formats(site, visit):
    survey = site.survey
    page = visit(site.address)
    ask(page, survey.iaunames[8])
    expect_matched(page, survey.iaunames[8])
    everything = pd.read_csv(BytesIO(download(page, "CSV")[1]))
    assert len(everything) == min(500, len(survey) - 1)
    assert everything["rank"].tolist() == list(range(1, len(everything) + 1))
    assert everything["iauname"].tolist()[:24] == galaxies(page)
    assert everything["distance"].is_monotonic_increasing
    open_filters(page)
    columns = page.get_by_role("combobox", name="Catalogue columns")
    columns.fill(FILTERED)
    page.get_by_role("option", name=FILTERED, exact=True).click()
    columns.press("Escape")
    thumbs = page.locator('[class*="st-key-filter-smooth"]').get_by_role("slider")
    expect(thumbs).to_have_count(2)
    for _ in range(30):
        thumbs.first.press("ArrowRight")
    low = float(thumbs.first.input_value())
    apply_filters(page)
    smooth = survey.column(FILTERED)
    allowed = smooth >= low
    assert 5 < allowed.sum() < len(survey) - 5
    names = expected(survey, [8], allowed=allowed)
    expect_found(page, names)
    wait_until_settled(page)
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


def test_links_lead_to_the_same_position_in_the_viewer_and_in_simbad(site, visit):
    page = visit(site.address)
    ask(page, site.survey.iaunames[8])
    expect_matched(page, site.survey.iaunames[8])
    viewer = page.get_by_role("link", name="Legacy Survey viewer").get_attribute("href")
    assert f"ra={site.survey.ra[8]:.6f}&dec={site.survey.dec[8]:.6f}" in viewer
    assert "simbad" in page.get_by_role("link", name="SIMBAD").first.get_attribute("href")


def test_a_users_own_image(site, visit):
    """A thumbnail and then a FITS cube are uploaded; a click on a galaxy replaces the image."""
    survey = site.survey
    page = visit(site.address)
    upload(page, "../../<img src=x onerror='window.hacked=1'>.jpg", survey.thumbnails([8])[0])
    expect(page.get_by_role("heading", name="Your image")).to_be_visible()
    wait_until_settled(page)
    first = galaxies(page)
    assert len(first) == 24
    upload(page, "cube.fits", fits_bytes(rng_cube(3, 60), BANDS="grz"))
    # Of so small a sky, one galaxy may be the nearest to both.
    expect(gallery(page, FOUND).locator(".name")).not_to_have_text(first)
    wait_until_settled(page)
    assert galaxies(page) != first
    name = galaxies(page)[3]
    galaxy(page, name).click()
    expect_matched(page, name)
    expect(page.get_by_role("heading", name="Your image")).to_have_count(0)
