"""The web page on the paper's 305,657 galaxies: how fast it opens and answers.

Run ``.venv/bin/python benchmarks/page.py [FOLDER]``. It makes a survey of that size from random
numbers (10 GB, in the system's temporary folder unless FOLDER is given), starts the page on it and
visits it with a real browser. All pictures are the same JPEG, padded with random bytes to the size
of a thumbnail, so that reading them takes as long as reading real ones.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from playwright.sync_api import Locator, Page, expect, sync_playwright

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

GALAXIES = 305_657
SHARDS = 400
THUMBNAIL_BYTES = 25_000
REPEATS = 7
STRIDE = 7919
"""Step between the galaxies whose thumbnails are read, so that most are in different shards."""


def make_catalogue(path: Path, rng: np.random.Generator) -> list[str]:
    """Make a catalogue with as many columns as the paper's."""
    names = [f"J{number:06d}.00+000000.0" for number in range(GALAXIES)]
    measured = {name: rng.uniform(10, 20, GALAXIES) for name in UNITS}
    measured["ra"], measured["dec"] = rng.uniform(0, 360, GALAXIES), rng.uniform(-30, 60, GALAXIES)
    votes = {f"question_{number}_fraction": rng.random(GALAXIES) for number in range(100)}
    write_parquet(pd.DataFrame({"iauname": names, **measured, **votes}), path, UNITS)
    return names


def make_shards(folder: Path, names: list[str], rng: np.random.Generator) -> None:
    """Make the shards, in row groups of 64."""
    folder.mkdir(parents=True)
    picture = to_jpeg(rng.integers(0, 60, (424, 424, 3), np.uint8), 20)
    for index, shard in enumerate(shard_names(SHARDS)):
        these = names[shard_rows(GALAXIES, index, SHARDS)]
        jpegs = [picture + rng.bytes(max(0, THUMBNAIL_BYTES - len(picture))) for _ in these]
        rows = pa.table({"iauname": these, "thumbnail": pa.array(jpegs, pa.binary())})
        pq.write_table(
            rows, folder / f"{shard}.parquet", 64, compression="zstd", use_dictionary=False
        )


def make_survey(folder: Path) -> Path:
    """Make all files that the page reads; return the path of their configuration."""
    rng = np.random.default_rng(1)
    overlay = folder / "page.yaml"
    change = {
        "pathvars": {"results": str(folder)},
        "surveys": {"decals": {"shards": SHARDS}},
        "pretraining": {"shown": "random"},
        "hunt": {"folder": str(folder / "hunts")},
    }
    overlay.write_text(yaml.safe_dump(change))
    config = read_config([overlay])
    names = make_catalogue(folder / "1_catalogue/decals.parquet", rng)
    make_shards(folder / "2_cutouts/decals", names, rng)
    represented = folder / "4_represent/decals/random"
    represented.mkdir(parents=True)
    for components in (config["similarity"]["components"], config["anomalies"]["components"]):
        compressed = rng.normal(size=(GALAXIES, components)).astype(np.float32)
        schema = representation_schema(components)
        stem = represented / f"pca{components}"
        pq.write_table(representation_table(names, compressed, schema), f"{stem}.parquet")
        save_compressor(Compressor(np.zeros(1280), np.eye(components, 1280)), f"{stem}.npz")
    whole = np.lib.format.open_memmap(
        represented / "representation.npy", "w+", np.float32, (GALAXIES, 1280)
    )
    for start in range(0, GALAXIES, 10_000):
        rows = whole[start : start + 10_000]
        rows[:] = rng.standard_normal(rows.shape, np.float32)
    encoder = random_encoder(config["representation"]["crop_size"], 1)
    weights = folder / "3_pretrain/random/encoder.weights.h5"
    save_encoder(encoder, weights, label="random weights", training=None, seed=1)
    return overlay


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


def measure_browser(overlay: Path) -> dict[str, list[float]]:
    """Time opening the page, searching from galaxy to galaxy, and rating."""
    command = ["make", "app", f"CONFIG={overlay}"]
    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        start = time.perf_counter()
        with served(command, ROOT) as (address, _):
            times["start the server"] = [time.perf_counter() - start]
            for visit in range(REPEATS):
                page = browser.new_page()
                expect.set_options(timeout=120_000)

                def open_page(page: Page = page) -> None:
                    page.goto(address)
                    wait_for(page, {"Galaxies to start from": ""})

                name = "open, the first visitor" if visit == 0 else "open, each later visitor"
                times.setdefault(name, []).append(seconds(open_page))
            answer(page, times, "answer, principal components")
            page.get_by_text("all 1280").click()
            wait_for(page, {"Most similar galaxies": ""})
            answer(page, times, "answer, all 1280")
            rate(browser.new_page(), address, times)
        browser.close()
    return times


def answer(page: Page, times: dict[str, list[float]], name: str) -> None:
    """Time clicks on one galaxy after the other, until all pictures of the answer are shown."""
    for repeat in range(REPEATS):
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


def rate(page: Page, address: str, times: dict[str, list[float]]) -> None:
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

    for batch in range(1, REPEATS + 1):
        expect(cards.first).to_be_enabled()
        for place in range(10):
            name = "rate a galaxy" if place < 9 else "rate the tenth, until the next ten"
            times.setdefault(name, []).append(seconds(partial(press, place, batch)))


def measure_server(overlay: Path) -> dict[str, list[float]]:
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
                (row + STRIDE * np.arange(n)) % GALAXIES
            )
            for n in (12, 24, 50)
        },
    }
    for name, call in calls.items():
        times[name] = [seconds(partial(call, row)) for row in rng.integers(0, GALAXIES, REPEATS)]
    return times


def main(folder: Path) -> None:
    """Make the survey unless it exists, measure, and print a table."""
    overlay = folder / "page.yaml"
    if not overlay.exists():
        make_survey(folder)
    print(f"{'seconds':34}{'fastest':>10}{'median':>10}{'slowest':>10}")
    for measure in (measure_server, measure_browser):
        for name, values in measure(overlay).items():
            figures = min(values), statistics.median(values), max(values)
            print(f"{name:34}" + "".join(f"{value:10.3f}" for value in figures), flush=True)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder))
