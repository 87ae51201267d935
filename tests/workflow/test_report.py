"""The report, unzipped, in a real browser without network."""

from types import SimpleNamespace
from zipfile import ZipFile

import pandas as pd
import pytest

from tests.workflow.test_readme import block
from workflow.lib.figures.style import METHODS

CATEGORIES = {
    "1 Representation": ["Figure 1", "Figure A1", "Figure A2", "Variance kept"],
    "2 Similarity": ["Figure 2"],
    "3 Anomalies": ["Figure 3", "Figure 4", "Figure 5", "Figure 6", "Table 1"],
    "4 Fine-tuning": ["Figure 7", "Figure 8", "Figure 9"],
    "5 Numbers": [
        "Accuracy of",
        "Galaxies left",
        "How similar",
        "How well labels",
        "How well votes",
        "Scores of",
        "What fine-tuning took",
    ],
    "6 Claims": ["The paper's claims"],
}
"""The beginnings of the titles listed in each category, in order."""


@pytest.fixture(scope="module")
def report(chromium, finished, tmp_path_factory):
    """The report's page in an offline browser."""
    command = block("snakemake --configfile config/toy.yaml --report")
    finished.sh(command)
    folder = tmp_path_factory.mktemp("report")
    with ZipFile(finished.folder / command.split()[-1]) as archive:
        archive.extractall(folder)
    context = chromium.new_context(offline=True, viewport={"width": 1400, "height": 900})
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    (address,) = folder.glob("*/report.html")
    page.goto(address.as_uri())
    yield SimpleNamespace(page=page, results=finished.folder / "results/toy")
    assert wrong == []
    context.close()


def test_the_contact_address_stands_nowhere_in_the_report(finished, tmp_path):
    contact = "--config 'legacysurvey={contact: carina@example.org}'"
    target = tmp_path / "report.zip"
    finished.sh(f"snakemake --configfile config/toy.yaml {contact} --report {target}")
    with ZipFile(target) as archive:
        files = [archive.read(name) for name in archive.namelist()]
    assert any(b"longest_wait" in file for file in files)
    assert not any(b"carina" in file for file in files)


def listed(page, category):
    """Open a category from the first page, and return the rows that list its results."""
    page.reload()
    page.locator("#app li a", has_text=category).click()
    return page.locator("#app tbody tr")


def test_results_are_listed_in_the_paper_s_order(report):
    menu = report.page.locator("#app li").all_inner_texts()
    assert [entry for entry in menu if entry[:1].isdigit()] == list(CATEGORIES)
    for category, beginnings in CATEGORIES.items():
        names = listed(report.page, category).all_inner_texts()
        shown = [name[: len(start)] for name, start in zip(names, beginnings, strict=True)]
        assert shown == beginnings


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_result_is_shown_with_its_caption(report, category):
    page = report.page
    for number in range(len(CATEGORIES[category])):
        row = listed(page, category).nth(number)
        name = row.inner_text().strip()
        row.locator("a").first.click()
        image, frame = page.locator("img[src^='data/']"), page.locator("iframe")
        image.or_(frame).wait_for()
        if image.count():
            image.evaluate("image => image.decode()")
            # Of so few galaxies a mosaic may be narrow.
            pixels = image.evaluate("image => image.naturalWidth * image.naturalHeight")
            assert pixels > 500**2, name
        else:
            page.frame_locator("iframe").locator("td").nth(5).wait_for()
        row.locator("a").nth(1).click()
        page.get_by_text("Description", exact=True).wait_for()
        caption = page.locator("#app .prose").first.inner_text()
        assert len(caption) > 100, name
        assert "{" not in caption and "None" not in caption, name
        if category < "5":
            assert "What the paper finds." in caption, name
            assert "simulated galaxies" in caption.lower(), name


def test_the_tables_have_the_numbers_of_their_sources(report):
    def rows(name):
        listed(report.page, name[0]).filter(has_text=name[1]).locator("a").first.click()
        found = report.page.frame_locator("iframe").locator("tbody tr")
        found.first.wait_for()
        return [text.split("\t") for text in found.all_inner_texts()]

    table = pd.read_csv(report.results / "8_figures/table_1.csv")
    found = rows(("3 Anomalies", "Table 1"))
    table["method"] = table["method"].map(METHODS)
    assert [row[:3] for row in found] == table[["dataset", "anomaly", "method"]].values.tolist()
    failed = [row[3] == "Failed" for row in found]
    assert failed == table["failed"].tolist()
    evaluation = pd.read_csv(report.results / "3_pretrain/evaluation.csv")
    found = rows(("5 Numbers", "How well votes"))
    assert [row[1] for row in found] == evaluation["question"].tolist()
    assert float(found[0][4]) == pytest.approx(evaluation["error"][0], rel=1e-3)


def test_the_first_page_has_the_configuration_and_says_that_galaxies_are_simulated(report):
    page = report.page
    page.reload()
    page.get_by_text("From simulated galaxies.").wait_for()
    first = page.get_by_alt_text("Figure 1: galaxies by their appearance")
    first.evaluate("image => image.decode()")
    assert first.evaluate("image => image.naturalWidth") > 500
    page.get_by_text("The configuration", exact=True).click()
    lines = page.locator("#app pre").inner_text().splitlines()
    assert "pathvars:" in lines
    assert "  results: results/toy" in lines
    assert "      nsa: <results>/0_sources/decals/nsa.fits" in lines
    assert "  most_common: 18" in lines


def test_the_runtimes_of_the_rules_are_drawn(report):
    page = report.page
    page.reload()
    page.locator("#app li a", has_text="Statistics").click()
    page.locator("#runtimes canvas, #runtimes svg").first.wait_for()
    assert page.evaluate("runtimes_spec.data.values.some(row => row.rule == 'pretrain_encoder')")
