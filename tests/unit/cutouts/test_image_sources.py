"""Each source gives the bytes of one galaxy's image, or a reason."""

from dataclasses import asdict
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

from tests.cutout_service import CutoutService
from tests.instruments import DECALS
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.images import decode_image
from workflow.lib.cutouts.image_sources import SimulatedSource, open_source
from workflow.lib.sources.sky.population import draw_population


def galaxy(iauname: str, **values) -> dict:
    return {"iauname": iauname, "ra": 10.0, "dec": -1.5, "pixel_scale": 0.2} | values


# The survey's service


@pytest.fixture
def service():
    with CutoutService() as service:
        yield service


def survey(service, **options):
    client = {"user_agent": "test", "attempts": 3, "sleep": lambda seconds: None}
    values = {"url": service.url, "layer": "decals-dr5", "pixel_scale": 0.262, "largest_size": 512}
    return open_source("legacysurvey", client=client, thumbnail_size=424, **values | options)


def test_cutouts_are_requested_at_native_resolution(service):
    data = survey(service).read(galaxy("J1"))
    assert decode_image(data, "J1").shape == (3, 324, 324)
    assert service.requests[0]["query"] == {
        "ra": "10.0000000",
        "dec": "-1.5000000",
        "size": "324",
        "layer": "decals-dr5",
        "pixscale": "0.262",
        "bands": "grz",
    }


def test_a_galaxy_too_large_for_the_service_is_shown_whole_at_a_coarser_scale(service):
    survey(service, largest_size=100).read(galaxy("J1"))
    query = service.requests[0]["query"]
    assert query["size"] == "100"
    assert float(query["pixscale"]) * 100 == pytest.approx(324 * 0.262)


def test_a_damaged_cutout_is_fetched_again(service):
    service.faults["10.0000000"] = ["cut-file", "html"]
    assert decode_image(survey(service).read(galaxy("J1")), "J1").shape == (3, 324, 324)
    service.faults["10.0000000"] = ["missing-band"]
    with pytest.raises(FetchError, match="missing-band: the cutout of J1"):
        survey(service).read(galaxy("J1"))


# The simulated sky


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    truth = tmp_path_factory.mktemp("sky") / "truth.parquet"
    frame = draw_population(3, seed=1, merging_share=0.1)
    frame.to_parquet(truth)
    instrument = asdict(DECALS)
    return SimpleNamespace(truth=truth, names=list(frame.iauname), instrument=instrument)


def simulated(sky, seed: int = 1, **changes) -> SimulatedSource:
    instrument = sky.instrument | changes
    return open_source(
        "simulated", truth=sky.truth, instrument=instrument, seed=seed, thumbnail_size=100
    )


def test_the_simulated_sky_gives_cutouts_like_the_surveys(sky):
    data = simulated(sky).read(galaxy(sky.names[0]))
    with fits.open(BytesIO(data)) as hdus:
        assert hdus[0].shape == (3, 76, 76)
        assert hdus[0].header["BANDS"] == "grz"
    cube = decode_image(data, sky.names[0])
    assert np.isfinite(cube).all()


def test_a_simulated_cutout_depends_only_on_the_seed_and_the_instrument(sky):
    data = simulated(sky).read(galaxy(sky.names[1]))
    again = simulated(sky)
    again.read(galaxy(sky.names[0]))
    assert again.read(galaxy(sky.names[1])) == data
    for other in (simulated(sky, seed=2), simulated(sky, noise=(1, 1, 1))):
        assert other.read(galaxy(sky.names[1])) != data
        assert other.identity != simulated(sky).identity


def test_a_galaxy_that_is_not_in_the_sky_is_not_found(sky):
    with pytest.raises(FetchError, match="not-found"):
        simulated(sky).read(galaxy("J9"))


def test_a_missing_truth_table_is_named(tmp_path, sky):
    with pytest.raises(UserError, match=r"nothing\.parquet"):
        open_source(
            "simulated", truth=tmp_path / "nothing.parquet", instrument=sky.instrument, seed=1,
            thumbnail_size=100,
        )  # fmt: skip


def test_an_unknown_source_is_named():
    with pytest.raises(UserError, match="no source of images 'hubble'"):
        open_source("hubble")
