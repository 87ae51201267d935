"""Files to download are asked for by HEAD at a real server on this machine."""

import pandas as pd
import pytest

from tests.browser import free_port
from tests.cutout_service import CutoutService
from tests.unit.preflight.conftest import FILES, JOBS, job, real_tables, write
from workflow.lib.planning.config import merged
from workflow.lib.preflight.check import Machine, check
from workflow.lib.preflight.files import ENDS, ask, fetch_ends, named_files
from workflow.lib.sources.downloads import Download

BODY = bytes(range(256)) * 4


@pytest.fixture
def service():
    with CutoutService() as service:
        service.files["atlas.fits"] = BODY
        yield service


def ask_for(service, name="atlas.fits", size=None):
    url = f"{service.address}/files/{name}"
    return ask(Download(name, url, None, size, "", ""), f"data/{name}", "me@example.org")


def test_a_file_is_asked_for_without_being_downloaded(service):
    assert ask_for(service, size=len(BODY)) == (len(BODY), None)
    assert [request["method"] for request in service.requests] == ["HEAD"]
    assert service.requests[0]["headers"]["User-Agent"] == "morphoflow (me@example.org)"


@pytest.mark.parametrize("status", ["403", "405", "501"])
def test_a_server_that_refuses_head_is_asked_by_get(service, status):
    service.faults["atlas.fits"] = [status]
    assert ask_for(service) == (len(BODY), None)
    assert [request["method"] for request in service.requests] == ["HEAD", "GET"]


def test_a_busy_server_is_asked_again(service):
    service.faults["atlas.fits"] = ["503"]
    assert ask_for(service) == (len(BODY), None)


def test_a_file_that_is_not_there_is_named_with_what_to_do(service):
    problem = ask_for(service, "gone.fits").problem
    assert problem.startswith(f"data/gone.fits: {service.address}/files/gone.fits answers 404 ")
    assert "put the file at data/gone.fits yourself" in problem


def test_a_login_page_is_no_file(service):
    service.file_headers = {"Content-Type": "text/html; charset=utf-8"}
    assert "is a web page, perhaps a login; put the file at data/atlas" in ask_for(service).problem


def test_a_size_unlike_the_tables_is_named(service):
    assert "has 1024 bytes, but config/downloads.tsv says 7" in ask_for(service, size=7).problem


def test_a_server_that_is_off_is_named():
    url = f"http://127.0.0.1:{free_port()}/atlas.fits"
    problem = ask(Download("atlas.fits", url, None, None, "", ""), "data/atlas.fits").problem
    assert problem.startswith(f"data/atlas.fits: {url} does not answer (ConnectionError)")


# Both ends of a table


def test_only_the_ends_of_a_large_file_are_fetched(service, tmp_path):
    body = b"head" + bytes(3 * ENDS) + b"tail"
    service.files["large.parquet"] = body
    path = tmp_path / "ends"
    assert fetch_ends(f"{service.address}/files/large.parquet", len(body), path)
    assert path.read_bytes() == body
    assert [request["headers"]["Range"] for request in service.requests] == [
        f"bytes=0-{ENDS - 1}",
        f"bytes={len(body) - ENDS}-{len(body) - 1}",
    ]


def test_a_small_file_is_fetched_once(service, tmp_path):
    assert fetch_ends(f"{service.address}/files/atlas.fits", len(BODY), tmp_path / "ends")
    assert (tmp_path / "ends").read_bytes() == BODY
    assert len(service.requests) == 1


def test_a_server_without_ranges_gives_no_ends(service, tmp_path):
    service.ranges = False
    assert not fetch_ends(f"{service.address}/files/atlas.fits", len(BODY), tmp_path / "ends")


# A whole run


def test_columns_are_checked_before_the_tables_are_downloaded(service, paper, tmp_path):
    frames = real_tables()
    frames["nsa"] = frames["nsa"].rename(columns={"PETRO_TH50": "PETRO_TH_50"})
    frames["automated"] = frames["automated"].assign(iauname=7)
    frames["tags"] = frames["tags"].drop(columns="tag")
    write(frames, tmp_path / "server")
    service.files = {file.name: file.read_bytes() for file in (tmp_path / "server").iterdir()}
    del service.files[FILES["gz2"]]
    list_downloads(service)
    jobs = [*JOBS, *(job("download_file", file=name) for name in [*FILES.values(), "new.csv"])]
    assert [line.partition(" (needed")[0] for line in sorted(check(jobs, paper, Machine()))] == [
        "config/downloads.tsv: no 'new.csv', which the run needs",
        "data/gz_decals_auto_posteriors.parquet: column 'iauname' is int64, not names",
        "data/nsa_v1_0_1.fits: no column 'PETRO_TH50' (it has 'PETRO_TH_50')",
        "data/tags.csv: no column 'tag'",
        f"data/training_solutions_rev1.csv: {service.address}/files/training_solutions_rev1.csv "
        "answers 404 Not Found; put the file at data/training_solutions_rev1.csv yourself, or "
        "correct config/downloads.tsv",
        "note: not checked: the columns of data/training_solutions_rev1.csv, which is not here yet",
    ]


def list_downloads(service):
    rows = [
        {"file": name, "url": f"{service.address}/files/{name}", "licence": "", "used_by": ""}
        for name in FILES.values()
    ]
    table = pd.DataFrame(rows, columns=["file", "url", "sha256", "bytes", "licence", "used_by"])
    table.to_csv("config/downloads.tsv", sep="\t", index=False)


def test_the_files_that_a_configuration_names(paper):
    weights = {
        "zoobot": "zoobot/checkpoint",
        "none": "stand-in",
        "dino": {"representation": "dino_{survey}.csv"},
    }
    change = {"pretraining": {"weights": weights}}
    named = named_files(merged(paper, change))
    assert named["surveys", "decals", "catalogue", "nsa"] == "<downloads>/nsa_v1_0_1.fits"
    assert named["surveys", "gz2", "images", "path"] == "<downloads>/images_training_rev1.zip"
    assert named["surveys", "decals", "tags", "table"] == "<downloads>/tags.csv"
    assert named["pretraining", "weights", "zoobot"] == "zoobot/checkpoint.index"
    assert named["pretraining", "weights", "dino", "representation"] == "dino_{survey}.csv"
    assert ("pretraining", "weights", "none") not in named
