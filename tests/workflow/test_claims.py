"""The paper's claims on the smallest sky, and their page in a real browser without network."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse

import pandas as pd
import pytest

from tests.app.test_accessibility import axe_problems
from tests.crates import described, faults
from tests.project import ROOT, Project
from workflow.lib.planning.claims import read_claims

RESULTS = "results/toy/9_claims"


@pytest.fixture
def opened(chromium, finished):
    """The page in an offline browser, and the table that it shows."""
    folder = finished.folder / RESULTS
    context = chromium.new_context(offline=True)
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((folder / "claims.html").as_uri())
    table = pd.read_csv(folder / "claims.csv", keep_default_na=False)
    yield SimpleNamespace(page=page, table=table)
    assert wrong == []
    context.close()


def shown(page):
    """The ids of the rows that are shown, in order."""
    return page.locator("tbody tr:visible").evaluate_all("rows => rows.map(row => row.id)")


def test_all_claims_are_shown_in_the_papers_order(opened):
    assert shown(opened.page) == opened.table["id"].tolist()
    count = len(opened.table)
    assert opened.page.get_by_role("status").inner_text() == f"{count} of {count} claims shown"


def test_filters_by_section_and_verdict_add_up(opened):
    page, table = opened.page, opened.table
    page.get_by_label("Section").select_option("Table 1")
    chosen = table[table["section"] == "Table 1"]
    assert shown(page) == chosen["id"].tolist()
    page.get_by_label("Verdict").select_option("not testable")
    chosen = chosen[chosen["verdict"] == "not testable"]
    assert shown(page) == chosen["id"].tolist()
    text = page.get_by_role("status").inner_text()
    assert text == f"{len(chosen)} of {len(table)} claims shown"


def test_a_head_sorts_by_numbers_up_and_down_also_by_the_keyboard(opened):
    page = opened.page
    head = page.get_by_role("columnheader", name="Paper")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    values = opened.table.set_index("id")["paper"]
    numbers = [float(values[id]) for id in shown(page) if values[id].replace(".", "").isdigit()]
    assert numbers == sorted(numbers)
    assert values[shown(page)[-1]] == ""
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert values[shown(page)[-1]] == ""  # empty cells stay last
    page.get_by_role("columnheader", name="Section").get_by_role("button").press("Enter")
    assert shown(page) == opened.table["id"].tolist()
    assert head.get_attribute("aria-sort") == "none"


def test_every_link_leads_to_a_file_of_the_results(opened):
    links = opened.page.locator("td a").evaluate_all("all => all.map(one => one.href)")
    assert len(links) > 50
    assert all(Path(urlparse(link).path).is_file() for link in set(links))


def test_the_page_is_accessible(opened):
    assert axe_problems(opened.page) == []


def test_each_claim_has_a_verdict_or_a_reason_why_it_has_none(finished):
    folder = finished.folder / RESULTS
    table = pd.read_csv(folder / "claims.csv", keep_default_na=False)
    assert table["id"].tolist() == [claim.id for claim in read_claims(ROOT / "config/claims.tsv")]
    judged = table[table["verdict"].isin(["agrees", "differs"])]
    assert (table.drop(judged.index)["why"] != "").all()
    # Galaxies are simulated: no number of them is judged.
    assert set(judged["kind"]) == {"ordering", "setting"}
    orderings = judged[judged["kind"] == "ordering"]
    assert (orderings["section"] == "Table 1").sum() == 4
    searches = orderings[orderings["file"].str.endswith("repeats.csv")]
    assert (searches["repeats"].astype(int) == 2).all()
    assert searches["sure"].astype(float).between(0, 1).all()
    assert len((folder / "summary.txt").read_text().splitlines()) == 5


def test_the_provenance_names_the_configuration_and_the_code(finished):
    found = json.loads((finished.folder / RESULTS / "provenance.json").read_text())
    assert found["configuration"]["anomalies.ratings"] == 20
    assert found["code"]["rules"].keys() >= {"simulate_survey", "draw_neighbours"}
    assert "tests/toy/anomaly_tasks.tsv" in found["inputs"]


def test_a_run_is_packed_with_what_plans_it_again(branch, validator, tmp_path):
    branch.toy("crate")
    crate = branch.folder / RESULTS / "crate.zip"
    assert faults(validator, crate, tmp_path) == []
    results = {one["@id"] for one in described(crate)["#run"]["result"]}
    drawn = branch.folder / "results/toy/8_figures"
    made = {f"results/8_figures/{path.relative_to(drawn)}" for path in drawn.rglob("[!.]*.*")}
    assert results >= made > {"results/8_figures/figure_A1.csv", "results/8_figures/table_1.tex"}
    shutil.unpack_archive(crate, tmp_path / "unpacked")
    unpacked = Project(tmp_path / "unpacked")
    (unpacked.folder / ".venv").symlink_to(ROOT / ".venv")
    jobs = unpacked.jobs("--configfile configuration.json")
    assert jobs["draw_representation"] == 3
    assert jobs["simulate_survey"] == 2
