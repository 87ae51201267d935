"""What the Snakemake workflow catalogue and Zenodo read of this project."""

import json

import yaml

from tests.conftest import ROOT


def test_the_catalogue_finds_the_same_workflow(bare):
    """It looks for workflow/Snakefile, config/README.md and its own file."""
    assert bare.jobs("--snakefile workflow/Snakefile figure_pca") == bare.jobs("figure_pca")
    told = yaml.safe_load((bare.folder / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert told["software-stack-deployment"] == {"conda": True, "apptainer": True}
    assert (bare.folder / "config/README.md").exists()


def test_zenodo_and_the_citation_file_say_the_same():
    zenodo = json.loads((ROOT / ".zenodo.json").read_text())
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert zenodo["title"] == cited["title"]
    assert zenodo["license"] == cited["license"]
    assert [one["name"] for one in zenodo["creators"]] == [one["name"] for one in cited["authors"]]
    (paper,) = zenodo["related_identifiers"]
    assert paper["identifier"] == cited["preferred-citation"]["doi"]
