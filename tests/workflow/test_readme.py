"""Every command of README.md and docs/, to the letter, on the smallest sky; and every link."""

import re
import subprocess

import pandas as pd
import pytest
import requests
import yaml

from tests.browser import free_port, served
from tests.conftest import ROOT
from tests.project import counted
from tests.timm import state, write_bin
from tests.workflow.planned_jobs import DESI_JOBS, PAPER_JOBS
from tests.workflow.test_redrawn import alone, assert_same_pixels, look_of
from tests.zoobot import (
    head_variables,
    settle,
    variables_of,
    write_checkpoint,
    zoobot_network,
)
from workflow.lib.figures.comparison import draw_comparison
from workflow.lib.planning.config import merged

GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
"""The pages whose commands are run."""

LINKED = [
    *GUIDES,
    *(ROOT / name for name in ["CONTRIBUTING.md", "results/README.md", "benchmarks/README.md"]),
]
"""The pages whose links are followed."""


def code_blocks(language):
    """Give the code blocks of all pages in a language, each once."""
    pattern = rf"^ *```{language}\n(.*?)^ *```$"
    texts = [page.read_text() for page in GUIDES]
    found = [block.strip() for text in texts for block in re.findall(pattern, text, re.S | re.M)]
    return list(dict.fromkeys(found))


BLOCKS = code_blocks("bash")
CHECKPOINT, TIMM, TABLE, LABELS = code_blocks("yaml")
"""The lines of configuration: Zoobot's encoders of then and now, a table, a label from a hunt."""


def block(beginning):
    """Give the one block of commands that starts like this."""
    (found,) = [text for text in BLOCKS if text.startswith(beginning)]
    return found


SKY, DESI, COMPARE = "config/sky.yaml", "config/desi.yaml", "config/compare.yaml"


def test_toy_and_single_figures(branch):
    assert block("make toy") == "make toy"  # has run in `finished`
    others = {SKY, COMPARE}
    for text in [text for text in BLOCKS if "config/toy.yaml" in text]:
        if not others & {*text.split()}:
            branch.sh(text)


@pytest.mark.parametrize(
    "command", [text for text in BLOCKS if "-n" in text.split() and DESI not in text]
)
def test_a_dry_run_of_the_paper_lists_every_job(bare, command):
    assert counted(bare.sh(command)) == PAPER_JOBS


def test_the_larger_sky_is_planned(bare):
    """By a dry-run: its encoders are trained for a night."""
    for command in [text for text in BLOCKS if SKY in text]:
        jobs = bare.jobs(command.removeprefix("snakemake"))
        assert jobs["fetch_cutouts"] > 5  # decals has 6 shards in sky.yaml
        last = "ship_encoder" if command.endswith("shipped") else "draw_representation"
        assert {"simulate_survey", "pretrain_encoder", last} <= jobs.keys()


def test_encoders_are_compared(branch, tmp_path):
    """And a table of representations, the ellipses; by labels that enough galaxies have."""
    (command,) = [text for text in BLOCKS if COMPARE in text]
    few = {"above": 0.5, "below": 0.5}
    labels = dict.fromkeys(["featured", "edge-on", "spiral", "barred", "odd"], few)
    encoders = ["random", "all", "ellipse"]
    change = {"compare": {"encoders": encoders}, "probe": {"labels": labels}}
    branch.sh(command.replace(COMPARE, f"{COMPARE} {branch.write_change(yaml.safe_dump(change))}"))
    table = pd.read_csv(branch.folder / "results/toy/9_compare/compare.csv")
    assert set(table["encoder"]) == set(encoders)
    assert set(table["task"]) == {"probes", "similarity", "anomalies", "finetuning"}
    assert table["value"].between(0, 1).all()
    assert (table.groupby(["task", "survey", "label", "measure"]).size() % len(encoders) == 0).all()
    # The figure is drawn again from this table alone.
    source = branch.folder / "results/toy/9_compare/compare.csv"
    canvas = alone(source, tmp_path, look_of(branch))
    draw_comparison(canvas, encoders)
    assert_same_pixels(canvas.png, source.with_suffix(".png"))


def test_galaxy_zoo_desi_is_planned(bare):
    """By dry-runs, from empty files in place of its catalogue and encoder."""
    for name in ["desi/catalogue.parquet", "zoobot/checkpoint.index"]:
        path = bare.folder / "data" / name
        path.parent.mkdir(parents=True)
        path.touch()
    first, whole = [text.removeprefix("snakemake") for text in BLOCKS if DESI in text]
    assert bare.jobs(first) == {"select_galaxies": 1, "write_shard": 1, "fetch_cutouts": 1}
    assert bare.jobs(whole) == DESI_JOBS


def test_a_login_node_fetches_what_needs_a_network(bare):
    command = block("snakemake downloads")
    options = command.removeprefix("snakemake downloads")
    assert bare.jobs(f"downloads {options}") == {"download_file": 12, "downloads": 1}
    source = "surveys: {decals: {images: {source: legacysurvey}}}"
    service = f"--configfile {bare.write_change(source)}"
    assert bare.jobs(f"downloads {options} {service}") == {"download_file": 8, "downloads": 1}
    jobs = bare.jobs(f"downloads cutouts {options} {service}")
    targets = {"downloads": 1, "cutouts": 1, "download_file": 8, "index_images": 1}
    needed = ["select_galaxies", "write_shard", "fetch_cutouts"]
    assert jobs == {rule: PAPER_JOBS[rule] for rule in needed} | targets


def test_preflight_tells_all_that_the_paper_lacks_before_anything_runs(bare):
    """Here: the files to download, whose server is off, and votes that were never released."""
    downloads = bare.folder / "config/downloads.tsv"
    server = f"http://127.0.0.1:{free_port()}"
    downloads.write_text(re.sub(r"https://[^/]+", server, downloads.read_text()))
    lines = bare.sh(block("snakemake preflight"), check=False).splitlines()
    off = [line for line in lines if f"{server}/" in line]
    assert len(off) == PAPER_JOBS["download_file"]
    assert sum(line.startswith("config: task 'decals-irregular' needs") for line in lines) == 1
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert re.fullmatch(r"error: preflight found 1\d problems, listed above", error)
    assert not (bare.folder / "data").exists()
    assert "Traceback" not in "\n".join(lines)


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
        assert jobs == sum(
            PAPER_JOBS.get(rule, 0) for rule in re.findall(r"^rule (\w+)", text, re.M)
        )
    assert total == pytest.approx(
        [sum(column) for column in zip(*numbers[:-1], strict=True)], abs=1
    )
    assert total[0] == sum(PAPER_JOBS.values()) - PAPER_JOBS["all"]
    submissions, gpu_hours, gigabytes = (
        f"{round(value, -1 if i else 0):,.0f}" for i, value in enumerate(total[1:])
    )
    told = " ".join((ROOT / "docs/cluster.md").read_text().split())
    assert f"{submissions} submissions, {gpu_hours} GPU hours, and {gigabytes} GB" in told


def test_own_images(finished, branch):
    """The page on your own images; here they are those of the second survey."""
    gz2 = finished.folder / "results/toy/0_sources/gz2"
    own = branch.folder / "data/own"
    own.mkdir(parents=True)
    branch.sh(f"python -m zipfile -e {gz2}/images.zip data/own/")
    (own / "images_training_rev1").rename(own / "images")
    branch.sh(block("(cd data/own/images"))
    listed = pd.read_csv(own / "labels.csv")["asset_id"]
    table = pd.read_csv(gz2 / "training_solutions.csv").rename(columns={"GalaxyID": "asset_id"})
    assert {*listed} == {f"{name}.jpg" for name in table["asset_id"]}
    table.to_csv(own / "labels.csv", index=False)
    branch.sh(block("snakemake --configfile config/own.yaml"))
    assert len(pd.read_csv(branch.folder / "results/own/8_figures/figure_1.csv")) > 10
    branch.sh(block("snakemake votes"))
    votes = pd.read_parquet(branch.folder / "results/own/3_pretrain/all/votes/own.parquet")
    assert votes["smooth-or-featured_smooth_automated-fraction"].between(0, 1).all()
    learn_own_label(branch, table)
    with served(block("make app CONFIG").split(), branch.folder) as (address, _):
        assert requests.get(address).ok


def learn_own_label(branch, table):
    """The page on your own label; here a hunt has rated how featured galaxies are."""
    rating = table["Class1.2"].rank(pct=True).mul(5.99).astype(int).astype("Int64")
    labels = pd.DataFrame({"iauname": table["asset_id"], "label": rating / 5})
    labels[rating != 3].to_csv(branch.folder / "data/own/rings-labels.csv", index=False)
    label = branch.folder / "config/label.yaml"
    small = {"finetune": {"sizes": [10, 20], "repeats": 1, "depths": {"all": ["top"]}}}
    small["finetune"]["stages"] = {"finetuned": {"images_seen": 100}}
    small["finetune"]["predict"] = {"depth": "top"}
    for lines in (small, yaml.safe_load(LABELS)):
        label.write_text(yaml.safe_dump(merged(yaml.safe_load(label.read_text()), lines)))
    branch.sh(block("snakemake finetuning predictions"))
    folder = branch.folder / "results/own/7_finetune/own"
    models = pd.read_csv(folder / "models.csv")
    assert set(models["stage"]) == {"frozen", "finetuned"}
    predictions = pd.read_parquet(folder / "all/top/n20_r0/predictions/own.parquet")
    assert (predictions["set"] == "train").sum() == 20
    assert predictions["probability"].between(0, 1).all()
    assert branch.jobs(block("snakemake --cores all").partition("snakemake")[2]) == {}


def test_released_weights(branch):
    """The page's lines of configuration, with a checkpoint of the form that Zoobot released."""
    network = zoobot_network(75)
    settle(network, seed=1)
    variables = variables_of(network) | head_variables(34, seed=1)
    write_checkpoint(variables, branch.folder / "data/zoobot/in_progress")
    votes = "results/toy/3_pretrain/zoobot/votes/decals.parquet"
    branch.toy(votes, CHECKPOINT)
    predicted = pd.read_parquet(branch.folder / votes)
    # It may have been trained on any galaxy of the survey.
    assert not predicted["held_out"].any()
    assert predicted["bar_strong_concentration"].between(1, 101).all()
    assert predicted["bar_strong_automated-fraction"].std() > 0
    drawn = branch.jobs(f"figure_1 {branch.toy_with(CHECKPOINT)}")
    assert drawn["draw_representation"] == 1
    assert "copy_encoder" not in drawn


def test_weights_that_zoobot_publishes_today(branch):
    """The page's lines of configuration, with a file in timm's format."""
    (branch.folder / "data/zoobot").mkdir(parents=True)
    write_bin(branch.folder / "data/zoobot/pytorch_model.bin", state(1))
    made = "results/toy/4_represent/gz2/zoobot/representation.parquet"
    branch.toy(made, TIMM)
    assert len(pd.read_parquet(branch.folder / made)) > 50
    description = (branch.folder / "results/toy/3_pretrain/zoobot/encoder.json").read_text()
    assert '"padding": "symmetric"' in description


def test_real_galaxies_as_own_images(branch, shared_data):
    (branch.folder / "data").mkdir()
    (branch.folder / "data/own").symlink_to(shared_data / "gz2_sample")
    branch.sh(block("snakemake --configfile config/own.yaml"))
    results = branch.folder / "results/own"
    assert len(pd.read_parquet(results / "4_represent/own/all/pca15.parquet")) == 500
    assert len(pd.read_csv(results / "8_figures/figure_1.csv")) > 50

    branch.sh(block("snakemake votes"))
    given = pd.read_csv(branch.folder / "data/own/labels.csv", dtype={"asset_id": str})
    given = given.set_index("asset_id")["t01_smooth_or_features_a01_smooth_weighted_fraction"]
    predicted = pd.read_parquet(results / "3_pretrain/all/votes/own.parquet").set_index("iauname")
    predicted = predicted["smooth-or-featured_smooth_automated-fraction"]
    assert predicted.corr(given, method="spearman") > 0.6  # 0.81 was measured

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
    run = ["config/toy.yaml" in text, "-n" in text.split(), "config/own.yaml" in text, DESI in text]
    # `make app` is what the tests of the page start.
    by_itself = {"make toy", "make test", "make app"}
    run += [text.startswith(("snakemake cost", "snakemake downloads", "snakemake preflight"))]
    run += [text.startswith("(cd data/own/images")]  # by `test_own_images`
    run += [text.startswith("cd results/toy")]  # by tests/faults/test_damage.py
    run += [text == "snakemake gpu_check --profile slurm"]  # by test_slurm.py
    assert any(run) or text in by_itself or text.startswith("source "), text


def test_ci_runs_all_tests():
    assert block("make test") == "make test"
    # Which runs more tests, and those.
    assert '\nmake test-all MARKS="not hours"\n' in (ROOT / ".ci/run").read_text()


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def headings_of(page):
    """Give the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not heading or heading in headings_of(target), link


def test_every_page_is_linked_from_the_readme():
    readme, *pages = GUIDES
    links = re.findall(r"\]\(([^)\s#]+)", readme.read_text())
    assert {str(page.relative_to(ROOT)) for page in pages} <= set(links)


def test_where_is_leads_to_the_code():
    """Each row of the table in CONTRIBUTING.md: a folder, a file in it, and a name in the file."""
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where is ...?")[2]
    rows = re.findall(r"^\| [^`|]+ \| `([^`]+)` \| `([^`]+)`: `([^`]+)` \|$", text, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\|.*`", text, re.MULTILINE)) >= 5
    for folder, file, name in rows:
        assert re.search(rf"\b{name}\b", (ROOT / folder / file).read_text()), f"{file}: {name}"


def test_files_that_the_pages_name_exist():
    """Paths in backticks that begin with a folder of the project."""
    folders = "benchmarks|config|docs|envs|scripts|slurm|tests|workflow"
    pattern = rf"`((?:{folders})/[\w./+-]+)`"
    named = {name for page in LINKED for name in re.findall(pattern, page.read_text())}
    made = {"envs/morphoflow.sif"}
    missing = sorted(name for name in named - made if not (ROOT / name).exists())
    assert not missing


def test_the_folder_of_results_is_there_but_for_its_contents():
    """Git tracks results/README.md, and ignores whatever a run writes beside it."""
    for name, ignored in [("README.md", False), ("toy/8_figures/figure_1.png", True)]:
        done = subprocess.run(["git", "check-ignore", "-q", f"results/{name}"], cwd=ROOT)
        assert (done.returncode == 0) == ignored, name
