"""The run in one file: what is in it, and whether the standard's own validator accepts it."""

import os
from zipfile import ZipFile

import pytest

from tests.crates import described, faults
from tests.project import ROOT
from workflow.lib.claims.crate import times_of, write_crate
from workflow.lib.claims.provenance import record_provenance
from workflow.lib.common.checksums import checksum
from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import merged, read_config

ENDS = {"fetch.tsv": (1_700_000_000, 30), "hunt.tsv": (1_700_000_600, 500.5)}
"""When jobs ended [s since 1970], and how long they took [s]."""
NSA = "https://data.sdss.org/sas/dr13/sdss/atlas/v1/nsa_v1_0_1.fits"


@pytest.fixture
def benchmarks(tmp_path):
    for name, (end, seconds) in ENDS.items():
        path = tmp_path / "benchmarks/2_cutouts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:30\n")
        os.utime(path, (end, end))
    return tmp_path / "benchmarks"


@pytest.fixture
def crate(tmp_path, benchmarks, monkeypatch):
    """The crate of a run with one figure, whose galaxies are a user's own and a download."""
    monkeypatch.chdir(ROOT)  # as jobs
    results, data = tmp_path / "results", tmp_path / "data"
    made = {"8_figures/figure_1.png": "a picture", "9_claims/summary.txt": "5 claims agree\n"}
    for name, text in made.items():
        (results / name).parent.mkdir(parents=True)
        (results / name).write_text(text)
    data.mkdir()
    for name in ("nsa_v1_0_1.fits", "ours.csv"):
        (data / name).write_text("iauname")
    change = {
        "pathvars": {"downloads": str(data)},
        "legacysurvey": {"contact": "carina@example.org"},
        "surveys": {"ours": {"table": str(data / "ours.csv")}},
    }
    config = merged(read_config([]), change)
    record_provenance(config, {"hunt_anomalies": "a1b2"}, results / "9_claims/provenance.json")
    write_crate(
        results / "9_claims/provenance.json",
        [results / name for name in made],
        tmp_path / "crate.zip",
        config=config,
        results=results,
        benchmarks=benchmarks,
        downloads=ROOT / "config/downloads.tsv",
    )
    return tmp_path / "crate.zip"


def test_the_run_took_from_the_first_jobs_start_to_the_last_ones_end(benchmarks, crate):
    times = "2023-11-14T22:12:50+00:00", "2023-11-14T22:23:20+00:00"
    assert times_of(benchmarks) == times
    run = described(crate)["#run"]
    assert (run["startTime"], run["endTime"]) == times


def test_without_any_times_one_line_says_so(tmp_path):
    with pytest.raises(UserError, match="benchmarks: no times of jobs"):
        times_of(tmp_path / "benchmarks")


def test_results_and_tables_are_in_it_with_their_checksums(crate, tmp_path):
    found = described(crate)
    run = found["#run"]
    assert run["instrument"]["@id"] == "Snakefile"
    assert {one["@id"] for one in run["result"]} == {
        "results/8_figures/figure_1.png",
        "results/9_claims/summary.txt",
        "results/9_claims/provenance.json",
    }
    given = {one["@id"] for one in run["object"]}
    assert given >= {"configuration.json", "config/claims.tsv"}
    figure = found["results/8_figures/figure_1.png"]
    assert figure["encodingFormat"] == "image/png"
    assert figure["sha256"] == checksum(tmp_path / "results/8_figures/figure_1.png")
    with ZipFile(crate) as archive:
        for name in ("config/claims.tsv", "workflow/lib/claims/crate.py"):
            assert archive.read(name) == (ROOT / name).read_bytes()
        assert not [name for name in archive.namelist() if "__pycache__" in name]


def test_other_inputs_are_named_and_not_in_it_and_no_address_of_the_user(crate, tmp_path):
    found = described(crate)
    given = {one["@id"] for one in found["#run"]["object"]}
    own = f"#{tmp_path}/data/ours.csv"
    assert {NSA, own} <= given
    assert found[NSA]["sha256"] == found[own]["sha256"] == checksum(tmp_path / "data/ours.csv")
    with ZipFile(crate) as archive:
        names = archive.namelist()
        assert not [name for name in names if name.endswith((".fits", "ours.csv"))]
        assert b"carina" not in b"".join(map(archive.read, names))


def test_software_has_its_version(crate):
    found = described(crate)
    needed = [found[one["@id"]] for one in found["Snakefile"]["softwareRequirements"]]
    versions = {one["name"]: one["softwareVersion"] for one in needed}
    assert {"python", "snakemake", "tensorflow", "rocrate"} <= versions.keys()
    language = found[found["Snakefile"]["programmingLanguage"]["@id"]]
    assert language["version"] == versions["snakemake"]


def test_the_standards_validator_accepts_it(validator, crate, tmp_path):
    assert faults(validator, crate, tmp_path) == []
    with ZipFile(crate) as archive:
        archive.extractall(tmp_path / "broken")
    described_in = tmp_path / "broken/ro-crate-metadata.json"
    described_in.write_text(described_in.read_text().replace("ComputationalWorkflow", "Thing"))
    assert faults(validator, tmp_path / "broken", tmp_path) != []
