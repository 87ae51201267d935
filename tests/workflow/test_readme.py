"""Every command of the README, to the letter, on the smallest sky."""

import re

import pandas as pd
import pytest
import requests
import yaml

from tests.browser import served
from tests.conftest import ROOT
from tests.workflow.test_dag import PAPER
from tests.zoobot import (
    head_variables,
    settle,
    variables_of,
    write_checkpoint,
    zoobot_network,
)
from workflow.lib.planning.config import merged

README = (ROOT / "README.md").read_text()
BLOCKS = [block.strip() for block in re.findall(r"^```bash\n(.*?)^```", README, re.S | re.M)]


def block(beginning):
    """Give the one block of commands that starts so."""
    (found,) = [text for text in BLOCKS if text.startswith(beginning)]
    return found


def test_toy_and_single_figures(finished):
    assert block("make toy") == "make toy"  # has run in `finished`
    for text in [text for text in BLOCKS if "config/toy.yaml" in text]:
        finished.sh(text)


def test_dry_runs(bare):
    for text in [text for text in BLOCKS if "-n" in text.split()]:
        assert "fetch_cutouts" in bare.sh(text)


def test_a_login_node_fetches_what_needs_a_network(bare):
    command = block("snakemake downloads")
    jobs = bare.jobs(command.removeprefix("snakemake"))
    targets = {"downloads": 1, "cutouts": 1}
    needed = ["download_file", "select_galaxies", "write_shard", "fetch_cutouts"]
    assert jobs == {rule: PAPER[rule] for rule in needed} | targets


def test_the_plan_counts_the_jobs_of_every_stage(bare):
    output = bare.sh(block("snakemake cost"))
    found = re.findall(
        r"^(\d_\w+|total) +([\d,]+) +([\d,]+) +([\d,.]+) +[\d,.]+ +([\d,.]+)$", output, re.M
    )
    numbers = [[float(cell.replace(",", "")) for cell in row[1:]] for row in found]
    rows = dict(zip([row[0] for row in found], numbers, strict=True))
    total = rows.pop("total")
    for stage, (jobs, *_) in rows.items():
        text = (bare.folder / f"workflow/rules/{stage}.smk").read_text()
        assert jobs == sum(PAPER.get(rule, 0) for rule in re.findall(r"^rule (\w+)", text, re.M))
    assert total == pytest.approx(
        [sum(column) for column in zip(*numbers[:-1], strict=True)], abs=1
    )
    assert total[0] == sum(PAPER.values()) - PAPER["all"]
    submissions, gpu_hours, gigabytes = (
        f"{round(value, -1 if i else 0):,.0f}" for i, value in enumerate(total[1:])
    )
    told = " ".join(README.split())
    assert f"{submissions} submissions, {gpu_hours} GPU hours, and {gigabytes} GB" in told


def test_own_images(finished, branch):
    """The README's own images, here those of the second survey."""
    gz2 = finished.folder / "results/toy/0_sources/gz2"
    own = branch.folder / "data/own"
    own.mkdir(parents=True)
    branch.sh(f"python -m zipfile -e {gz2}/images.zip data/own/")
    (own / "images_training_rev1").rename(own / "images")
    table = pd.read_csv(gz2 / "training_solutions.csv").rename(columns={"GalaxyID": "asset_id"})
    table.to_csv(own / "labels.csv", index=False)
    branch.sh(block("snakemake --configfile config/own.yaml"))
    assert len(pd.read_csv(branch.folder / "results/own/8_figures/figure_1.csv")) > 10
    learn_own_label(branch, table)
    with served(block("make app CONFIG").split(), branch.folder) as (address, _):
        assert requests.get(address).ok


def learn_own_label(branch, table):
    """The README's label of one's own: here whether a galaxy is rather featured."""
    ring = table["Class1.2"] > table["Class1.2"].median()
    table.assign(ring=ring.astype(int)).to_csv(branch.folder / "data/own/labels.csv", index=False)
    label = branch.folder / "config/label.yaml"
    small = {"finetune": {"sizes": [20], "repeats": 1, "depths": {"all": ["top"], "scratch": []}}}
    small["finetune"]["stages"] = {"finetuned": {"images_seen": 100}}
    small["finetune"]["predict"] = {"depth": "top", "size": 20}
    label.write_text(yaml.safe_dump(merged(yaml.safe_load(label.read_text()), small)))
    branch.sh(block("snakemake finetuning predictions"))
    folder = branch.folder / "results/own/7_finetune/own"
    models = pd.read_csv(folder / "models.csv")
    assert set(models["stage"]) == {"frozen", "finetuned"}
    predictions = pd.read_parquet(folder / "all/top/n20_r0/predictions/own.parquet")
    assert (predictions["set"] == "train").sum() == 20
    assert predictions["probability"].between(0, 1).all()
    assert branch.jobs(block("snakemake --cores all").partition("snakemake")[2]) == {}


def test_released_weights(branch):
    """The README's lines of configuration, with a checkpoint of the form that Zoobot released."""
    lines = re.search(r"^```yaml\n(.*?)^```", README, re.S | re.M)[1]
    network = zoobot_network(75)
    settle(network, seed=1)
    variables = variables_of(network) | head_variables(34, seed=1)
    write_checkpoint(variables, branch.folder / "data/zoobot/checkpoint")
    votes = "results/toy/3_pretrain/zoobot/votes/decals.parquet"
    branch.toy(votes, lines)
    predicted = pd.read_parquet(branch.folder / votes)
    # It may have been trained on any galaxy of the survey.
    assert not predicted["held_out"].any()
    assert predicted["bar_strong_concentration"].between(1, 101).all()
    assert predicted["bar_strong_automated-fraction"].std() > 0
    drawn = branch.jobs(f"figure_1 {branch.toy_with(lines)}")
    assert drawn["draw_representation"] == 1
    assert "copy_encoder" not in drawn


def test_real_galaxies_as_own_images(branch, shared_data):
    (branch.folder / "data").mkdir()
    (branch.folder / "data/own").symlink_to(shared_data / "gz2_sample")
    branch.sh(block("snakemake --configfile config/own.yaml"))
    results = branch.folder / "results/own"
    assert len(pd.read_parquet(results / "4_represent/own/all/pca15.parquet")) == 500
    assert len(pd.read_csv(results / "8_figures/figure_1.csv")) > 100

    answers = {
        "ring": ["t06_odd_a14_yes", "t08_odd_feature_a19_ring"],
        "merger": ["t06_odd_a14_yes", "t08_odd_feature_a24_merger"],
        "spiral": ["t02_edgeon_a05_no", "t04_spiral_a08_spiral"],
        "edge-on": ["t01_smooth_or_features_a02_features_or_disk", "t02_edgeon_a04_yes"],
        "round": ["t01_smooth_or_features_a01_smooth", "t07_rounded_a16_completely_round"],
    }
    fractions = {
        tag: [f"{name}_weighted_fraction" for name in names] for tag, names in answers.items()
    }
    change = yaml.safe_dump({"surveys": {"own": {"tags": {"fractions": fractions}}}})
    branch.sh(
        f"snakemake --configfile config/own.yaml {branch.write_change(change)} --cores 2 "
        "figure_2 similarity"
    )
    shown = pd.read_csv(results / "8_figures/figure_2.csv")
    assert set(shown["tag"]) == set(fractions)
    assert (shown.groupby("tag").size() == 8).all()
    (shared,) = (results / "5_similarity/own").glob("*/shared_votes.csv")
    assert pd.read_csv(shared)["p"].notna().all()


@pytest.mark.parametrize("text", BLOCKS)
def test_no_command_is_left_out(text):
    """Each block is run by a test above, or is how the tests themselves are run."""
    run = ["config/toy.yaml" in text, "-n" in text.split(), "config/own.yaml" in text]
    # `make app` is what the tests of the page start.
    by_itself = {"make toy", "make test", "make app"}
    run += [text.startswith(("snakemake cost", "snakemake downloads"))]
    assert any(run) or text in by_itself or text.startswith("source "), text


def test_ci_calls_the_test_command_of_the_readme():
    assert block("make test") == "make test"
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text()


def test_pictures_and_files_that_the_readme_names_exist():
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / name).exists(), name
