"""The page of hunts in a real browser: rating, undo, crashes and invalid hunts."""

import json
import re
import signal

import pandas as pd
import yaml
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.app.conftest import make_results
from tests.app.hunt_steps import (
    TOP,
    answers,
    best,
    card,
    cards,
    current_galaxy,
    download,
    expect_progress,
    key_for,
    rate,
    serving,
    start_hunt,
    wait_until_ready,
    waiting,
)
from tests.app.similarity_steps import expect_matched
from tests.browser import SETTLED, free_port, served
from tests.project import ROOT
from workflow.app.survey import Survey


def test_rings_rank_high_and_a_crash_loses_nothing(chromium, hunt_sky, visit):
    """50 galaxies are rated; meanwhile the server is killed and leaves an incomplete line."""
    pressed, path, port = {}, hunt_sky.ratings / "rings.jsonl", free_port()
    with serving(hunt_sky, signal.SIGKILL, port) as address:
        page = visit(address)
        start_hunt(page, "rings")
        rate(page, hunt_sky, 25, pressed)
        assert answers(path) == pressed
        pressed[current_galaxy(page)] = key_for(hunt_sky, current_galaxy(page))
        page.keyboard.press(list(pressed.values())[-1])
    with path.open("a") as file:
        file.write('{"galaxy": "J0')
    with serving(hunt_sky, port=port):
        # The open page connects to the new server by itself.
        expect_progress(page, 26)
        expect(page.get_by_text(re.compile("After 2[56] ratings"))).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("the last line was incomplete")
        assert answers(path) == pressed
        rate(page, hunt_sky, 50, pressed)
        expect(page.get_by_text("After 50 ratings")).to_be_visible()
        page.wait_for_function(SETTLED)
        name, file = download(page, "Download your ratings as CSV")
        ratings = pd.read_csv(file).set_index("iauname")["rating"]
        assert name == "rings-ratings.csv"
        assert list(ratings.astype(str).items()) == list(pressed.items())
        name, file = download(page, "Download CSV")
        ranking = pd.read_csv(file)
        shown = page.get_by_role("list", name=TOP).locator(".name").all_inner_texts()
    assert answers(path) == pressed
    assert name == "rings-ranking.csv"
    assert ranking["iauname"].tolist()[:50] == shown
    assert sorted(ranking["iauname"]) == sorted(hunt_sky.galaxies.iaunames)
    rings = hunt_sky.rater.labels > 0.25
    ranked = rings[[hunt_sky.galaxies.row(iauname) for iauname in ranking["iauname"]]]
    # By chance, a tenth of the rings would be among the first 20 of about 200 galaxies.
    assert ranked[:20].sum() >= rings.sum() / 2


def test_fast_typing_rates_the_galaxies_that_were_shown(hunt_site, hunt_sky, visit):
    page = visit(hunt_site)
    start_hunt(page, "fast")
    names = waiting(page)
    page.keyboard.type("0123u45s0u5012", delay=0)
    expect_progress(page, 9, 1)
    wait_until_ready(page)
    keys = ["0", "1", "2", "4", "5", "s", "5", "0", "1", "2"]
    assert answers(hunt_sky.ratings / "fast.jsonl") == dict(zip(names, keys, strict=True))
    expect(page.get_by_text("batch 2")).to_be_visible()


def test_rating_undo_and_skip_by_mouse(hunt_site, hunt_sky, visit):
    page, path = visit(hunt_site), hunt_sky.ratings / "mouse.jsonl"
    start_hunt(page, "mouse")
    first = current_galaxy(page)
    expect(page.get_by_role("button", name="undo")).to_be_disabled()
    cards(page).nth(4).click()
    chosen = current_galaxy(page)
    page.get_by_role("button", name="3 of 5").click()
    expect(card(page, chosen)).to_have_accessible_name(f"{chosen} 3")
    expect(card(page, chosen)).to_be_disabled()
    assert current_galaxy(page) == first
    page.get_by_role("button", name="skip").click()
    expect(card(page, first)).to_have_accessible_name(f"{first} skipped")
    assert answers(path) == {chosen: "3", first: "s"}
    for left in ({chosen: "3"}, {}):
        page.get_by_role("button", name="undo").click()
        expect_progress(page, len(left))
        assert answers(path) == left
    assert current_galaxy(page) == chosen
    for _ in range(10):
        page.get_by_role("button", name="0 of 5, not interesting").click()
    expect(page.get_by_text("batch 2")).to_be_visible()
    wait_until_ready(page)
    second = waiting(page)
    expect(best(page).get_by_role("listitem")).to_have_count(50)
    # All ratings are the same, so nothing can be predicted.
    expect(page.get_by_text("the model knows nothing yet")).to_be_visible()
    captions = best(page).locator(".caption").all_inner_texts()
    assert {caption.split(": ")[1] for caption in captions} == {"rated 0", "no prediction yet"}
    last = list(answers(path))[-1]
    page.get_by_role("button", name="undo").click()
    expect(page.get_by_text("batch 1")).to_be_visible()
    # The list and its downloads stay.
    expect(best(page).get_by_role("listitem")).to_have_count(50)
    page.wait_for_function(SETTLED)
    assert len(pd.read_csv(download(page, "Download CSV")[1])) == len(hunt_sky.galaxies)
    assert len(pd.read_csv(download(page, "Download your ratings as CSV")[1])) == 9
    assert current_galaxy(page) == last
    page.get_by_role("button", name="5 of 5").click()
    expect(page.get_by_text("batch 2")).to_be_visible()
    wait_until_ready(page)
    assert len(waiting(page)) == len(second) == 10
    assert waiting(page) != second
    expect(page.get_by_role("list", name=TOP).locator(".name").first).to_have_text(last)


def test_enter_starts_a_hunt_and_the_list_says_when_it_begins(hunt_site, hunt_sky, visit):
    page = visit(hunt_site)
    box = page.get_by_role("textbox", name="Name of the hunt")
    box.fill("entered")
    box.press("Enter")
    wait_until_ready(page)
    expect(page.get_by_text("The list begins once you have rated a first batch")).to_be_visible()
    assert (hunt_sky.ratings / "entered.jsonl").exists()


def test_a_galaxy_to_rate_has_its_facts_and_similar_galaxies(hunt_site, hunt_sky, visit):
    page = visit(hunt_site)
    start_hunt(page, "facts")
    name = current_galaxy(page)
    row = hunt_sky.galaxies.row(name)
    shown = page.get_by_role("region", name="Galaxy to rate")
    magnitude = hunt_sky.galaxies.column("mag_r")[row]
    expect(shown.get_by_text(f"r magnitude {magnitude:.3g} mag")).to_be_visible()
    expect(shown.get_by_role("link", name="Legacy Survey viewer")).to_have_count(0)
    with page.expect_popup() as opening:
        shown.get_by_role("link", name="find similar").click()
    similar = opening.value
    expect_matched(similar, name)
    assert current_galaxy(page) == name


def test_a_galaxy_on_the_sky_has_a_link_to_the_viewer_while_it_is_rated(tmp_path, visit):
    config, _ = make_results(tmp_path, [f"J{number}" for number in range(12)])
    overlay = yaml.safe_load((tmp_path / "page.yaml").read_text())
    overlay["hunt"] = {"folder": str(tmp_path / "hunts")}
    (tmp_path / "page.yaml").write_text(yaml.safe_dump(overlay))
    galaxies = Survey(config)
    with served(["make", "app"], ROOT, CONFIG=str(tmp_path / "page.yaml")) as (address, _):
        page = visit(f"{address}/hunt")
        box = page.get_by_role("textbox", name="Name of the hunt")
        box.fill("linked")
        box.press("Enter")
        wait_until_ready(page)
        for _ in range(2):
            row = galaxies.row(current_galaxy(page))
            link = page.get_by_role("link", name="Legacy Survey viewer")
            place = re.compile(f"ra={galaxies.ra[row]:.6f}&dec={galaxies.dec[row]:.6f}")
            expect(link).to_have_attribute("href", place)
            page.keyboard.press("3")
            expect(link).not_to_have_attribute("href", place)


def test_a_rating_is_changed_from_the_list(hunt_site, hunt_sky, visit):
    page, path = visit(hunt_site), hunt_sky.ratings / "changed.jsonl"
    start_hunt(page, "changed")
    page.keyboard.type("5123000000")
    expect(best(page).locator(".caption").first).to_have_text("1: rated 5")
    wait_until_ready(page)
    name = best(page).locator(".name").first.inner_text()
    best(page).get_by_role("button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="5")).to_be_checked()
    page.wait_for_function(SETTLED)
    page.keyboard.press("4")  # meant for no galaxy behind the dialog
    dialog.get_by_text("1", exact=True).click()
    dialog.get_by_role("button", name="Change the rating").click()
    expect(dialog).to_have_count(0)
    expect(best(page).locator(".caption").first).to_have_text("1: rated 3")
    expect_progress(page, 10)
    assert answers(path)[name] == "1"
    # What the page offers for download has the change, once the model has learned it.
    expect(page.get_by_text("One was undone or changed since")).to_have_count(0)
    page.wait_for_function(SETTLED)
    label, file = download(page, "Download them as labels for the workflow")
    labels = pd.read_csv(file).set_index("iauname")["label"]
    assert label == "changed-labels.csv"
    assert (labels[name], len(labels)) == (0.2, 10)
    expect(best(page).get_by_role("link", name=f"find similar {name}")).to_be_visible()


def test_the_closer_look_stays_open_while_the_model_learns(hunt_site, hunt_sky, visit):
    page = visit(hunt_site)
    start_hunt(page, "looking")
    page.keyboard.type("5123000000")
    expect(page.get_by_text("batch 2")).to_be_visible()
    wait_until_ready(page)
    # One that the next model finds interesting, too: it may have learned before the click.
    rated = best(page).get_by_role("button", name=re.compile(": rated 5$")).first
    name, _, _ = rated.get_attribute("aria-label").partition(" ")
    page.keyboard.type("0123450123")
    best(page).get_by_role("button", name=re.compile(f"^{re.escape(name)}")).click()
    dialog = page.get_by_role("dialog")
    expect(page.get_by_text("After 20 ratings")).to_be_attached()
    page.wait_for_function(SETTLED)
    expect(dialog).to_contain_text(name)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_text("Rate with the keyboard").click()
    expect(page.get_by_text("undoes the last answer")).to_be_hidden()
    expect(dialog).to_have_count(0)


def test_other_keys_and_key_combinations_rate_nothing(hunt_site, hunt_sky, visit):
    page, path = visit(hunt_site), hunt_sky.ratings / "keys.jsonl"
    start_hunt(page, "keys")
    for key in ("6", "9", "x", "Control+5", "Alt+3", "Enter", "u"):
        page.keyboard.press(key)
    page.keyboard.down("2")
    page.keyboard.down("2")  # held down
    page.keyboard.up("2")
    expect_progress(page, 1)
    page.get_by_text("Rate with the keyboard").click()
    expect(page.get_by_text("undoes the last answer")).to_be_hidden()
    page.keyboard.press("4")
    page.get_by_text("Rate with the keyboard").click()
    expect(page.get_by_text("undoes the last answer")).to_be_visible()
    page.keyboard.press("1")
    expect_progress(page, 2)
    assert list(answers(path).values()) == ["2", "1"]
    page.get_by_role("button", name="Another hunt").click()
    box = page.get_by_role("textbox", name="Name of the hunt")
    box.fill("")
    box.press_sequentially("05s")
    expect(box).to_have_value("05s")
    assert list(answers(path).values()) == ["2", "1"]


def test_hunts_are_independent_and_a_name_resumes_one(hunt_site, hunt_sky, visit):
    one, other = visit(hunt_site), visit(hunt_site)
    start_hunt(one, "one")
    start_hunt(other, "other")
    for key in "55":
        one.keyboard.press(key)
        other.keyboard.press("0")
    other.keyboard.press("0")
    expect_progress(one, 2)
    expect_progress(other, 3)
    assert list(answers(hunt_sky.ratings / "one.jsonl").values()) == ["5", "5"]
    assert list(answers(hunt_sky.ratings / "other.jsonl").values()) == ["0", "0", "0"]
    third = visit(hunt_site)
    third.get_by_role("button", name="one", exact=True).click()
    expect_progress(third, 2)
    wait_until_ready(third)
    assert current_galaxy(third) == current_galaxy(one)
    # Both visitors see the same galaxy; its first rating counts.
    rated = current_galaxy(one)
    third.keyboard.press("1")
    expect_progress(third, 3)
    one.keyboard.press("4")
    expect_progress(one, 3)
    expect(card(one, rated)).to_have_accessible_name(f"{rated} 1")
    assert list(answers(hunt_sky.ratings / "one.jsonl").values()) == ["5", "5", "1"]


def test_a_hunt_that_cannot_be_opened_gives_a_one_line_error(hunt_site, hunt_sky, visit):
    page = visit(hunt_site)
    alert = page.get_by_role("alert")
    box = page.get_by_role("textbox", name="Name of the hunt")
    first = box.element_handle()
    for name in ["../../etc/passwd", "<script>window.hacked = 1</script>", "![x](http://a.b/c)"]:
        expect(box).to_be_visible()
        page.wait_for_function(SETTLED)
        box.fill(name)
        page.get_by_role("button", name="Hunt", exact=True).click()
        expect(alert).to_contain_text("cannot be named")
        expect(alert).to_contain_text(name[:10])
        assert len(alert.inner_text().splitlines()) == 1
    assert first.evaluate("node => node.isConnected"), "the text being typed was lost"
    page.goto(f"{hunt_site}?survey=decals&hunt=nobodys")
    expect(alert).to_contain_text("no hunt in decals has the name 'nobodys'")
    hunt_sky.ratings.mkdir(parents=True, exist_ok=True)
    (hunt_sky.ratings / "damaged.jsonl").write_text("{}\n")
    page.goto(f"{hunt_site}?survey=decals&hunt=damaged")
    expect(alert).to_contain_text("damaged.jsonl, line 1: damaged")
    start_hunt(page, "bar", "all")
    page.get_by_role("button", name="Another hunt").click()
    begin_with_other = page.get_by_role("textbox", name="Name of the hunt")
    expect(begin_with_other).to_be_visible()


def test_ratings_that_cannot_be_written_are_not_recorded(hunt_site, hunt_sky, visit):
    page = visit(hunt_site)
    start_hunt(page, "removed")
    page.keyboard.press("1")
    expect_progress(page, 1)
    # A key that arrives while the page is being drawn has the whole page drawn again, and a page
    # without its file says that there is no such hunt.
    page.wait_for_function(SETTLED)
    (hunt_sky.ratings / "removed.jsonl").unlink()
    iauname = current_galaxy(page)
    page.keyboard.type("5s", delay=0)
    lost = page.get_by_role("alert").filter(has_text="removed, moved or replaced while open")
    expect(lost).to_be_visible()
    expect(card(page, iauname)).to_have_accessible_name(f"{iauname} not rated")
    expect_progress(page, 1)
    page.get_by_text("Rate with the keyboard").click()
    expect(page.get_by_text("undoes the last answer")).to_be_hidden()
    expect(lost).to_be_visible()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("no hunt in decals has the name 'removed'")
    start_hunt(page, "removed")
    expect_progress(page, 0)
    page.wait_for_function(SETTLED)
    (hunt_sky.ratings / "removed.jsonl").unlink()
    page.keyboard.press("5")
    expect(lost).to_be_visible()
    page.get_by_role("button", name="Another hunt").click()
    start_hunt(page, "removed")
    expect(lost).to_be_hidden()


def polls(request):
    """Return the number of polls that the browser has sent so far."""
    states = request.rerun_script.widget_states.widgets
    values = [json.loads(state.json_value) for state in states if state.json_value]
    return max((value.get("polls", 0) for value in values), default=0)


def test_the_browser_polls_only_after_its_last_poll_was_answered(hunt_site, visit):
    """With several requests pending, Streamlit would lose parts of the page."""
    page, frames = visit("about:blank"), []

    def listen(socket):
        socket.on("framesent", lambda frame: frames.append(BackMsg.FromString(frame)))
        socket.on("framereceived", lambda frame: frames.append(ForwardMsg.FromString(frame)))

    page.on("websocket", listen)
    page.goto(hunt_site)
    start_hunt(page, "asked")
    for batch in (2, 3):
        page.keyboard.type("0123450123")
        expect(page.get_by_text(f"batch {batch}")).to_be_visible()
        wait_until_ready(page)
    heard = set()
    for frame in frames:
        if isinstance(frame, ForwardMsg):
            assert not frame.ref_hash
            heard |= set(map(int, re.findall(rb'"polls": ?(\d+)', frame.SerializeToString())))
        elif number := polls(frame):
            assert number - 1 in heard
            assert not frame.rerun_script.is_auto_rerun
    assert max(heard) > 0
