"""Time and memory of Snakemake to plan all jobs, as in a dry-run.

Run ``.venv/bin/python benchmarks/dag.py``; it prints the table of README.md: for each configuration
the number of jobs, the CPU time (the least of three runs) and the peak memory. Other programs on
the same cores add to the CPU time, so the table also gives the time of a plain loop in the same
minute.
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
"""Files of `data` that the user of config/desi.yaml provides; empty here."""

TRIES = 3
ADDITIONS = 20_000_000


def copy_project(folder: Path) -> None:
    """Copy the files that a dry-run reads, without results."""
    for name in ["Snakefile", "config", "scripts", "workflow", "envs"]:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for name in GIVEN:
        path = folder / "data" / name
        path.parent.mkdir(parents=True)
        path.touch()


def plan(folder: Path, arguments: str) -> tuple[int, float, float]:
    """Make a dry-run; return its number of jobs, CPU time [s] and peak memory [MiB]."""
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
    """Measure every configuration and print the table."""
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
