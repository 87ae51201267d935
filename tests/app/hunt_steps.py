"""What a visitor does on the page of hunts, and the server that shows it."""

import json
import re
import signal
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from playwright.sync_api import expect

from tests.browser import free_port, served

TOP = "Most interesting so far"


@contextmanager
def serving(sky, end=signal.SIGTERM, port=None):
    """Start the server as a user does, and yield the address of the page of hunts."""
    options = {"CONFIG": f"config/toy.yaml {sky.overlay}", "PORT": str(port or free_port())}
    with served(["make", "app"], sky.project, end, **options) as (address, lines):
        yield f"{address}/hunt"
        assert not re.search("Traceback|Exception", "".join(lines)), "".join(lines)


def start_hunt(page, name, learns_from="profiles"):
    """Start or resume a hunt as a visitor does."""
    learns = page.get_by_role("combobox", name=re.compile("learns from"))
    expect(learns).to_be_visible()
    learns.click()
    page.get_by_role("option", name=re.compile(rf"^{learns_from}, 40 ")).click()
    page.get_by_role("textbox", name="Name of the hunt").fill(name)
    page.get_by_role("button", name="Hunt", exact=True).click()
    wait_until_ready(page)


def wait_until_ready(page):
    """Wait until a galaxy is shown for rating."""
    expect(status(page)).to_have_text(re.compile(r"Galaxy \d+ of \d+"))


def status(page):
    return page.get_by_role("status").filter(has_text=re.compile("Galaxy|galaxies|galaxy"))


def current_galaxy(page):
    """Return the name of the galaxy that is to be rated."""
    return page.get_by_role("region", name="Galaxy to rate").locator(".name").inner_text()


def cards(page):
    return page.get_by_role("list", name="This batch").get_by_role("button")


def labels(page):
    """Return the batch as a screen reader reads it."""
    return cards(page).evaluate_all("buttons => buttons.map(button => button.ariaLabel)")


def waiting(page):
    """Return the galaxies that have no answer yet, in order."""
    return [x.removesuffix(" not rated") for x in labels(page) if x.endswith(" not rated")]


def card(page, iauname):
    return page.get_by_role("list", name="This batch").get_by_label(iauname)


def expect_progress(page, rated, skipped=0):
    """Wait until the page shows these numbers of rated and skipped galaxies."""
    text = re.compile(f"^{rated} rated, {skipped} skipped")
    expect(page.get_by_text(text)).to_be_visible()


def key_for(sky, iauname):
    """Return the key that a user who looks for rings would press."""
    return str(sky.rater.rate(np.array([sky.galaxies.row(iauname)]))[0])


def rate(page, sky, count, pressed):
    """Rate galaxies by keyboard until `count` are rated; add each galaxy's key to `pressed`."""
    while len(pressed) < count:
        wait_until_ready(page)
        for iauname in waiting(page)[: count - len(pressed)]:
            assert current_galaxy(page) == iauname
            pressed[iauname] = key_for(sky, iauname)
            page.keyboard.press(pressed[iauname])
        expect_progress(page, len(pressed))


def answers(path):
    """Return the final answers in a file, without the code that wrote it; ``s`` if skipped."""
    said = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if iauname := event.get("galaxy") or event.get("changed"):
            said[iauname] = "s" if event["rating"] is None else str(event["rating"])
        elif "undo" in event:
            del said[event["undo"]]
    return said


def best(page):
    """Return the list of the most interesting galaxies."""
    return page.get_by_role("list", name=TOP)


def download(page, label):
    with page.expect_download() as coming:
        page.get_by_role("button", name=label, exact=True).click()
    return coming.value.suggested_filename, BytesIO(coming.value.path().read_bytes())
