"""Surveys and servers for the page: a few made-up galaxies, and the toy sky in a real browser."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.app.hunt_steps import serving
from tests.browser import served
from workflow.app.survey import Galaxies, Survey
from workflow.lib.anomaly.active_learning import LabelRater
from workflow.lib.catalogue.selection import UNITS
from workflow.lib.catalogue.shards import shard_rows
from workflow.lib.common.images import from_jpeg, to_jpeg
from workflow.lib.common.tables import write_parquet
from workflow.lib.network.encoder import DESCRIPTION_KEYS, description_path
from workflow.lib.planning.config import read_config
from workflow.lib.planning.grid import shard_names
from workflow.lib.represent.pca import Compressor, save_compressor
from workflow.lib.represent.vector_files import representation_schema, representation_table

SIZE, COMPONENTS, WHOLE = 64, 10, 24
HOSTILE_NAMES = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "![x](http://198.51.100.7/x.png)",
    "[click](javascript:window.hacked=1)",
    "../../../etc/passwd",
    ":red[x] :material/home: $x^2$ **b** `c`",
]


def made_up_pictures(count, rng):
    return [to_jpeg(rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8), 90) for _ in range(count)]


def make_results(folder, iaunames, *, shards=3, lost=(), encoder="random", given=None):
    """Write the results that the page reads; galaxies in `lost` have no image or representation.

    Returns the configuration, and the picture of each galaxy.
    """
    rng = np.random.default_rng(5)
    count = len(iaunames)
    columns = {name: rng.uniform(1, 9, count) for name in UNITS}
    columns |= {"ra": np.linspace(0, 355, count), "dec": rng.uniform(-60, 60, count)}
    columns |= {"bar_yes_fraction": rng.random(count), "flag": rng.random(count) > 0.5}
    columns["bar_total-votes"] = rng.integers(0, 40, count)
    catalogue = pd.DataFrame({"iauname": iaunames, **columns})
    write_parquet(catalogue, folder / "1_catalogue/decals.parquet", UNITS)
    pictures = dict(zip(iaunames, made_up_pictures(count, rng), strict=True))
    (folder / "2_cutouts/decals").mkdir(parents=True)
    for index, shard in enumerate(shard_names(shards)):
        names = [name for name in iaunames[shard_rows(count, index, shards)] if name not in lost]
        rows = pa.table({"iauname": names, "thumbnail": [pictures[name] for name in names]})
        pq.write_table(rows, folder / f"2_cutouts/decals/{shard}.parquet", row_group_size=4)
    kept = [name for name in iaunames if name not in lost]
    whole = rng.normal(size=(len(kept), WHOLE)).astype(np.float32)
    represented = folder / "4_represent/decals" / encoder
    represented.mkdir(parents=True)
    np.save(represented / "representation.npy", whole)
    compressor = Compressor(np.zeros(WHOLE), np.eye(COMPONENTS, WHOLE))
    save_compressor(compressor, represented / f"pca{COMPONENTS}.npz")
    table = representation_table(kept, compressor.project(whole), representation_schema(COMPONENTS))
    pq.write_table(table, represented / f"pca{COMPONENTS}.parquet")
    weights = folder / "3_pretrain" / encoder / "encoder.weights.h5"
    weights.parent.mkdir(parents=True)
    weights.touch()  # not read in these tests
    description = dict.fromkeys(DESCRIPTION_KEYS) | {"label": "random numbers"}
    description_path(weights).write_text(json.dumps(description))
    overlay = {
        "pathvars": {"results": str(folder)},
        "surveys": {"decals": {"shards": shards}},
        "pretraining": {"shown": encoder, "weights": given or {}},
        "page": {"name_resolver": None},
        "cutouts": {"thumbnail_size": SIZE, "network_size": 40},
        "representation": {"crop_size": 32},
        "figures": {
            "representation": {"crop": 10},
            "neighbours": {"crop": 10},
            "anomalies": {"figure_6": {"crop": 10}},
        },
    }
    path = folder / "page.yaml"
    path.write_text(yaml.safe_dump(overlay))
    return read_config([path]), pictures


@pytest.fixture(scope="session")
def made_up(tmp_path_factory):
    """A survey of 40 made-up galaxies, two of them without an image."""
    folder = tmp_path_factory.mktemp("made-up")
    names = [f"J{number:04d}" for number in range(40)]
    config, pictures = make_results(folder, names, lost=["J0003", "J0020"])
    return SimpleNamespace(survey=Survey(config), pictures=pictures, folder=folder, names=names)


class Sesame(BaseHTTPRequestHandler):
    """A name resolver that answers like the real service, but knows only its `objects`."""

    def do_GET(self):
        name = unquote(self.path.partition("?")[2])
        self.server.asked.append(name)
        known = self.server.objects.get(name)
        place = f"%J {known[0]:.6f} {known[1]:+.6f} = made up\n" if known else "#!SIMBAD: nothing\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"# {name}\n#=S=Simbad (via url): 1\n{place}#====Done====\n".encode())

    def log_message(self, *_):
        """Log nothing."""


@pytest.fixture(scope="session")
def sesame():
    """A name resolver: its `url`, the `objects` that it knows, and the names it was `asked` for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sesame)
    server.objects, server.asked = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def site(chromium, finished, sesame, tmp_path_factory):
    """The page on the toy sky, started as users do; `sesame` resolves names."""
    resolver = tmp_path_factory.mktemp("site") / "resolver.yaml"
    resolver.write_text(yaml.safe_dump({"page": {"name_resolver": sesame.url}}))
    configs = f"config/toy.yaml {resolver}"
    with served(["make", "app"], finished.folder, CONFIG=configs) as (address, lines):
        layers = [finished.folder / "config/toy.yaml", resolver]
        config = read_config(layers)
        config["pathvars"]["results"] = finished.folder / "results/toy"
        yield SimpleNamespace(address=address, lines=lines, survey=Survey(config))
        assert not re.search("Traceback|Exception", "".join(lines)), "".join(lines)


PROFILE = 40
"""Number of steps in a light profile, which are the features of a galaxy."""


def profile(jpeg):
    """Return the steps of a galaxy's radial light profile: at a ring the light rises."""
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


@pytest.fixture(scope="session")
def hunt_sky(finished, tmp_path_factory):
    """The toy sky with features that show rings; its encoder trained too briefly to see them.

    `rater` rates by the volunteers' votes for rings; galaxies without votes are boring.
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


@pytest.fixture(scope="session")
def hunt_site(chromium, hunt_sky):
    """The address of the page of hunts; each test uses hunts of its own names."""
    with serving(hunt_sky) as address:
        yield address


@pytest.fixture
def visit(chromium):
    """Open a page in a window of its own; at the end, check that the browser saw no errors."""
    contexts = []

    def watch(page):
        page.set_default_timeout(60_000)
        page.outside, page.wrong = [], []
        page.on("request", lambda request: page.outside.append(request.url))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("dialog", lambda dialog: (page.wrong.append(dialog.message), dialog.dismiss()))

    def open_page(address, width=1280, height=900):
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}))
        contexts[-1].on("page", watch)  # also pages that a link opens
        page = contexts[-1].new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            assert page.wrong == []
            assert page.evaluate("window.hacked") is None
            outside = [
                url
                for url in page.outside
                if not re.match(r"(http://127\.0\.0\.1:|data:|blob:)", url)
            ]
            assert outside == []
        context.close()
