"""Dry-runs: the paper's jobs, single targets, errors in the configuration; and code style."""

import os
import re

import pytest

from tests.browser import free_port
from tests.project import ROOT, small_project
from workflow.lib.planning.claims import CONFIG, read_claims


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """What a dry-run of the paper says, and its peak memory [KiB]."""
    project = small_project(tmp_path_factory.mktemp("paper") / "morphoflow")
    (project.folder / "watch.py").write_text(
        "import resource, subprocess\n"
        "subprocess.run(['snakemake', '-n'], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    output = project.sh("python watch.py")
    return output, int(output.split()[-1])


def test_planning_the_paper_takes_less_than_a_gigabyte(planned):
    _, peak = planned
    assert 2**16 < peak < 2**20


def test_memory_requests_grow_with_the_galaxies_of_the_survey(bare, planned):
    def asked(output):
        jobs = re.findall(r"^rule (\w+):\n((?:    .*\n)+)", output, re.M)
        return {
            name: int(re.search(r"mem_mb=(\d+)", lines)[1])
            for name, lines in jobs
            if "survey=decals" in lines
        }

    change = bare.write_change("cost: {galaxies_of: {decals: 8700000}}")
    paper = asked(planned[0])
    larger = asked(bare.sh(f"snakemake -n similarity --configfile {change}"))
    assert paper["find_neighbours"] < 2_000 < 8_000 < larger["find_neighbours"] < 30_000
    assert paper["select_galaxies"] < larger["select_galaxies"]
    assert paper["gather_representation"] == larger["gather_representation"]


@pytest.mark.parametrize(("attempt", "gpus"), [(1, 1), (2, 2), (3, 2)])
def test_a_retried_pretraining_asks_for_more_gpus_on_one_node(bare, attempt, gpus):
    options = f"--profile slurm --attempt {attempt} {bare.toy_with('')}"
    output = bare.sh(f"snakemake -n {options} -- results/toy/3_pretrain/imagenet/encoder.json")
    assert re.findall(r"gpu=(\d+),.* nodes=(\d+)", output) == [(str(gpus), "1")]


def test_a_figure_is_made_by_name_or_file_name_without_jobs_of_other_figures(bare):
    by_name = bare.jobs("figure_1")
    by_file = bare.jobs("results/8_figures/figure_1.pdf")
    assert by_name.pop("figure_1") == 1
    assert by_name == by_file
    assert by_file["draw_representation"] == 1
    assert by_file["project_representation"] == 1
    assert by_file["fetch_cutouts"] == 200  # of decals; gz2 is in no thumbnail figure
    assert "draw_pca_variance" not in by_file


def test_figure_2_needs_tags_and_neighbours_only(bare):
    jobs = bare.jobs("figure_2")
    assert {"gather_tags", "find_neighbours", "draw_neighbours"} <= jobs.keys()
    assert not {"measure_retrieval", "unpack_representation"} & jobs.keys()
    output = bare.sh("snakemake -n figure_2 --config 'figures={survey: gz2}'")
    assert "derive_tags" in output


def test_both_samples_of_the_decals_tasks_are_compared(bare):
    jobs = bare.jobs("samples")
    assert jobs["select_candidates"] == 4 + 3
    assert jobs["hunt_anomalies"] == 15 * (3 + 2 * 3 * 2)
    assert jobs["tabulate_scores"] == 1
    chosen = bare.write_change("anomalies: {tasks: config/anomaly_tasks_unfiltered.tsv}")
    assert bare.jobs(f"samples --configfile {chosen}") == jobs
    assert bare.jobs(f"table_1 --configfile {chosen}")["hunt_anomalies"] == 15 * (3 + 3 * 2)


def test_figure_3_needs_only_its_own_task(bare):
    jobs = bare.jobs("figure_3")
    assert jobs["hunt_anomalies"] == 3 * 15
    assert jobs["measure_ellipses"] == 60
    assert jobs["embed_cutouts"] == 60
    together = bare.write_change("anomalies: {one_job: true}")
    assert bare.jobs(f"figure_3 --configfile {together}")["hunt_anomalies"] == 3


def test_a_run_that_needs_votes_that_were_never_released_stops_before_any_download(bare):
    downloads = bare.folder / "config/downloads.tsv"
    server = f"http://127.0.0.1:{free_port()}"  # which is off
    downloads.write_text(re.sub(r"https://[^/]+", server, downloads.read_text()))
    output = bare.sh("snakemake --cores 2 figure_5", check=False)
    assert output.count(f"{server}/") == 8
    assert "config: task 'decals-irregular' needs 'rare-features_irregular_fraction'" in output
    assert "Traceback" not in output
    assert not list((bare.folder / "data").glob("*"))
    assert not (bare.folder / "results").joinpath("1_catalogue").exists()
    # Without that task there is nothing to refuse.
    path = bare.folder / "config/anomaly_tasks.tsv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    figures = "{show: [figure_5], anomalies: {figure_5: [decals-merger, decals-ring]}}"
    change = bare.write_change(f"figures: {figures}")
    assert bare.jobs(f"figure_5 --configfile {change}")["download_file"] == 8


def test_a_mistake_in_the_table_of_tasks_gives_a_one_line_error(bare):
    path = bare.folder / "config/anomaly_tasks.tsv"
    path.write_text(path.read_text().replace("gz2\t", "sdss\t", 1))
    output = bare.sh("snakemake -n", check=False)
    assert "config/anomaly_tasks.tsv: task 'gz2-odd': no survey 'sdss'; known: decals" in output
    assert "Traceback" not in output


def test_every_file_that_a_claim_is_read_from_is_made_by_a_rule(planned):
    """Snakemake refuses to plan a job of which no rule makes an input."""
    claims = read_claims(ROOT / "config/claims.tsv", "final")
    named = {claim.file for claim in claims} - {"", CONFIG}
    (job,) = re.findall(r"^rule compare_claims:\n    input: (.*)$", planned[0], re.M)
    read = {path.removeprefix("results/") for path in job.split(", ")}
    assert read == named | {"config/claims.tsv", "3_pretrain/final/encoder.json"}


def test_a_mistake_in_the_table_of_claims_gives_a_one_line_error(bare):
    path = bare.folder / "config/claims.tsv"
    path.write_text(path.read_text().replace("\tcount\t", "\tnumber\t", 1))
    output = bare.sh("snakemake -n", check=False)
    assert "config/claims.tsv: line 33 (galaxies): read 'number' must be one of" in output
    assert "Traceback" not in output


def test_one_finetuning_run_needs_its_encoder_and_no_other_run(bare):
    jobs = bare.jobs("results/7_finetune/ring/imagenet/block6+/n438_r3.json")
    assert jobs["finetune_encoder"] == 1
    assert jobs["copy_encoder"] == 1
    assert jobs["fetch_cutouts"] == 200
    assert "pretrain_encoder" not in jobs
    scratch = bare.jobs("results/7_finetune/ring/scratch/all/n438_r3.json")
    assert "copy_encoder" not in scratch


def test_a_classifier_can_be_kept_and_applied_to_another_survey(bare):
    run = "results/7_finetune/ring/scratch/all/n438_r3"
    jobs = bare.jobs(f"{run}/predictions/gz2.parquet")
    assert (jobs["keep_classifier"], jobs["predict_labels"]) == (1, 1)
    assert "finetune_encoder" not in jobs
    predicted = bare.jobs("predictions")
    assert predicted["keep_classifier"] == 1


def test_figure_2_without_tags_gives_an_error_that_names_the_missing_key(bare):
    own = bare.folder / "data/own"
    (own / "images").mkdir(parents=True)
    (own / "labels.csv").write_text("asset_id\n1\n")
    output = bare.sh("snakemake -n figure_2 --configfile config/own.yaml", check=False)
    assert "Missing input files for rule find_neighbours" in output
    assert "(config) surveys.own.tags" in output
    assert "Traceback" not in output


def test_given_weights_are_used_instead_of_random_ones(bare):
    (bare.folder / "checkpoint.index").touch()
    change = "pretraining: {shown: zoobot, weights: {zoobot: checkpoint}}"
    jobs = bare.jobs(f"figure_1 --configfile {bare.write_change(change)}")
    assert jobs["copy_encoder"] == 1
    assert "make_random_encoder" not in jobs


GIVEN = """
pretraining:
  shown: dino
  weights:
    dino:
      representation: dino_{survey}.csv
finetune:
  task: ring
  depths: {dino: [frozen]}
  predict: {pretraining: dino}
probe: {pretrainings: [dino, random]}
"""


def test_a_table_of_representations_is_used_where_no_network_is_needed(bare):
    for survey in ["decals", "gz2"]:
        (bare.folder / f"dino_{survey}.csv").touch()
    options = f"--configfile {bare.write_change(GIVEN)}"
    targets = "figure_1 figure_2 figure_3 figure_pca figure_7 similarity representation probes"
    jobs = bare.jobs(f"{options} -- {targets}")
    assert jobs["import_representation"] == 2
    assert jobs["finetune_head"] == 1
    assert jobs["describe_table"] == 1
    assert jobs["embed_cutouts"] == 200  # of decals, by random weights, which are probed too


@pytest.mark.parametrize(
    "target",
    [
        "results/3_pretrain/dino/votes/decals.parquet",
        "results/7_finetune/ring/dino/all/n21_r0.json",
        "predictions",
    ],
)
def test_what_needs_a_network_names_the_key_of_a_table_of_representations(bare, target):
    options = f"--configfile {bare.write_change(GIVEN)}"
    output = bare.sh(f"snakemake -n {options} -- {target}", check=False)
    assert "(config) pretraining.weights.dino is a table, without the network" in output
    assert "Traceback" not in output


COMPARED = {
    "import_representation": 2,  # ellipses, in both surveys
    "compare_probes": 2,
    "compare_retrieval": 2,
    "compare_candidates": 4,
    "compare_features": 8 * 4,
    "compare_hunts": 8 * 4,
    "compare_scores": 4,
    "compare_labels": 1,
    "compare_heads": 8,
    "compare_models": 1,
    "draw_comparison": 1,
    "compare": 1,
}


def test_everything_that_the_paper_makes_is_compared_on_its_three_tasks(bare):
    jobs = bare.jobs("compare --configfile config/compare.yaml")
    assert {name: jobs[name] for name in COMPARED} == COMPARED
    assert jobs["embed_cutouts"] == 7 * 260  # random weights and six pretrainings
    assert jobs["measure_ellipses"] == 260
    assert not {"finetune_encoder", "hunt_anomalies", "gather_labelled"} & jobs.keys()


def test_a_survey_with_nothing_to_compare_by_names_what_it_lacks(bare):
    options = "--configfile config/own.yaml config/compare.yaml"
    output = bare.sh(f"snakemake -n {options} -- compare", check=False)
    assert "(config) tags, or probe.labels, tasks or finetune.labels of own" in output
    assert "Traceback" not in output
    change = "probe: {labels: {ring: {survey: own, column: r, above: 0.5, below: 0.5}}}"
    (bare.folder / "data/own/images").mkdir(parents=True)
    (bare.folder / "data/own/labels.csv").touch()
    jobs = bare.jobs(f"compare {options} {bare.write_change(change)}")
    assert jobs["compare_probes"] == 1
    assert jobs["compress_representation"] == 3  # of random weights, the encoder given, ellipses


def test_imagenet_weights_are_downloaded_for_the_paper(bare):
    jobs = bare.jobs("results/3_pretrain/imagenet/encoder.weights.h5")
    assert jobs == {"download_file": 1, "copy_encoder": 1}


def test_a_file_that_the_user_brings_is_not_downloaded_over_it_however_old_it_is(bare):
    """It is older than the scripts if it was unpacked with its times, or before a clone."""
    table = bare.folder / "data/training_solutions_rev1.csv"
    table.parent.mkdir()
    table.touch()
    os.utime(table, (0, 0))
    assert bare.jobs("results/1_catalogue/gz2.parquet") == {"select_galaxies": 1}


def test_every_rule_has_the_required_directives(bare):
    """Each rule with a script has a docstring, a log, a benchmark, conda and resources."""
    for path in sorted((bare.folder / "workflow/rules").glob("[0-9]*.smk")):
        for use, text in re.findall(
            r"^(use )?rule (.*?)(?=^(?:use )?rule |\Z)", path.read_text(), re.S | re.M
        ):
            name = text.split(":")[0]
            if use:  # of another rule, with its script
                assert all(f"    {part}:" in text for part in ["output", "log", "benchmark"]), name
                continue
            assert '    """' in text, f"{name} has no docstring"
            if "script:" not in text:
                continue
            for directive in ["log", "benchmark", "conda", "threads", "resources", "output"]:
                assert f"    {directive}:" in text, f"{name} has no {directive}"
            assert "mem_mb=" in text and "runtime=" in text, name
            # A downloaded file is checked by its checksum instead.
            named = "        code=" in text.split("    params:\n")[-1] or name == "download_file"
            assert named, f"{name} does not name the modules it uses"
            assert f"scripts/{path.stem}/{name}.py" in text, f"{name} and its script differ"


def test_style_is_clean(bare):
    assert "good condition" in bare.sh("snakemake --lint")
    bare.sh("snakefmt --check Snakefile workflow/Snakefile workflow/rules")
    bare.sh("ruff check && ruff format --check")
    assert "0 broken" in bare.sh("lint-imports")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("umap: {n_neighbours: 5}", "unknown key 'umap.n_neighbours'; did you mean 'n_neighbors'?"),
        ("pca: {batch_size: many}", "'pca.batch_size': must be integer, not \"many\""),
        ("representation: {crop_size: 400}", "'representation.crop_size' (400) must not be larger"),
        (
            "surveys: {decals: {cuts: {mag_r: {above: 18}}}}",
            "'surveys.decals.cuts.mag_r': above (18) must be smaller than below (17.77)",
        ),
    ],
)
def test_a_mistake_in_the_configuration_gives_a_one_line_error_with_the_key(bare, change, message):
    output = bare.sh(f"snakemake -n --configfile {bare.write_change(change)}", check=False)
    lines = [line for line in output.splitlines() if line.startswith("config: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in output
