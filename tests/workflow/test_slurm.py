"""`snakemake --profile slurm` on a real Slurm: requested resources, retries of failed jobs."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.project import goes_on
from tests.slurm import Cluster, missing
from workflow.lib.network.devices import PRETEND
from workflow.lib.planning.config import read_config
from workflow.lib.planning.cost import Cost

RESULTS = "results/toy"
SKY = f"{RESULTS}/0_sources/gz2/truth.parquet"  # made by the smallest job that needs no other
FIGURES = [f"figure_{name}" for name in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "A1", "A2"]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    if problem := missing():
        (pytest.fail if "NO_SKIPPED_SLURM" in os.environ else pytest.skip)(problem)
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PRETEND, "1")  # its GPU is none
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def project(branch):
    """A finished project with this Slurm's account in its profile."""
    return with_account(branch)


def with_account(project):
    """Put this Slurm's account into a project's profile."""
    profile = project.folder / "workflow/profiles/slurm/profile.v9+.yaml"
    profile.write_text(profile.read_text().replace("'EDIT'", "'lab'"))
    return project


def submit(project, *options):
    """Return the command that runs the toy with the profile, with frequent checks of job states."""
    often = "--slurm-init-seconds-before-status-checks 1"
    return f"snakemake --profile slurm {often} {project.toy_with('')} {' '.join(options)}"


def submissions(cluster, rule):
    """Return the submissions of a rule, in order."""
    return [job for job in cluster.jobs() if re.match(rf"rule_{rule}(_|$)", job.comment)]


@contextmanager
def started(project, command):
    """Start a command in a project's folder, and wait for it at the end of the block."""
    with (project.folder / "slurm.log").open("w") as log:
        run = subprocess.Popen(
            ["bash", "-c", f"export PATH=.venv/bin:$PATH; {command}"],
            cwd=project.folder,
            stdout=log,
            stderr=log,
        )
        try:
            yield run
        except BaseException:
            run.send_signal(signal.SIGINT)
            raise
        finally:
            run.wait()


def process_of(run, project, script):
    """Wait for the process of a rule's script in this project, and return it."""
    while goes_on(run):
        for process in psutil.process_iter(["cmdline"]):
            last = (process.info["cmdline"] or [""])[-1]
            if last.startswith(f"{project.folder}/") and last.endswith(script):
                return process
    raise AssertionError(f"the run ended before {script} was seen")


def test_the_toy_runs_to_the_last_figure(cluster, project, finished):
    project.remove("2_cutouts/gz2", "3_pretrain/imagenet", "4_represent/*/imagenet", "8_figures")
    project.remove("4_represent/gz2", "6_anomaly/gz2*", "7_finetune")
    (project.folder / "one.yaml").write_text("finetune: {runs_of_a_job: one}")
    project.sh(f"{submit(project)} one.yaml -- all")

    figures = project.folder / RESULTS / "8_figures"
    assert {path.stem for path in figures.glob("*.pdf")} >= {*FIGURES, "figure_pca"}
    # The networks of Figures 7 to 9 are trained again here, with the same seeds.
    for name in ["figure_7", "figure_pca", "table_1"]:
        theirs = pd.read_csv(finished.folder / RESULTS / f"8_figures/{name}.csv")
        pd.testing.assert_frame_equal(pd.read_csv(figures / f"{name}.csv"), theirs, rtol=1e-3)

    jobs = cluster.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    for job in jobs:
        on_gpu = job.partition == "gpu"
        assert job.requested.get("gres/gpu", "0") == str(int(on_gpu)), job
        assert on_gpu == bool(re.match("rule_(pretrain|embed|predict|finetune)_", job.comment)), job
    assert not submissions(cluster, "write_shard")

    def asked(rule):
        return [
            (job.requested["cpu"], job.requested["mem"], job.minutes)
            for job in submissions(cluster, rule)
        ]

    run = {"label": "ring", "pretraining": "all", "depth": "all", "repeat": "0"}
    # A submission runs both shards (or both training sizes of an encoder) one after the other: it
    # asks for the time of two jobs, but the cores and memory of one.
    assert asked("fetch_cutouts_gz2") == [("1", "1500M", 2 * 5)]
    assert asked("measure_ellipses_gz2") == [("1", "1500M", 2 * 5)]
    assert asked("embed_cutouts_gz2_all") == [("1", "8000M", 2 * 5)]
    cost = Cost(read_config([project.folder / name for name in ("config/toy.yaml", "one.yaml")]))
    minutes = [cost.minutes("finetune_encoder", run | {"size": size}) for size in ("4", "12")]
    assert asked("finetune_encoder") == [("1", "32000M", sum(minutes))] * 2
    assert [mem for _, mem, _ in asked("pretrain_stand_in")] == ["16000M"]
    assert asked("draw_scores") == [("1", "2000M", 10)] * 2

    script = cluster.run("sacct", "-B", "-j", str(submissions(cluster, "finetune_encoder")[0].id))
    known = [project.folder, Path(sys.prefix), Path(sys.prefix).resolve(), Path.home() / ".cache"]
    for path in re.findall(r"(?<![\w.}/])/[\w.+-]+/[\w.+/-]+", script.partition("#!")[2]):
        assert path == "/bin/sh" or any(Path(path).is_relative_to(top) for top in known), path


def test_a_job_that_was_given_a_gpu_and_sees_none_fails_by_name(cluster, bare, monkeypatch):
    monkeypatch.delenv(PRETEND)
    with_account(bare).sh(f"{submit(bare, '--retries 0 -- gpu_check')}", check=False)
    assert [job.state for job in submissions(cluster, "measure_gpu")] == ["FAILED"]
    log = (bare.folder / "logs/toy/measure_gpu.log").read_text()
    (line,) = [line for line in log.splitlines() if " ERROR root: " in line]
    assert "was given some (SLURM_GPUS_ON_NODE=1)" in line
    assert "sees 0: its environment has no CUDA libraries; install them with" in line


def test_preflight_on_a_cluster_measures_the_speed_of_a_gpu(cluster, bare):
    output = with_account(bare).sh(submit(bare, "-- preflight"))
    assert [job.state for job in submissions(cluster, "measure_gpu")][-1] == "COMPLETED"
    assert re.search(r"^training +\d+ images/s; the plan assumes 400$", output, re.M)
    assert re.search(r"^GPU hours +[\d.]+ by the plan, [\d.]+ at this speed$", output, re.M)
    assert "preflight: nothing is missing for" in output


def test_a_job_that_ran_out_of_memory_or_time_is_retried_with_more(cluster, project):
    project.remove("8_figures/figure_3.*", "8_figures/figure_pca.*")
    before = len(cluster.jobs())
    less = "draw_pca_variance:mem_mb=300*attempt draw_scores:runtime=attempt"
    command = submit(project, "--set-resources", less, "-- figure_3 figure_pca")
    with started(project, command) as run:
        # Suspended, as if a file system did not respond.
        process_of(run, project, "draw_scores.py").suspend()
    assert run.returncode == 0
    assert {path.stem for path in (project.folder / RESULTS / "8_figures").glob("*.png")} >= {
        "figure_3",
        "figure_pca",
    }
    jobs = cluster.jobs()[before:]
    late = [job for job in jobs if job.comment.startswith("rule_draw_scores")]
    assert [(job.state, job.minutes) for job in late] == [("TIMEOUT", 1), ("COMPLETED", 2)]
    large = [job for job in jobs if job.comment.startswith("rule_draw_pca_variance")]
    assert large[0].requested["mem"] == "300M"
    assert large[0].state in ("FAILED", "OUT_OF_MEMORY")
    assert "exceeded memory limit" in (cluster.folder / "slurmd-n1.log").read_text()
    assert large[-1].state == "COMPLETED"
    assert large[-1].requested["mem"] in ("600M", "900M")


def test_after_a_node_failure_a_second_call_gives_the_same_results(cluster, project, finished):
    project.remove("6_anomaly/gz2-odd/*/0.parquet", "6_anomaly/gz2-odd/scores.csv")
    target = f"{RESULTS}/6_anomaly/gz2-odd/scores.csv"
    with started(project, submit(project, "--", target)) as run:
        process_of(
            run, project, "hunt_anomalies.py"
        ).suspend()  # or it may end before the node is killed
        cluster.kill_node("n1")
    cluster.revive("n1")
    project.sh(submit(project, "--", target))
    failed = [job for job in submissions(cluster, "hunt_anomalies") if job.state == "NODE_FAIL"]
    assert failed and {job.node for job in failed} == {"n1"}
    theirs = (finished.folder / target).read_bytes()
    assert (project.folder / target).read_bytes() == theirs


def interrupt(cluster, project, run, how):
    """Suspend the job that simulates a sky, call `how` on it, and wait until it has ended."""
    process = process_of(run, project, "simulate_survey.py")
    process.suspend()
    running = ("cpu", "RUNNING")  # the comment is empty until a job has ended
    while not (jobs := [job for job in cluster.jobs() if (job.partition, job.state) == running]):
        assert goes_on(run)
    how(jobs[-1])
    process.wait()


def test_a_preempted_or_cancelled_job_is_retried_with_more(cluster, bare):
    before = len(submissions(cluster, "simulate_survey"))
    with started(bare, submit(with_account(bare), "--", SKY)) as run:
        interrupt(cluster, bare, run, lambda job: cluster.preempt(job, "REQUEUE"))
        interrupt(cluster, bare, run, lambda job: cluster.run("scancel", str(job.id)))
    assert run.returncode == 0
    jobs = submissions(cluster, "simulate_survey")[before:]
    assert [job.state.split()[0] for job in jobs] == ["PREEMPTED", "CANCELLED", "COMPLETED"]
    assert [job.requested["mem"] for job in jobs] == ["2000M", "4000M", "6000M"]
    theirs = (bare.folder / SKY).read_bytes()
    (bare.folder / SKY).unlink()
    bare.toy(SKY)
    assert (bare.folder / SKY).read_bytes() == theirs


def test_a_second_call_runs_a_job_that_was_preempted_with_no_retries_left(cluster, bare):
    before = len(submissions(cluster, "simulate_survey"))
    with started(bare, submit(with_account(bare), "--retries 0 --", SKY)) as run:
        interrupt(cluster, bare, run, lambda job: cluster.preempt(job, "CANCEL"))
    assert run.returncode and not (bare.folder / SKY).exists()
    bare.sh(submit(bare, "--", SKY))
    jobs = submissions(cluster, "simulate_survey")[before:]
    assert [job.state for job in jobs] == ["PREEMPTED", "COMPLETED"]
    assert (bare.folder / SKY).exists()
