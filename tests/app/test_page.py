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
    choose_filter,
    download,
    enlarge,
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
from tests.browser import SETTLED, served
from tests.project import ROOT


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
    expect(page.get_by_text("0 at what you like, 1 at what you do not")).to_be_visible()
    captions = gallery(page, FOUND).locator(".caption").all_inner_texts()
    shown = [float(caption.split(": distance ")[1]) for caption in captions]
    assert shown == sorted(shown)
    table = pd.read_csv(BytesIO(download(page, "CSV")[1]))
    assert table["distance"].is_monotonic_increasing
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
    thumbs = choose_filter(page, "Smooth or featured: smooth (automated)")
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


def test_a_shared_link_has_the_filters_and_settings_also_before_a_search(site, visit):
    survey = site.survey
    page = visit(site.address)
    open_filters(page)
    thumbs = page.get_by_role("slider", name="r magnitude")
    for _ in range(40):
        thumbs.first.press("ArrowRight")
    low = float(thumbs.first.input_value())
    apply_filters(page)
    allowed = survey.column("mag_r") >= low
    expect(page.get_by_text(f"{allowed.sum()} of {len(survey)} galaxies pass")).to_be_visible()
    page.wait_for_function(SETTLED)
    started = [survey.row(name) for name in galaxies(page, START)]
    assert allowed[started].all()
    assert len(started) == min(24, allowed.sum())
    page.get_by_text("Distance", exact=True).first.click()
    page.get_by_text("Euclidean").click()
    expect(page.get_by_role("radio", name="Euclidean")).to_be_checked()
    page.wait_for_function(SETTLED)
    ask(page, survey.iaunames[8])
    expect_matched(page, survey.iaunames[8])
    found = expected(survey, [8], allowed=allowed, metric="euclidean")
    expect_found(page, found)
    friend = visit(page.url)
    expect_matched(friend, survey.iaunames[8])
    assert galaxies(friend) == found
    friend.get_by_role("button", name="Remove all filters").click()
    expect(friend).not_to_have_url(re.compile("filter="))
    expect_found(friend, expected(survey, [8], metric="euclidean"))


def test_more_galaxies_can_be_shown(site, visit):
    survey = site.survey
    page = visit(site.address)
    ask(page, survey.iaunames[8])
    expect_matched(page, survey.iaunames[8])
    page.get_by_role("button", name="Show 24 more").click()
    expect_found(page, expected(survey, [8], count=48))
    page.reload()
    expect_found(page, expected(survey, [8], count=48))
    ask(page, survey.iaunames[1])
    expect_found(page, expected(survey, [1]))
    page.goto(f"{site.address}/?show=1e9&galaxy={survey.iaunames[8].replace('+', '%2B')}")
    expect_found(page, expected(survey, [8]))


def test_a_galaxy_is_enlarged_with_its_scale_its_measurements_and_its_votes(site, visit):
    survey = site.survey
    page = visit(site.address)
    ask(page, survey.iaunames[8])
    expect_matched(page, survey.iaunames[8])
    name = galaxies(page)[3]
    row = survey.row(name)
    dialog = enlarge(page, name)
    field = survey.column("pixel_scale")[row] * 424
    expect(dialog.get_by_role("img")).to_have_accessible_name(
        f"{name} in its full field, {field:.3g} arcsec across; north is up, east is left"
    )
    width = dialog.get_by_role("img").evaluate("image => image.naturalWidth")
    assert width == 424
    expect(dialog.get_by_text(f"r magnitude {survey.column('mag_r')[row]:.3g} mag")).to_be_visible()
    smooth = dialog.get_by_text(
        re.compile(r"^Smooth or featured\s+smooth \d\.\d\d, featured or disk")
    )
    expect(smooth).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert galaxies(page)[3] == name


def test_simulated_galaxies_have_no_links_to_the_sky(site, visit):
    page = visit(site.address)
    ask(page, site.survey.iaunames[8])
    expect_matched(page, site.survey.iaunames[8])
    enlarge(page, galaxies(page)[0])
    assert page.locator("a[href*='legacysurvey'], a[href*='simbad']").count() == 0


def test_links_lead_to_the_same_position_in_the_viewer_and_in_simbad(made_up, visit):
    survey, config = made_up.survey, made_up.folder / "page.yaml"
    with served(["make", "app"], ROOT, CONFIG=str(config)) as (address, _):
        page = visit(address)
        ask(page, survey.iaunames[8])
        expect_matched(page, survey.iaunames[8])
        viewer = page.get_by_role("link", name="Legacy Survey viewer").get_attribute("href")
        assert f"ra={survey.ra[8]:.6f}&dec={survey.dec[8]:.6f}" in viewer
        assert "simbad" in page.get_by_role("link", name="SIMBAD").get_attribute("href")
        name = galaxies(page)[2]
        links = enlarge(page, name).get_by_role("link", name="Legacy Survey viewer")
        ra = survey.ra[survey.row(name)]
        assert f"ra={ra:.6f}" in links.get_attribute("href")


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
