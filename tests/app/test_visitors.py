"""Several visitors at once: none keeps the page from answering the others, and idling is free."""

import os
import re
import signal
from pathlib import Path

from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.app.similarity_steps import (
    START,
    apply_filters,
    ask,
    expect_matched,
    galaxies,
    galaxy,
    gallery,
    open_filters,
    upload,
    wait_until_settled,
)
from tests.browser import SETTLED


def processes(*arguments):
    """Return the ids of the processes whose command lines have these arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended
            continue
        if set(arguments) <= set(words):
            found.append(int(path.parent.name))
    return found


def page_and_encoder(site):
    """Return the ids of the page's process, and of its encoder's."""
    port = site.address.rpartition(":")[2]
    (page,) = processes("workflow.app", "--port", port)
    (encoder,) = [
        pid
        for pid in processes("workflow.app.encoder_process")
        if int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == page
    ]
    return page, encoder


def visit_counted(visit, address):
    """Open a page; `page.runs` lists the runs of its script, of the whole page or a part of it."""
    page = visit("about:blank")
    page.runs = []

    def hear(frame):
        message = ForwardMsg.FromString(frame)
        if message.WhichOneof("type") == "new_session":
            page.runs.append(message)

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    page.goto(address)
    return page


def test_filters_are_searched_once_however_often_their_sliders_move(site, visit):
    page = visit_counted(visit, site.address)
    ask(page, site.survey.iaunames[8])
    expect_matched(page, site.survey.iaunames[8])
    open_filters(page)
    before = len(page.runs)
    thumb = page.locator('[class*="st-key-filter-mag_r"]').get_by_role("slider").first
    for _ in range(60):
        thumb.press("ArrowRight")
    low = float(thumb.input_value())
    apply_filters(page)
    passing = (site.survey.column("mag_r") >= low).sum()
    expect(page.get_by_text(f"{passing:,} of {len(site.survey):,} galaxies pass")).to_be_visible()
    page.wait_for_function(SETTLED)
    assert len(page.runs) == before + 1


def test_others_are_answered_while_an_image_is_represented(site, visit):
    survey = site.survey
    own, other = visit(site.address), visit(site.address)
    _, encoder = page_and_encoder(site)
    os.kill(encoder, signal.SIGSTOP)
    try:
        # No other test uploads this galaxy, so that its representation is not known yet.
        upload(own, "mine.jpg", survey.thumbnails([23])[0])
        waiting = own.get_by_text("Calculating the representation of your image")
        expect(waiting).to_be_visible()
        ask(other, survey.iaunames[5])
        expect_matched(other, survey.iaunames[5])
        expect(waiting).to_be_visible()
    finally:
        os.kill(encoder, signal.SIGCONT)
    wait_until_settled(own)
    expect(waiting).to_have_count(0)
    assert len(galaxies(own)) == 24


def test_the_pages_process_never_loads_the_network(site, visit):
    page = visit(site.address)
    upload(page, "mine.jpg", site.survey.thumbnails([11])[0])
    wait_until_settled(page)
    loaded = [Path(f"/proc/{pid}/maps").read_text() for pid in page_and_encoder(site)]
    assert [bool(re.search("tensorflow", maps)) for maps in loaded] == [False, True]


def test_a_page_that_nobody_uses_runs_nothing(site, visit):
    idle = [visit_counted(visit, site.address), visit_counted(visit, f"{site.address}/hunt")]
    for page in idle:
        page.wait_for_function(SETTLED)
    before = [len(page.runs) for page in idle]
    busy = visit(site.address)
    expect(gallery(busy, START).get_by_role("listitem")).to_have_count(24)
    for place in range(3):
        name = galaxies(busy, *([START] if place == 0 else []))[place]
        galaxy(busy, name, *([START] if place == 0 else [])).click()
        expect_matched(busy, name)
    assert [len(page.runs) for page in idle] == before
