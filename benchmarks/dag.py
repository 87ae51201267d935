"""Time and memory to plan all jobs, as a dry-run does, and each job on a cluster for itself.

Run ``.venv/bin/python benchmarks/dag.py``; it prints the table of README.md: for each configuration
the jobs, the processor's time, the least of three, and the peak memory. What others do on the same
cores adds to that time: beside it stands what a plain loop takes in the same minute.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIGURATIONS = {
    "paper": "",
    "toy": "--configfile config/toy.yaml",
    "Galaxy Zoo DESI": "--configfile config/desi.yaml",
}
GIVEN = ["desi/catalogue.parquet", "zoobot/checkpoint.index"]
"""What its user puts into `data`; empty here."""

TRIES = 3
ADDITIONS = 20_000_000


def copy_project(folder: Path) -> None:
    """Copy what a dry-run reads, so that no results are there."""
    for name in ["Snakefile", "config", "scripts", "workflow", "envs"]:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for name in GIVEN:
        path = folder / "data" / name
        path.parent.mkdir(parents=True)
        path.touch()


def plan(folder: Path, arguments: str) -> tuple[int, float, float]:
    """Make a dry-run; give its jobs, its time [s] and its memory [MiB]."""
    command = [sys.executable, "-m", "snakemake", "-n", "-q", "rules", *arguments.split()]
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read()
    if status:
        raise SystemExit(text)
    jobs = int(re.search(r"^total +(\d+)", text, re.MULTILINE)[1])
    return jobs, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def loop() -> float:
    """Time a plain loop [s]."""
    start, total = time.process_time(), 0
    for number in range(ADDITIONS):
        total += number
    return time.process_time() - start


def main() -> None:
    """Measure every configuration, and print."""
    print("| configuration | jobs | time [s] | 20 million additions [s] | memory [MiB] |")
    print("|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copy_project(folder)
        for name, arguments in CONFIGURATIONS.items():
            plans = [plan(folder, arguments) for _ in range(TRIES)]
            jobs, seconds, mib = min(plans, key=lambda one: one[1])
            print(f"| {name} | {jobs:,} | {seconds:.1f} | {loop():.1f} | {mib:.0f} |", flush=True)


if __name__ == "__main__":
    main()
