"""The web page on the paper's 305,657 galaxies: how fast it opens and answers.

It makes a survey of that size from random numbers (10 GB in the system's temporary folder), starts
the page on it and visits it with a real browser. All pictures are the same JPEG, padded with random
bytes to the size of a thumbnail, so that reading them takes as long as reading real ones.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from playwright.sync_api import Locator, Page, expect, sync_playwright

from benchmarks.contest import ROOT, Table, call
from tests.browser import CHROMIUM, FLAGS, SETTLED, served
from workflow.app.search import find_similar
from workflow.app.survey import Survey
from workflow.lib.catalogue.selection import UNITS
from workflow.lib.catalogue.shards import shard_rows
from workflow.lib.common.images import to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.network.encoder import random_encoder, save_encoder
from workflow.lib.planning.config import read_config
from workflow.lib.planning.grid import shard_names
from workflow.lib.represent.pca import Compressor, save_compressor
from workflow.lib.represent.vector_files import representation_schema, representation_table

SIZES = {
    "full": {"galaxies": 305_657, "shards": 400, "repeats": 7},
    "small": {"galaxies": 10_000, "shards": 20, "repeats": 3},
    "tiny": {"galaxies": 600, "shards": 2, "repeats": 1},
}

THUMBNAIL_BYTES = 25_000
STRIDE = 7919
"""Step between the galaxies whose thumbnails are read, so that most are in different shards."""


def make_catalogue(path: Path, count: int, rng: np.random.Generator) -> list[str]:
    """Make a catalogue with as many columns as the paper's."""
    names = [f"J{number:06d}.00+000000.0" for number in range(count)]
    measured = {name: rng.uniform(10, 20, count) for name in UNITS}
    measured["ra"], measured["dec"] = rng.uniform(0, 360, count), rng.uniform(-30, 60, count)
    votes = {f"question_{number}_fraction": rng.random(count) for number in range(100)}
    write_parquet(pd.DataFrame({"iauname": names, **measured, **votes}), path, UNITS)
    return names


def make_shards(folder: Path, names: list[str], shards: int, rng: np.random.Generator) -> None:
    """Make the shards, in row groups of 64."""
    folder.mkdir(parents=True)
    picture = to_jpeg(rng.integers(0, 60, (424, 424, 3), np.uint8), 20)
    for index, shard in enumerate(shard_names(shards)):
        these = names[shard_rows(len(names), index, shards)]
        jpegs = [picture + rng.bytes(max(0, THUMBNAIL_BYTES - len(picture))) for _ in these]
        rows = pa.table({"iauname": these, "thumbnail": pa.array(jpegs, pa.binary())})
        pq.write_table(
            rows, folder / f"{shard}.parquet", 64, compression="zstd", use_dictionary=False
        )


def make_survey(case: Case) -> None:
    """Make all files that the page reads, and page.yaml, their configuration."""
    folder = Path(case.folder)
    rng = np.random.default_rng(1)
    overlay = folder / "page.yaml"
    change = {
        "pathvars": {"results": str(folder)},
        "surveys": {"decals": {"shards": case.shards}},
        "pretraining": {"shown": "random"},
        "hunt": {"folder": str(folder / "hunts")},
    }
    overlay.write_text(yaml.safe_dump(change))
    config = read_config([overlay])
    names = make_catalogue(folder / "1_catalogue/decals.parquet", case.galaxies, rng)
    make_shards(folder / "2_cutouts/decals", names, case.shards, rng)
    represented = folder / "4_represent/decals/random"
    represented.mkdir(parents=True)
    for components in (config["similarity"]["components"], config["anomalies"]["components"]):
        compressed = rng.normal(size=(case.galaxies, components)).astype(np.float32)
        schema = representation_schema(components)
        stem = represented / f"pca{components}"
        pq.write_table(representation_table(names, compressed, schema), f"{stem}.parquet")
        save_compressor(Compressor(np.zeros(1280), np.eye(components, 1280)), f"{stem}.npz")
    whole = np.lib.format.open_memmap(
        represented / "representation.npy", "w+", np.float32, (case.galaxies, 1280)
    )
    for start in range(0, case.galaxies, 10_000):
        rows = whole[start : start + 10_000]
        rows[:] = rng.standard_normal(rows.shape, np.float32)
    encoder = random_encoder(config["representation"]["crop_size"], 1)
    weights = folder / "3_pretrain/random/encoder.weights.h5"
    save_encoder(encoder, weights, label="random weights", training=None, seed=1)


def seconds(run: Callable[[], object]) -> float:
    """Time one call [s]."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def wait_for(page: Page, galleries: dict[str, str]) -> None:
    """Wait until these galleries begin with these galaxies, and every picture is loaded."""
    for label, iauname in galleries.items():
        first = page.get_by_role("list", name=label).get_by_role("listitem").first
        expect(first).to_contain_text(iauname)
    page.wait_for_function(SETTLED, polling=10)


def measure_browser(overlay: Path, repeats: int) -> dict[str, list[float]]:
    """Time opening the page, searching from galaxy to galaxy, and rating."""
    command = ["make", "app", f"CONFIG={overlay}"]
    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        start = time.perf_counter()
        with served(command, ROOT) as (address, _):
            times["start the server"] = [time.perf_counter() - start]
            for visit in range(repeats):
                page = browser.new_page()
                expect.set_options(timeout=120_000)

                def open_page(page: Page = page) -> None:
                    page.goto(address)
                    wait_for(page, {"Galaxies to start from": ""})

                name = "open, the first visitor" if visit == 0 else "open, each later visitor"
                times.setdefault(name, []).append(seconds(open_page))
            answer(page, times, "answer, principal components", repeats)
            page.get_by_text("Distance", exact=True).first.click()
            found = page.get_by_role("list", name="Most similar galaxies")
            before = found.inner_text()
            page.get_by_text("all 1280").click()
            expect(found).not_to_have_text(before, use_inner_text=True)
            wait_for(page, {"Most similar galaxies": ""})
            answer(page, times, "answer, all 1280", repeats)
            rate(browser.new_page(), address, times, repeats)
        browser.close()
    return times


def answer(page: Page, times: dict[str, list[float]], name: str, repeats: int) -> None:
    """Time clicks on one galaxy after the other, until all pictures of the answer are shown."""
    for repeat in range(repeats):
        chosen = page.locator("button.galaxy").nth(2 * repeat + 6)
        iauname = chosen.locator(".name").inner_text()

        def choose(chosen: Locator = chosen, iauname: str = iauname) -> None:
            chosen.click()
            wait_for(page, {"Matched galaxy": iauname})

        times.setdefault(name, []).append(seconds(choose))


RATED = """place => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
    .map(host => host.shadowRoot?.querySelectorAll('ol .answer')[place]?.textContent)
    .some(text => text && text != 'saving')"""
"""JavaScript: whether the rating of a galaxy of the batch has been saved to disk."""


def rate(page: Page, address: str, times: dict[str, list[float]], repeats: int) -> None:
    """Time rating: until a rating is saved, and until the next batch is shown."""
    page.goto(f"{address}/hunt")
    page.get_by_role("textbox", name="Name of the hunt").fill(f"hunt-{time.time():.0f}")
    page.get_by_role("button", name="Hunt", exact=True).click()
    cards = page.get_by_role("list", name="This batch").get_by_role("button")

    def press(place: int, batch: int) -> None:
        page.keyboard.press(str(place % 6))
        if place < 9:
            page.wait_for_function(RATED, arg=place, polling=10)
        else:
            text = f"() => document.body.innerText.includes('After {10 * batch} ratings')"
            page.wait_for_function(text, polling=10)
            page.wait_for_function(SETTLED, polling=10)

    for batch in range(1, repeats + 1):
        expect(cards.first).to_be_enabled()
        for place in range(10):
            name = "rate a galaxy" if place < 9 else "rate the tenth, until the next ten"
            times.setdefault(name, []).append(seconds(partial(press, place, batch)))


def measure_server(overlay: Path, repeats: int) -> dict[str, list[float]]:
    """Time the server's part of an answer, without Streamlit and the browser."""
    config = read_config([overlay])
    times: dict[str, list[float]] = {"open the survey": [seconds(lambda: Survey(config))]}
    survey = Survey(config)
    rng = np.random.default_rng(2)

    def search(row: int, whole: bool = False) -> None:
        find_similar(
            survey, [row], [], 500, whole=whole, metric="manhattan",
            allowed=survey.within({}), same_within=100,
        )  # fmt: skip

    search(0)
    calls = {
        "search principal components": search,
        "search all 1280": partial(search, whole=True),
        **{
            f"read {n} thumbnails": lambda row, n=n: survey.thumbnails(
                (row + STRIDE * np.arange(n)) % len(survey.iaunames)
            )
            for n in (12, 24, 50)
        },
    }
    for name, read in calls.items():
        rows = rng.integers(0, len(survey.iaunames), repeats)
        times[name] = [seconds(partial(read, row)) for row in rows]
    return times


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Measure the server's part of an answer, then the page in a browser."""
    call(make_survey, {"folder": str(folder), **size})
    columns = ["seconds", "fastest", "median", "slowest"]
    title = f"The web page on {size['galaxies']:,} galaxies"
    for name, measure in (("server", measure_server), ("browser", measure_browser)):
        if name == "browser" and CHROMIUM is None:
            yield Table(f"{title}, {name}", columns, [["chromium", "not installed", "", ""]])
            continue
        rows = [
            [what, *(f"{of(values):.3f}" for of in (min, statistics.median, max))]
            for what, values in measure(folder / "page.yaml", size["repeats"]).items()
        ]
        yield Table(f"{title}, {name}", columns, rows)
