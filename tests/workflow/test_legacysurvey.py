"""The paper's sources: downloads and cutouts over HTTP, from a real server on this machine."""

import threading

import pandas as pd
import pytest
import yaml

from tests.cutout_service import CutoutService
from workflow.lib.sources.sky.render import Instrument, cutout_fits

pytestmark = pytest.mark.thorough

TABLES = {
    "nsa_v1_0_1.fits": "nsa.fits",
    "gz_decals_auto_posteriors.parquet": "automated.parquet",
    "gz_decals_volunteers_5.parquet": "volunteers.parquet",
}
SHARDS = [f"results/toy/2_cutouts/decals/{index}-of-2.parquet" for index in range(2)]


@pytest.fixture
def survey(finished, bare):
    """A service with files and sky of the finished project, and a project without results."""
    sources = finished.folder / "results/toy/0_sources/decals"
    truth = pd.read_parquet(sources / "truth.parquet")
    truth.index = truth["ra"].map("{:.7f}".format)
    config = yaml.safe_load((bare.folder / "config/toy.yaml").read_text())
    simulation = config["surveys"]["decals"]["simulation"]
    instrument = Instrument(**simulation["instrument"])
    with CutoutService() as service:
        service.sky = lambda query: cutout_fits(
            truth.loc[query["ra"]], int(query["size"]), instrument, simulation["seed"]
        )
        service.files = {name: (sources / ours).read_bytes() for name, ours in TABLES.items()}
        rows = [f"{name}\t{service.address}/files/{name}\t\t\tnone\ttests" for name in TABLES]
        head = "file\turl\tsha256\tbytes\tlicence\tused_by"
        (bare.folder / "config/downloads.tsv").write_text("\n".join([head, *rows]) + "\n")
        keys = ["nsa", "automated", "volunteers"]
        files = [f"<downloads>/{name}" for name in TABLES]
        decals = {
            "catalogue": dict(zip(keys, files, strict=True)),
            "images": {"source": "legacysurvey"},
        }
        legacysurvey = {
            "url": service.url,
            "longest_wait": 0,
            "contact": "me@example.org",
            "largest_size": 2000,  # the simulated source has no such limit
        }
        change = yaml.safe_dump({"surveys": {"decals": decals}, "legacysurvey": legacysurvey})
        service.catalogue = pd.read_parquet(
            finished.folder / "results/toy/1_catalogue/decals.parquet"
        )
        yield service, bare, change


def test_images_over_http_have_the_same_bytes_as_from_the_simulated_source(finished, survey):
    service, project, change = survey
    ras = service.catalogue["ra"].map("{:.7f}".format).tolist()
    passing = {ras[0]: ["html"], ras[1]: ["429", "500"], ras[2]: ["cut-body"], ras[3]: ["hang-up"]}
    service.faults.update(passing)
    project.toy(" ".join(SHARDS), change)
    for shard in SHARDS:
        pd.testing.assert_frame_equal(
            pd.read_parquet(project.folder / shard), pd.read_parquet(finished.folder / shard)
        )
    assert all(not left for left in service.faults.values())
    agents = {request["headers"]["User-Agent"] for request in service.requests}
    assert agents == {"morphoflow (me@example.org)"}


def test_a_galaxy_that_the_survey_does_not_have_is_in_the_table_of_failures(survey):
    service, project, change = survey
    lost = service.catalogue.iloc[5]
    service.faults[f"{lost['ra']:.7f}"] = ["404"]
    project.toy(SHARDS[0], change)
    failed = pd.read_csv(project.folder / SHARDS[0].replace(".parquet", ".failed.csv"))
    assert dict(zip(failed["iauname"], failed["reason"], strict=True))[lost["iauname"]] in {
        "not-found",
        "http-404",
    }


def test_a_service_that_is_down_stops_the_stage_with_one_line(survey):
    service, project, change = survey
    for ra in service.catalogue["ra"]:
        service.faults[f"{ra:.7f}"] = ["404"]
    output = project.toy(SHARDS[0], change, check=False)
    (error,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "0-of-2" in error
    assert "Traceback" not in output


def test_a_download_that_has_changed_is_refused(survey):
    service, project, change = survey
    project.toy("data/nsa_v1_0_1.fits", change)
    (project.folder / "data/nsa_v1_0_1.fits").unlink()
    service.files["nsa_v1_0_1.fits"] = b"SIMPLE  = another"
    output = project.toy("data/nsa_v1_0_1.fits", change, check=False)
    (error,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "nsa_v1_0_1.fits" in error
    assert not (project.folder / "data/nsa_v1_0_1.fits").exists()


@pytest.mark.parametrize(("options", "allowed"), [("", 3), ("--resources http=2", 2)])
def test_requests_in_flight_are_limited_over_all_jobs_without_a_profile(bare, options, allowed):
    (bare.folder / "data").mkdir()
    galaxies = pd.DataFrame({"id": range(36), "ra": range(36), "dec": 1.5})
    galaxies.assign(petro_th50=5.0, petro_th90=10.0).to_csv(bare.folder / "data/g.csv", index=False)
    own = {
        "shards": 3,
        "catalogue": {"table": "data/g.csv", "id_column": "id"},
        "images": {"source": "legacysurvey"},
    }
    shards = " ".join(f"results/own/2_cutouts/own/{index}-of-3.parquet" for index in range(3))
    with CutoutService() as service:
        # So many requests must be in flight, or no answer comes.
        service.gate = threading.Barrier(allowed)
        change = {"surveys": {"own": own}, "legacysurvey": {"url": service.url, "parallel": 3}}
        change["legacysurvey"]["contact"] = "me@example.org"
        configs = f"config/own.yaml {bare.write_change(yaml.safe_dump(change))}"
        bare.sh(f"snakemake --configfile {configs} --cores 8 {options} -- {shards}")
    assert len(service.requests) == len(galaxies)
    assert service.most_at_once == allowed
