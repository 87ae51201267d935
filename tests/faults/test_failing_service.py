"""The fetcher against a service that fails for a third of all requests, in every way at once."""

import threading
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.cutout_service import CutoutService
from tests.unit.cutouts.test_shards import OPTIONS, key
from workflow.lib.cutouts.image_sources import open_source
from workflow.lib.cutouts.shards import make_shard

REASONS = {
    "500": {"http-500"},
    "503": {"http-503"},
    "429": {"http-429"},
    "silence": {"timeout"},
    "hang-up": {"connection"},
    "reset": {"connection", "truncated"},
    "cut-body": {"truncated"},
    "cut-file": {"truncated"},
    "empty": {"truncated"},
    "html": {"html-page"},
    "404": {"not-found"},
    "text": {"not-an-image"},
    "missing-band": {"missing-band"},
}
"""What a galaxy's failure is called after each fault."""

LASTING = {"404", "text", "missing-band"}
GALAXIES, ATTEMPTS, PARALLEL = 90, 3, 4


def draw_faults(rng):
    """Give the faults of a galaxy's requests: each fails with a probability of 0.3."""
    failing = rng.random(ATTEMPTS) < 0.3
    count = ATTEMPTS if failing.all() else int(np.argmin(failing))
    kinds = [str(kind) for kind in rng.choice([*REASONS], count)]
    first = next((place for place, kind in enumerate(kinds) if kind in LASTING), count)
    return kinds[: first + 1]


class Watched:
    """A source that counts the galaxies which it reads at the same time, and how often each."""

    def __init__(self, source):
        self.identity, self.needs, self._read = source.identity, source.needs, source.read
        self.now = self.most = 0
        self.times = Counter()
        self._lock = threading.Lock()

    def read(self, galaxy):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.times[galaxy["iauname"]] += 1
        try:
            return self._read(galaxy)
        finally:
            with self._lock:
                self.now -= 1


@pytest.mark.thorough
def test_every_galaxy_is_fetched_or_named_once_however_the_service_fails(tmp_path):
    names = [f"J{number:02d}" for number in range(GALAXIES)]
    frame = pd.DataFrame({"iauname": names, "ra": range(GALAXIES), "dec": 0.0, "pixel_scale": 0.1})
    frame.to_csv(tmp_path / "0-of-1.csv", index=False)
    rng = np.random.default_rng(48)
    faults = {name: draw_faults(rng) for name in names}
    assert {kind for kinds in faults.values() for kind in kinds} == {*REASONS}
    naps = []
    with CutoutService() as service:
        for number, kinds in enumerate(faults.values()):
            service.faults[key(number)] = [*kinds]
        client = {"user_agent": "test", "attempts": ATTEMPTS, "timeout": 2, "sleep": naps.append}
        source = Watched(
            open_source(
                "legacysurvey", client=client, url=service.url, layer="a", pixel_scale=0.262,
                thumbnail_size=64, largest_size=512,
            )
        )  # fmt: skip
        settings = OPTIONS | {"max_failed_share": 1, "chunk": 30, "parallel": PARALLEL}
        shard, failed = tmp_path / "a.parquet", tmp_path / "a.failed.csv"
        make_shard(tmp_path / "0-of-1.csv", source, shard, failed, **settings)
        asked = Counter(request["query"]["ra"] for request in service.requests)

    fetched = pq.read_table(shard)["iauname"].to_pylist()
    reasons = pd.read_csv(failed, index_col="iauname")["reason"].to_dict()
    assert sorted([*fetched, *reasons]) == names
    for number, (name, kinds) in enumerate(faults.items()):
        lost = len(kinds) == ATTEMPTS or {*kinds} & LASTING
        # On a busy machine a good answer may come too late: then that is the reason.
        possible = REASONS[kinds[-1]] | {"timeout"} if lost else {None, "timeout"}
        assert reasons.get(name) in possible, (name, kinds)
        assert 1 <= asked[key(number)] <= ATTEMPTS
    assert source.most <= PARALLEL
    assert {*source.times.values()} == {1}
    assert 7 in naps, "the service's Retry-After is obeyed"
