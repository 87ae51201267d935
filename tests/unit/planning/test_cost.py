"""Estimates of time, and which small jobs share one submission."""

import re
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.lib.planning.config import merged, read_config
from workflow.lib.planning.cost import BATCHED, LOOKS, TRAININGS, Cost, packed
from workflow.lib.planning.grid import finetuning_runs
from workflow.lib.planning.plan import LOCAL, format_rows, plan, planned_jobs

RULES = {
    name: text
    for path in sorted((Path(__file__).parents[3] / "workflow/rules").glob("*.smk"))
    for name, text in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.M | re.S)
}
CONFIG = read_config([])
COST = Cost(CONFIG)


def run_of(pretraining="all", depth="all", size=69620, repeat=0):
    """The wildcards of a run of the grid."""
    names = {"label": "ring", "pretraining": pretraining, "depth": depth}
    return names | {"size": str(size), "repeat": str(repeat)}


def grid():
    return [
        {"label": "ring", **{name: str(value) for name, value in run._asdict().items()}}
        for run in finetuning_runs(CONFIG["finetune"])
    ]


def test_the_largest_run_takes_the_papers_six_hours():
    assert COST.seconds("finetune_encoder", run_of()) == pytest.approx(6 * 3600, rel=0.01)


def test_a_run_takes_longer_with_more_images_and_half_from_scratch():
    sizes = CONFIG["finetune"]["sizes"]
    seconds = [COST.seconds("finetune_encoder", run_of(size=size)) for size in sizes]
    assert seconds == sorted(seconds)
    start = CONFIG["cost"]["start"]
    scratch = COST.seconds("finetune_encoder", run_of(pretraining="scratch"))
    assert 2 * (scratch - start) == pytest.approx(seconds[-1] - start)


def test_a_run_is_not_expected_to_see_more_images_than_the_configuration_allows():
    frozen = CONFIG["finetune"]["stages"]["frozen"] | {"images_seen": 69620}
    stages = CONFIG["finetune"]["stages"] | {"frozen": frozen}
    short = Cost(CONFIG | {"finetune": CONFIG["finetune"] | {"stages": stages}})
    saved = COST.images_trained("finetune_encoder", run_of()) - short.images_trained(
        "finetune_encoder", run_of()
    )
    assert saved == 59 * (69620 + CONFIG["cost"]["validated"])


def test_a_final_pretraining_takes_as_long_as_its_task():
    short = Cost(CONFIG | {"pretraining": CONFIG["pretraining"] | {"epochs_of": {"all": 6}}})
    for cost, epochs in ((COST, CONFIG["cost"]["epochs"]), (short, 6)):
        for name in ("all", "final"):
            images = cost.images_trained("pretrain_encoder", {"pretraining": name})
            assert images == epochs * 305657


def test_more_is_asked_for_with_each_attempt_up_to_the_partitions_limit():
    asked = [COST.minutes("finetune_encoder", run_of(), attempt) for attempt in (1, 2, 3)]
    seconds = COST.seconds("finetune_encoder", run_of())
    assert asked[0] >= seconds / 60 * CONFIG["cost"]["margin"]
    assert asked[1:] == [2 * asked[0], CONFIG["cost"]["longest"]]


def test_the_time_of_a_shard_is_proportional_to_its_galaxies():
    wildcards = {"survey": "decals", "pretraining": "all"}
    survey = COST.seconds("embed_cutouts", wildcards) - CONFIG["cost"]["start"]
    shard = COST.seconds("embed_cutouts", wildcards | {"shard": "000-of-200"})
    assert (shard - CONFIG["cost"]["start"]) * 200 == pytest.approx(survey)


def test_more_views_of_a_galaxy_take_as_many_times_longer():
    three = Cost(CONFIG | {"representation": CONFIG["representation"] | {"views": 3}})
    start = CONFIG["cost"]["start"]
    for rule in LOOKS:
        assert "views=" in RULES[rule]
        one = COST.seconds(rule, {"survey": "decals"}) - start
        assert three.seconds(rule, {"survey": "decals"}) - start == pytest.approx(3 * one)
        assert one > 0


def test_images_take_as_long_as_their_source_does():
    decals = {"survey": "decals", "shard": "000-of-200"}
    gz2 = {"survey": "gz2", "shard": "00-of-60"}
    over_http = merged(CONFIG, {"surveys": {"decals": {"images": {"source": "legacysurvey"}}}})
    for config, wildcards, source in (
        (CONFIG, decals, "directory"),
        (CONFIG, gz2, "directory"),
        (over_http, decals, "legacysurvey"),
    ):
        seconds = Cost(config).seconds("fetch_cutouts", wildcards) - config["cost"]["start"]
        a_galaxy = config["cost"]["rules"][source]["seconds"]
        assert seconds == pytest.approx(a_galaxy * COST.galaxies(wildcards))


def test_the_papers_images_are_most_of_what_is_downloaded():
    zips = CONFIG["surveys"]["decals"]["images"]["path"]
    files = [Path(name).name for name in [*zips, "images_training_rev1.zip"]]
    gigabytes = sum(COST.kilobytes("download_file", {"file": file}) for file in files) / 1e6
    assert 95 < gigabytes < 105
    assert COST.kilobytes("download_file", {"file": "nsa_v1_0_1.fits"}) / 1e6 < 1


def test_the_grid_needs_hundreds_of_submissions_within_their_limit():
    batches = {}
    for run in grid():
        batch = COST.batch("finetune_encoder", run) or str(run)
        batches.setdefault(batch, []).append(run)
    assert len(grid()) == 1500
    assert 200 < len(batches) < 600
    for runs in batches.values():
        # One encoder is enough to start a batch.
        assert len({run["pretraining"] for run in runs}) == 1
        asked = sum(COST.minutes("finetune_encoder", run) for run in runs)
        assert len(runs) == 1 or asked <= CONFIG["cost"]["batch"]["minutes"]
        assert len(runs) <= CONFIG["cost"]["batch"]["jobs"]
    alone = [runs[0] for runs in batches.values() if len(runs) == 1]
    assert all(run in alone for run in grid() if run["size"] == "69620")
    assert not any(int(run["size"]) < 1000 for run in alone)


def test_consecutive_shards_share_a_submission():
    names = [
        COST.batch(
            "embed_cutouts", {"survey": "gz2", "pretraining": "all", "shard": f"{i:02}-of-60"}
        )
        for i in range(60)
    ]
    assert names == sorted(names, key=names.index)
    assert len(set(names)) == 6
    other = {"survey": "gz2", "pretraining": "bar", "shard": "00-of-60"}
    assert COST.batch("embed_cutouts", other) not in names


@given(st.lists(st.integers(1, 100)), st.integers(1, 100), st.integers(1, 5))
def test_batches_keep_the_order_and_are_as_full_as_the_limits_allow(asked, minutes, jobs):
    numbers = packed(asked, minutes, jobs)
    assert numbers == sorted(numbers)
    batches = [
        [each for each, number in zip(asked, numbers, strict=True) if number == batch]
        for batch in range(max(numbers, default=-1) + 1)
    ]
    assert [*chain(*batches)] == asked
    for batch in batches:
        assert batch and len(batch) <= jobs
        assert len(batch) == 1 or sum(batch) <= minutes
    for batch, after in pairwise(batches):
        assert len(batch) == jobs or sum(batch) + after[0] > minutes


def test_the_rules_with_estimates_are_those_that_use_them():
    estimated = {name for name, text in RULES.items() if f'estimated("{name}")' in text}
    sources = {"legacysurvey", "directory", "simulated"}
    known = {*CONFIG["cost"]["rules"], *TRAININGS} - sources - {"download_zip"} | {"fetch_cutouts"}
    assert estimated == known
    assert {name for name, text in RULES.items() if f'batch_of("{name}")' in text} == {*BATCHED}
    for name in BATCHED:
        assert "turn=1" in RULES[name], name


EMBED = """rule embed_cutouts:
    output: results/4_represent/gz2/all/shards/{shard}.parquet
    log: logs/4_represent/embed_cutouts/gz2/all/{shard}.log
    wildcards: survey=gz2, pretraining=all, shard={shard}
    threads: 4
    resources: tmpdir=/tmp, gpu=1, mem_mb=8000
"""
DRY_RUN = f"""
rule write_shard:
    input: results/1_catalogue/gz2.parquet
    output: results/1_catalogue/gz2/shards/00-of-60.csv
    log: logs/1_catalogue/write_shard/gz2/00-of-60.log
    jobid: 3
    wildcards: survey=gz2, shard=00-of-60
    resources: tmpdir=/tmp, mem_mb=1000

{EMBED.format(shard="00-of-60")}

{EMBED.format(shard="01-of-60")}
localrule all:
    input: results/4_represent/gz2/all/shards/00-of-60.parquet
    resources: tmpdir=/tmp
"""


def test_a_plan_adds_up_jobs_and_counts_a_shared_submission_once():
    catalogue, represent = plan(planned_jobs(DRY_RUN), COST)
    assert catalogue[:3] == ("1_catalogue", 1, 0)
    assert represent[:3] == ("4_represent", 2, 1)
    wildcards = {"survey": "gz2", "pretraining": "all", "shard": "00-of-60"}
    hours = 2 * COST.seconds("embed_cutouts", wildcards) / 3600
    assert represent.gpu_hours == pytest.approx(hours)
    assert represent.cpu_hours == pytest.approx(4 * hours)
    a_galaxy = CONFIG["cost"]["rules"]["embed_cutouts"]["kilobytes"]
    assert represent.gigabytes == pytest.approx(a_galaxy * 61578 / 30 / 1e6)
    total = format_rows([catalogue, represent]).splitlines()[-1].split()
    assert total[:3] == ["total", "3", "1"]


def test_local_rules_are_those_of_the_workflow():
    text = (Path(__file__).parents[3] / "workflow/rules/1_catalogue.smk").read_text()
    assert re.search(r"localrules:\n((?:    \w+,\n)+)", text)[1].split() == [f"{LOCAL[0]},"]
