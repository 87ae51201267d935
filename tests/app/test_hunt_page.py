"""The hunt in a real browser, by people who like rings, are quick, change their minds or attack."""

import json
import re
import signal
from contextlib import contextmanager
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.app.conftest import HOSTILE_NAMES, make_results
from tests.browser import SETTLED, free_port, served
from tests.conftest import ROOT
from workflow.app.survey import Galaxies
from workflow.lib.anomaly.active_learning import LabelRater
from workflow.lib.common.images import from_jpeg
from workflow.lib.planning.config import read_config
from workflow.lib.represent.vector_files import representation_schema, representation_table

TOP = "Most interesting so far"
PROFILE = 40
"""Steps in a profile of light, and so many numbers of each galaxy."""


def profile(jpeg):
    """Give how a galaxy's light falls from one ellipse to the next: a ring is a rise."""
    light = from_jpeg(jpeg).mean(axis=2)
    light -= np.median(light)
    noise, cut = np.median(abs(light)), len(light) // 4
    light = light[cut:-cut, cut:-cut]
    down, right = np.indices(light.shape) - (len(light) - 1) / 2
    galaxy = (light > 4 * noise) & (np.hypot(down, right) < cut)
    spread, axes = np.linalg.eigh(np.cov(right[galaxy], down[galaxy], aweights=light[galaxy]))
    along, across = axes.T[::-1] @ np.stack([right.ravel(), down.ravel()])
    radius = np.hypot(along / np.sqrt(spread[1]), across / np.sqrt(spread[0]))
    ring = np.minimum(radius * 16, PROFILE + 1).astype(int)
    mean = (np.bincount(ring, light.ravel()) / np.maximum(np.bincount(ring), 1))[: PROFILE + 1]
    return np.diff(mean) / (mean[0] - mean[-1] + 1)


@pytest.fixture(scope="module")
def sky(finished, tmp_path_factory):
    """The toy sky with a representation in which rings can be told; its network trains for seconds.

    `rater` rates as the sky's volunteers saw rings, and what none of them saw as boring.
    """
    folder = tmp_path_factory.mktemp("hunts")
    toy, results = finished.folder / "results/toy", folder / "results"
    (results / "4_represent/decals/profiles").mkdir(parents=True)
    for name in ("1_catalogue", "2_cutouts", "3_pretrain"):
        (results / name).symlink_to(toy / name)
    for path in (toy / "4_represent").glob("*/all"):
        link = results / path.relative_to(toy)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(path)
    overlay = folder / "hunts.yaml"
    change = {
        "pathvars": {"results": str(results)},
        "hunt": {"folder": str(folder / "ratings")},
        "anomalies": {"ratings": 50},
        "page": {"name_resolver": None},
    }
    overlay.write_text(yaml.safe_dump(change))
    config = read_config([finished.folder / "config/toy.yaml", overlay])
    compressed = results / "4_represent/decals/all/pca40.parquet"
    galaxies = Galaxies(config, "decals", pq.read_table(compressed)["iauname"].to_pylist())
    vectors = np.float32([profile(jpeg) for jpeg in galaxies.thumbnails(range(len(galaxies)))])
    table = representation_table(galaxies.iaunames, vectors, representation_schema(PROFILE))
    pq.write_table(table, results / "4_represent/decals/profiles/pca40.parquet")
    rings = galaxies.column("rare-features_ring_fraction")
    return SimpleNamespace(
        galaxies=galaxies,
        rater=LabelRater(np.nan_to_num(rings)),
        ratings=folder / "ratings/decals",
        overlay=overlay,
        project=finished.folder,
    )


@contextmanager
def serving(sky, end=signal.SIGTERM, port=None):
    """Start the page for hunts, as its users do, and give its address."""
    options = {"CONFIG": f"config/toy.yaml {sky.overlay}", "PORT": str(port or free_port())}
    with served(["make", "app"], sky.project, end, **options) as (address, lines):
        yield f"{address}/hunt"
        assert not re.search("Traceback|Exception", "".join(lines)), "".join(lines)


@pytest.fixture(scope="module")
def site(chromium, sky):
    """The page, for hunts of different names."""
    with serving(sky) as address:
        yield address


def begin(page, name, learns_from="profiles"):
    """Begin a hunt as a visitor does, or go on with it."""
    learns = page.get_by_role("combobox", name=re.compile("learns from"))
    expect(learns).to_be_visible()
    learns.click()
    page.get_by_role("option", name=re.compile(rf"^{learns_from}, 40 ")).click()
    page.get_by_role("textbox", name="Name of the hunt").fill(name)
    page.get_by_role("button", name="Hunt", exact=True).click()
    ready(page)


def ready(page):
    """Wait until a galaxy waits for its rating."""
    expect(status(page)).to_have_text(re.compile(r"Galaxy \d+ of \d+"))


def status(page):
    return page.get_by_role("status").filter(has_text=re.compile("Galaxy|galaxies|galaxy"))


def now(page):
    """Give the name of the galaxy that is to be rated."""
    return page.get_by_role("region", name="Galaxy to rate").locator(".name").inner_text()


def cards(page):
    return page.get_by_role("list", name="This batch").get_by_role("button")


def labels(page):
    """Give what those hear of the batch who do not see it."""
    return cards(page).evaluate_all("buttons => buttons.map(button => button.ariaLabel)")


def waiting(page):
    """Give the galaxies that have no rating, in order."""
    return [x.removesuffix(" not rated") for x in labels(page) if x.endswith(" not rated")]


def card(page, iauname):
    return page.get_by_role("list", name="This batch").get_by_label(iauname)


def progress(page, rated, skipped=0):
    """Wait until the page says so."""
    text = re.compile(f"^{rated} rated, {skipped} skipped")
    expect(page.get_by_text(text)).to_be_visible()


def key_for(sky, iauname):
    """Say which key a person presses who likes rings."""
    return str(sky.rater.rate(np.array([sky.galaxies.row(iauname)]))[0])


def rate(page, sky, count, told):
    """Rate galaxies by keys, until there are `count`; add to `told` what was pressed."""
    while len(told) < count:
        ready(page)
        for iauname in waiting(page)[: count - len(told)]:
            assert now(page) == iauname
            told[iauname] = key_for(sky, iauname)
            page.keyboard.press(told[iauname])
        progress(page, len(told))


def answers(path):
    """Read what a file says in the end, without the code that wrote it; skipped galaxies too."""
    said = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if "galaxy" in event:
            said[event["galaxy"]] = "s" if event["rating"] is None else str(event["rating"])
        elif "undo" in event:
            del said[event["undo"]]
    return said


def download(page, label):
    with page.expect_download() as coming:
        page.get_by_role("button", name=label, exact=True).click()
    return coming.value.suggested_filename, BytesIO(coming.value.path().read_bytes())


def test_rings_rank_high_and_a_crash_loses_nothing(chromium, sky, visit):
    """50 galaxies are rated; the server is killed, and leaves the half of a line behind."""
    told, path, port = {}, sky.ratings / "rings.jsonl", free_port()
    with serving(sky, signal.SIGKILL, port) as address:
        page = visit(address)
        begin(page, "rings")
        rate(page, sky, 25, told)
        assert answers(path) == told
        told[now(page)] = key_for(sky, now(page))
        page.keyboard.press(list(told.values())[-1])
    with path.open("a") as file:
        file.write('{"galaxy": "J0')
    with serving(sky, port=port):
        # The page finds the new server by itself.
        progress(page, 26)
        expect(page.get_by_text(re.compile("After 2[56] ratings"))).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("half written")
        assert answers(path) == told
        rate(page, sky, 50, told)
        expect(page.get_by_text("After 50 ratings")).to_be_visible()
        page.wait_for_function(SETTLED)
        name, file = download(page, "Download your ratings as CSV")
        ratings = pd.read_csv(file).set_index("iauname")["rating"]
        assert name == "rings-ratings.csv"
        assert list(ratings.astype(str).items()) == list(told.items())
        name, file = download(page, "Download CSV")
        ranking = pd.read_csv(file)
        shown = page.get_by_role("list", name=TOP).locator(".name").all_inner_texts()
    assert answers(path) == told
    assert name == "rings-ranking.csv"
    assert ranking["iauname"].tolist()[:50] == shown
    assert sorted(ranking["iauname"]) == sorted(sky.galaxies.iaunames)
    rings = sky.rater.labels > 0.25
    ranked = rings[[sky.galaxies.row(iauname) for iauname in ranking["iauname"]]]
    # By chance, a tenth of them would be among the first 20 of about 200.
    assert ranked[:20].sum() >= rings.sum() / 2


def test_who_types_fast_rates_what_was_seen(site, sky, visit):
    page = visit(site)
    begin(page, "fast")
    names = waiting(page)
    page.keyboard.type("0123u45s0u5012", delay=0)
    progress(page, 9, 1)
    ready(page)
    keys = ["0", "1", "2", "4", "5", "s", "5", "0", "1", "2"]
    assert answers(sky.ratings / "fast.jsonl") == dict(zip(names, keys, strict=True))
    expect(page.get_by_text("batch 2")).to_be_visible()


def test_the_mouse_undo_and_skip(site, sky, visit):
    page, path = visit(site), sky.ratings / "mouse.jsonl"
    begin(page, "mouse")
    first = now(page)
    expect(page.get_by_role("button", name="undo")).to_be_disabled()
    cards(page).nth(4).click()
    chosen = now(page)
    page.get_by_role("button", name="3 of 5").click()
    expect(card(page, chosen)).to_have_accessible_name(f"{chosen} 3")
    expect(card(page, chosen)).to_be_disabled()
    assert now(page) == first
    page.get_by_role("button", name="skip").click()
    expect(card(page, first)).to_have_accessible_name(f"{first} skipped")
    assert answers(path) == {chosen: "3", first: "s"}
    for left in ({chosen: "3"}, {}):
        page.get_by_role("button", name="undo").click()
        progress(page, len(left))
        assert answers(path) == left
    assert now(page) == chosen
    for _ in range(10):
        page.get_by_role("button", name="0 of 5, not interesting").click()
    expect(page.get_by_text("batch 2")).to_be_visible()
    ready(page)
    second = waiting(page)
    expect(page.get_by_role("list", name=TOP).get_by_role("listitem")).to_have_count(50)
    last = list(answers(path))[-1]
    page.get_by_role("button", name="undo").click()
    expect(page.get_by_text("batch 1")).to_be_visible()
    expect(page.get_by_role("heading", name=TOP)).to_have_count(0)
    assert now(page) == last
    page.get_by_role("button", name="5 of 5").click()
    expect(page.get_by_text("batch 2")).to_be_visible()
    ready(page)
    assert len(waiting(page)) == len(second) == 10
    assert waiting(page) != second
    expect(page.get_by_role("list", name=TOP).locator(".name").first).to_have_text(last)


def test_keys_that_are_not_meant_rate_nothing(site, sky, visit):
    page, path = visit(site), sky.ratings / "keys.jsonl"
    begin(page, "keys")
    for key in ("6", "9", "x", "Control+5", "Alt+3", "Enter", "u"):
        page.keyboard.press(key)
    page.keyboard.down("2")
    page.keyboard.down("2")  # held down
    page.keyboard.up("2")
    progress(page, 1)
    page.get_by_text("Rate by keys").click()
    expect(page.get_by_text("takes the last answer back")).to_be_hidden()
    page.keyboard.press("4")
    page.get_by_text("Rate by keys").click()
    expect(page.get_by_text("takes the last answer back")).to_be_visible()
    page.keyboard.press("1")
    progress(page, 2)
    assert list(answers(path).values()) == ["2", "1"]
    page.get_by_role("button", name="Another hunt").click()
    box = page.get_by_role("textbox", name="Name of the hunt")
    box.fill("")
    box.press_sequentially("05s")
    expect(box).to_have_value("05s")
    assert list(answers(path).values()) == ["2", "1"]


def test_sessions_do_not_mix_and_a_name_resumes_one(site, sky, visit):
    one, other = visit(site), visit(site)
    begin(one, "one")
    begin(other, "other")
    for key in "55":
        one.keyboard.press(key)
        other.keyboard.press("0")
    other.keyboard.press("0")
    progress(one, 2)
    progress(other, 3)
    assert list(answers(sky.ratings / "one.jsonl").values()) == ["5", "5"]
    assert list(answers(sky.ratings / "other.jsonl").values()) == ["0", "0", "0"]
    third = visit(site)
    third.get_by_role("button", name="one", exact=True).click()
    progress(third, 2)
    ready(third)
    assert now(third) == now(one)
    # Both are at the same galaxy; its first rating counts.
    rated = now(one)
    third.keyboard.press("1")
    progress(third, 3)
    one.keyboard.press("4")
    progress(one, 3)
    expect(card(one, rated)).to_have_accessible_name(f"{rated} 1")
    assert list(answers(sky.ratings / "one.jsonl").values()) == ["5", "5", "1"]


def test_what_cannot_be_a_hunt_is_told_in_one_line(site, sky, visit):
    page = visit(site)
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
    assert first.evaluate("node => node.isConnected"), "what was being typed was thrown away"
    page.goto(f"{site}?survey=decals&hunt=nobodys")
    expect(alert).to_contain_text("no hunt in decals has the name 'nobodys'")
    sky.ratings.mkdir(parents=True, exist_ok=True)
    (sky.ratings / "damaged.jsonl").write_text("{}\n")
    page.goto(f"{site}?survey=decals&hunt=damaged")
    expect(alert).to_contain_text("damaged.jsonl, line 1: damaged")
    begin(page, "bar", "all")
    page.get_by_role("button", name="Another hunt").click()
    begin_with_other = page.get_by_role("textbox", name="Name of the hunt")
    expect(begin_with_other).to_be_visible()


def test_ratings_that_cannot_be_written_are_not_taken(site, sky, visit):
    page = visit(site)
    begin(page, "removed")
    page.keyboard.press("1")
    progress(page, 1)
    (sky.ratings / "removed.jsonl").unlink()
    iauname = now(page)
    page.keyboard.type("5s", delay=0)
    lost = page.get_by_role("alert").filter(has_text="removed or replaced while open")
    expect(lost).to_be_visible()
    expect(card(page, iauname)).to_have_accessible_name(f"{iauname} not rated")
    progress(page, 1)
    page.get_by_text("Rate by keys").click()
    expect(page.get_by_text("takes the last answer back")).to_be_hidden()
    expect(lost).to_be_visible()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("no hunt in decals has the name 'removed'")
    begin(page, "removed")
    progress(page, 0)
    (sky.ratings / "removed.jsonl").unlink()
    page.keyboard.press("5")
    expect(lost).to_be_visible()
    page.get_by_role("button", name="Another hunt").click()
    begin(page, "removed")
    expect(lost).to_be_hidden()


def polls(request):
    """Give how often the browser had asked by itself whether the model is done."""
    states = request.rerun_script.widget_states.widgets
    values = [json.loads(state.json_value) for state in states if state.json_value]
    return max((value.get("polls", 0) for value in values), default=0)


def test_the_browser_asks_again_only_when_it_is_answered(site, visit):
    """Of several requests on their way, what is drawn for one would be lost to the other."""
    page, frames = visit("about:blank"), []

    def listen(socket):
        socket.on("framesent", lambda frame: frames.append(BackMsg.FromString(frame)))
        socket.on("framereceived", lambda frame: frames.append(ForwardMsg.FromString(frame)))

    page.on("websocket", listen)
    page.goto(site)
    begin(page, "asked")
    for batch in (2, 3):
        page.keyboard.type("0123450123")
        expect(page.get_by_text(f"batch {batch}")).to_be_visible()
        ready(page)
    heard = set()
    for frame in frames:
        if isinstance(frame, ForwardMsg):
            assert not frame.ref_hash
            heard |= set(map(int, re.findall(rb'"polls": ?(\d+)', frame.SerializeToString())))
        elif number := polls(frame):
            assert number - 1 in heard
            assert not frame.rerun_script.is_auto_rerun
    assert max(heard) > 0


def test_names_of_galaxies_are_text_whatever_they_look_like(tmp_path, visit):
    names = [*HOSTILE_NAMES, *(f"J{number}" for number in range(4))]
    make_results(tmp_path, names)
    overlay = yaml.safe_load((tmp_path / "page.yaml").read_text())
    overlay["hunt"] = {"folder": str(tmp_path / "hunts")}
    (tmp_path / "page.yaml").write_text(yaml.safe_dump(overlay))
    with served(["make", "app"], ROOT, CONFIG=str(tmp_path / "page.yaml")) as (address, _):
        page = visit(f"{address}/hunt")
        page.get_by_role("textbox", name="Name of the hunt").fill("hostile")
        page.get_by_role("button", name="Hunt", exact=True).click()
        ready(page)
        page.keyboard.type("3333333333")
        expect(status(page)).to_have_text("Every galaxy has been shown")
        found = page.get_by_role("list", name=TOP).locator(".name")
        expect(found).to_have_count(10)
        assert set(found.all_inner_texts()) == set(names)
        assert page.locator("[href*='javascript:']").count() == 0
    assert set(answers(tmp_path / "hunts/decals/hostile.jsonl")) == set(names)


@pytest.mark.parametrize("width", [1280, 390])
def test_everybodys_page(site, visit, width):
    page = visit(site, width=width, height=844)
    begin(page, f"everybody-{width}")
    for key in "01234501":
        page.keyboard.press(key)
    progress(page, 8)
    expect(page.get_by_text("takes the last answer back")).to_be_visible()
    for key in "23":
        page.keyboard.press(key)
    expect(page.get_by_role("list", name=TOP).get_by_role("listitem")).to_have_count(50)
    ready(page)
    page.wait_for_function(SETTLED)
    results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    problems = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
        for violation in results.response["violations"]
    ]
    assert problems == []
    assert len(set(labels(page))) == 10
    assert cards(page).nth(0).get_attribute("aria-current") == "true"
    levels = page.evaluate(
        "() => [...document.querySelectorAll('main h1, main h2, main h3')].map(h => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert max(np.diff(levels)) <= 1
    wide = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(element => {
            const box = element.getBoundingClientRect();
            return box.width && box.right > innerWidth + 1 && !element.closest('.stDataFrame');
        }).map(element => element.outerHTML.slice(0, 100))"""
    )
    assert wide == []
