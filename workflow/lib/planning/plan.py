"""The plan of `snakemake cost`: jobs, submissions, hours and disk of each stage, as estimated."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workflow.lib.common.errors import UserError
from workflow.lib.planning.cost import Cost

LOCAL = ("write_shard",)
"""Rules whose jobs run on the machine of Snakemake itself, without a submission."""

HEADER = ["stage", "jobs", "submissions", "GPU hours", "CPU hours", "disk [GB]"]


class Job(NamedTuple):
    """One job of a dry-run."""

    rule: str
    stage: str
    wildcards: dict[str, str]
    threads: int
    gpus: int


class Row(NamedTuple):
    """Totals of a stage; hours and disk are estimates."""

    stage: str
    jobs: int
    submissions: int
    gpu_hours: float
    cpu_hours: float
    gigabytes: float


def print_plan(config: Mapping[str, Any], snakemake: Sequence[str]) -> None:
    """Print what a complete run takes, by stage: from no files to the last figure.

    Parameters
    ----------
    config
        The whole configuration.
    snakemake
        The command that lists the jobs of the workflow in this folder.

    Raises
    ------
    UserError
        If the workflow cannot be planned; the message is Snakemake's.
    """
    print(format_rows(plan(planned_jobs(dry_run(config, snakemake)), Cost(config))))


def dry_run(
    config: Mapping[str, Any], snakemake: Sequence[str], options: Sequence[str] = ("--forceall",)
) -> str:
    """Let Snakemake list all jobs, by default also those whose results exist.

    The other arguments and the error are those of `print_plan`.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        always = ["--dry-run", "--nolock", "--cores", "1000", "--configfile", file.name]
        done = subprocess.run([*snakemake, *options, *always], capture_output=True, text=True)
    text = done.stdout + done.stderr
    if done.returncode:
        # A dry-run prints its errors among its other messages.
        reason = text.rpartition("Building DAG of jobs...")[2]
        raise UserError(f"the workflow cannot be planned: {' '.join(reason.split())}")
    return text


def planned_jobs(text: str) -> list[Job]:
    """Read the jobs from the text of a dry-run, without targets, which run nothing."""
    jobs = []
    for block in re.split(r"\n(?=(?:local)?rule \w+:\n)", text)[1:]:
        name = re.match(r"(?:local)?rule (\w+):", block)
        fields = dict(re.findall(r"^    (\w+): (.*)$", block, re.M))
        if "log" not in fields:
            continue
        pairs = [pair.partition("=") for pair in fields.get("wildcards", "").split(", ") if pair]
        gpus = re.search(r"\bgpu=(\d+)", fields.get("resources", ""))
        jobs.append(
            Job(
                rule=name[1],
                stage=re.search(r"\b\d_[a-z]+\b", fields["log"])[0],
                wildcards={key: value for key, _, value in pairs},
                threads=int(fields.get("threads", 1)),
                gpus=int(gpus[1]) if gpus else 0,
            )
        )
    return jobs


def plan(jobs: Iterable[Job], cost: Cost) -> list[Row]:
    """Add up the estimates of jobs by stage, in the order in which stages run."""
    stages: dict[str, list[Job]] = {}
    for job in jobs:
        stages.setdefault(job.stage, []).append(job)
    return [_row(stage, stages[stage], cost) for stage in sorted(stages)]


def _row(stage: str, jobs: list[Job], cost: Cost) -> Row:
    hours = [(job, cost.seconds(job.rule, job.wildcards) / 3600) for job in jobs]
    submitted = [job for job in jobs if job.rule not in LOCAL]
    batches = [cost.batch(job.rule, job.wildcards) for job in submitted]
    return Row(
        stage,
        jobs=len(jobs),
        submissions=len({*batches} - {None}) + batches.count(None),
        gpu_hours=sum(job.gpus * each for job, each in hours),
        cpu_hours=sum(job.threads * each for job, each in hours),
        gigabytes=sum(cost.kilobytes(job.rule, job.wildcards) for job in jobs) / 1e6,
    )


def format_rows(rows: list[Row]) -> str:
    """Format rows and their total as a table for the terminal."""
    total = Row("total", *(sum(column) for column in list(zip(*rows, strict=True))[1:]))
    lines = [HEADER]
    for stage, jobs, submissions, *estimates in [*rows, total]:
        counts = [f"{count:,}" for count in (jobs, submissions)]
        lines.append([stage, *counts, *(f"{value:,.1f}" for value in estimates)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])])
        for cells in lines
    )
