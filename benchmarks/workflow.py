"""The workflow itself: how long Snakemake plans, and what it adds to the work inside its jobs."""

import csv
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contest import ROOT, Table

SIZES = {
    "full": {"plans": ["paper", "toy", "Galaxy Zoo DESI"], "layers": [], "target": "all"},
    "small": {"plans": ["toy"], "layers": ["tests/toy/config.yaml"], "target": "all"},
    "tiny": {
        "plans": ["toy"],
        "layers": ["tests/toy/config.yaml"],
        "target": "results/toy/1_catalogue/decals.parquet",
    },
}

PLANS = {
    "paper": [],
    "toy": ["--configfile", "config/toy.yaml"],
    "Galaxy Zoo DESI": ["--configfile", "config/desi.yaml"],
}
AIMS = {"paper": "8"}
"""Seconds."""

GIVEN = ["desi/catalogue.parquet", "zoobot/checkpoint.index"]
"""Files of `data` that the user of config/desi.yaml provides; empty here."""


def copy_project(folder: Path) -> None:
    """Copy what Snakemake reads, without results."""
    for name in ["Snakefile", "config", "scripts", "workflow", "envs", "tests"]:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for name in GIVEN:
        path = folder / "data" / name
        path.parent.mkdir(parents=True)
        path.touch()


def snakemake(folder: Path, *arguments: str) -> tuple[str, Any]:
    """Run Snakemake in a copy of the project; give what it said, and its use of the machine."""
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments], cwd=folder, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read()
    if status:
        raise SystemExit(text)
    return text, usage


def plan(folder: Path, names: list[str], turns: int) -> Table:
    """Time dry-runs, which each Snakemake command and each job on a cluster begins with."""
    rows = []
    for name in names:
        seconds, peaks = [], []
        for _ in range(turns):
            text, usage = snakemake(folder, "-n", "-q", "rules", *PLANS[name])
            seconds.append(usage.ru_utime + usage.ru_stime)
            peaks.append(usage.ru_maxrss * 1024 / 1e6)
        jobs = int(re.search(r"^total +(\d+)", text, re.MULTILINE)[1])
        best, middle = f"{min(seconds):.1f}", f"{median(seconds):.1f}"
        rows.append([name, f"{jobs:,}", best, middle, AIMS.get(name, ""), f"{max(peaks):.0f}"])
    columns = ["dry-run", "jobs", "processor seconds", "median", "aim", "MB"]
    return Table("Plan all jobs, without running any", columns, rows)


def execute(folder: Path, layers: list[str], target: str) -> Table:
    """Run the toy on one core, and compare with what its jobs' benchmarks add up to."""
    began = time.perf_counter()
    arguments = [*PLANS["toy"], *layers, "--cores", "1", "-q", "all", "--", target]
    snakemake(folder, *arguments)
    whole = time.perf_counter() - began
    inside, jobs = 0.0, 0
    for path in (folder / "results/toy/benchmarks").rglob("*.tsv"):
        with path.open() as file:
            inside += sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
        jobs += 1
    row = [f"{jobs}", f"{whole:.1f}", f"{inside:.1f}", f"{whole / inside - 1:.0%}", "15%"]
    columns = ["jobs", "seconds", "inside jobs", "overhead", "aim: below"]
    return Table(f"Run the toy, target {target}, on one core", columns, [row])


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Time plans, then a run."""
    copy_project(folder)
    yield plan(folder, size["plans"], turns)
    yield execute(folder, size["layers"], size["target"])
