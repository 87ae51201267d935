"""What a visitor does on the page of similar galaxies."""

import re

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from playwright.sync_api import expect

from tests.browser import SETTLED
from workflow.app.search import find_similar

BOX = "Coordinates, link or name"
MATCHED, FOUND, START = "Matched galaxy", "Most similar galaxies", "Galaxies to start from"


def box(page):
    return page.get_by_role("textbox", name=BOX, exact=True)


def ask(page, text):
    """Type a query and press Enter."""
    box(page).fill(text)
    box(page).press("Enter")


def gallery(page, label):
    return page.get_by_role("list", name=label, exact=True)


def galaxies(page, label=FOUND):
    """Return the names of the galaxies of a gallery, in order."""
    return gallery(page, label).locator(".name").all_inner_texts()


def galaxy(page, name, label=FOUND):
    """Return the button of a gallery that makes this galaxy the query."""
    named = page.locator(".name").get_by_text(name, exact=True)
    return gallery(page, label).locator(".galaxy").filter(has=named)


def expect_matched(page, iauname):
    """Wait until the page shows this galaxy as the match, and those similar to it."""
    expect(gallery(page, MATCHED).locator(".name")).to_have_text(iauname)
    wait_until_settled(page)


def wait_until_settled(page):
    """Wait until the page has been drawn completely."""
    expect(gallery(page, FOUND).get_by_role("listitem").first).to_be_visible()
    page.wait_for_function(SETTLED)


def expect_found(page, iaunames):
    """Wait until the page finds exactly these galaxies, in this order."""
    expect(gallery(page, FOUND).locator(".name")).to_have_text(iaunames)


def open_filters(page):
    """Open the filters' form, of a page that is not being drawn: a new form would be closed."""
    page.wait_for_function(SETTLED)
    page.get_by_text("Filters", exact=True).click()
    expect(page.get_by_role("combobox", name="Catalogue columns")).to_be_visible()
    page.wait_for_function(SETTLED)


def choose_filter(page, title):
    """Add a column's slider to the form; return its two ends."""
    columns = page.get_by_role("combobox", name="Catalogue columns")
    columns.click()
    columns.fill(title)
    # A click is lost if the list is shortened to the matches between its two halves.
    expect(page.get_by_role("option").first).to_have_text(title)
    page.get_by_role("option", name=title, exact=True).click()
    # While the list is open the rest of the page cannot be used, and a redraw would miss the key.
    expect(page.get_by_test_id("stMultiSelect").get_by_text(title, exact=True)).to_be_visible()
    page.wait_for_function(SETTLED)
    columns.press("Escape")
    thumbs = page.get_by_role("slider", name=re.compile(f"^{re.escape(title)}"))
    expect(thumbs).to_have_count(2)
    return thumbs


def enlarge(page, name, label=FOUND):
    """Enlarge a galaxy; return the dialog."""
    gallery(page, label).get_by_role("button", name=f"enlarge {name}", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name=re.compile(f"^{re.escape(name)}"))).to_be_visible()
    page.wait_for_function(SETTLED)
    return dialog


def apply_filters(page):
    page.get_by_role("button", name="Apply", exact=True).click()


def expected(survey, like, unlike=(), *, whole=False, allowed=None, metric="manhattan", count=24):
    allowed = np.ones(len(survey), bool) if allowed is None else allowed
    similar = find_similar(
        survey, like, unlike, count, whole=whole, metric=metric, allowed=allowed, same_within=100
    )
    return [survey.iaunames[row] for row in similar.rows]


def download(page, label):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Download {label}").click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def sky(survey, row):
    return SkyCoord(survey.ra[row] * u.deg, survey.dec[row] * u.deg)


def forms(survey, row):
    """Return a query for this galaxy in each form."""
    position = sky(survey, row)
    digits = position.to_string("hmsdms", sep="", precision=1).replace(" ", "")
    ra, dec = f"{position.ra.deg:.6f}", f"{position.dec.deg:.6f}"
    return {
        "degrees": f"{ra} {dec}",
        "sexagesimal": position.to_string("hmsdms", sep=":", precision=2),
        "link": f"https://www.legacysurvey.org/viewer?ra={ra}&dec={dec}&layer=ls-dr9&zoom=14",
        "iauname": survey.iaunames[row],
        "another name": f"SDSS J{digits}",
        "resolved name": "NGC 4254",
    }


def upload(page, name, data):
    page.locator('input[type="file"]').set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )
