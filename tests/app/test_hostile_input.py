"""Both pages in a real browser, against hostile files, queries, names and web sites."""

import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml
from playwright.sync_api import expect

from tests.app.conftest import HOSTILE_NAMES, make_results
from tests.app.hunt_steps import TOP, answers, status, wait_until_ready
from tests.app.similarity_steps import (
    MATCHED,
    START,
    ask,
    box,
    expect_matched,
    expected,
    galaxies,
    galaxy,
    gallery,
    upload,
)
from tests.app.test_parts import fits_bytes, png, rng_cube
from tests.browser import served
from tests.conftest import ROOT


def test_files_that_are_not_images_give_a_one_line_error(site, visit):
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
    expect_matched(page, site.survey.iaunames[8])


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


def test_hostile_queries_give_a_one_line_error(site, visit):
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


def test_examples_in_the_address_that_are_not_galaxies_are_ignored(site, visit):
    name = site.survey.iaunames[8].replace("+", "%2B")
    page = visit(f"{site.address}/?galaxy={name}&like=%3Cscript%3E&unlike=../../x&like={name}")
    expect_matched(page, site.survey.iaunames[8])
    expect(page.get_by_role("heading", name=re.compile("like these"))).to_have_count(0)
    assert galaxies(page) == expected(site.survey, [8])


def test_galaxy_names_are_shown_as_text_by_the_search(tmp_path, visit):
    names = [*HOSTILE_NAMES, *(f"J{number}" for number in range(18))]
    make_results(tmp_path, names)
    with served(["make", "app"], ROOT, CONFIG=str(tmp_path / "page.yaml")) as (address, _):
        page = visit(address)
        expect(gallery(page, START).get_by_role("listitem")).to_have_count(24)
        assert galaxies(page, START) == names[:24]
        assert gallery(page, START).locator("script, a, .name *, img:not([src^=data])").count() == 0
        galaxy(page, HOSTILE_NAMES[0], START).click()
        expect(gallery(page, MATCHED).locator(".name")).to_have_text(HOSTILE_NAMES[0])
        expect(box(page)).to_have_value(HOSTILE_NAMES[0])
        assert page.locator("[href*='javascript:']").count() == 0


def test_galaxy_names_are_shown_as_text_by_the_hunt(tmp_path, visit):
    names = [*HOSTILE_NAMES, *(f"J{number}" for number in range(4))]
    make_results(tmp_path, names)
    overlay = yaml.safe_load((tmp_path / "page.yaml").read_text())
    overlay["hunt"] = {"folder": str(tmp_path / "hunts")}
    (tmp_path / "page.yaml").write_text(yaml.safe_dump(overlay))
    with served(["make", "app"], ROOT, CONFIG=str(tmp_path / "page.yaml")) as (address, _):
        page = visit(f"{address}/hunt")
        page.get_by_role("textbox", name="Name of the hunt").fill("hostile")
        page.get_by_role("button", name="Hunt", exact=True).click()
        wait_until_ready(page)
        page.keyboard.type("3333333333")
        expect(status(page)).to_have_text("Every galaxy has been shown")
        found = page.get_by_role("list", name=TOP).locator(".name")
        expect(found).to_have_count(10)
        assert set(found.all_inner_texts()) == set(names)
        assert page.locator("[href*='javascript:']").count() == 0
    assert set(answers(tmp_path / "hunts/decals/hostile.jsonl")) == set(names)


def listening(port, table):
    """Return the addresses on which a port is open, as the kernel writes them."""
    rows = [line.split() for line in Path("/proc/net", table).read_text().splitlines()[1:]]
    places = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, at in places if int(at, 16) == port}


def test_the_server_listens_on_the_loopback_address_only(site):
    port = int(site.address.rpartition(":")[2])
    assert listening(port, "tcp") == {"0100007F"}
    assert listening(port, "tcp6") == set()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("evil.example", 403)])
def test_a_web_site_whose_name_resolves_to_this_machine_is_refused(site, host, status):
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
