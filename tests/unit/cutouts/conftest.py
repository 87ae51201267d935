"""A cutout service, and a shard of galaxies that it shows."""

from pathlib import Path

import pandas as pd
import pytest

from tests.cutout_service import CutoutService
from workflow.lib.cutouts.image_sources import open_source


@pytest.fixture
def service():
    with CutoutService() as service:
        yield service


@pytest.fixture
def survey(service):
    client = {"user_agent": "test", "attempts": 2, "sleep": lambda seconds: None}
    return open_source(
        "legacysurvey", client=client, url=service.url, layer="a", pixel_scale=0.262,
        thumbnail_size=64, largest_size=512,
    )  # fmt: skip


@pytest.fixture
def catalogue(tmp_path):
    """Write the shard's galaxies; their right ascension is their number."""

    def write(count: int, names: list[str] | None = None) -> Path:
        path = tmp_path / "0-of-1.csv"
        names = names or [f"J{(7 * number) % count:02d}" for number in range(count)]
        frame = pd.DataFrame({"iauname": names, "ra": range(count), "dec": 0.0})
        frame.assign(pixel_scale=0.1 + 0.01 * frame["ra"]).to_csv(path, index=False)
        return path

    return write
