"""Run the paper's configuration on drawn tables of the real size, and report what it took.

``make rehearsal``, or ``python -m benchmarks.rehearsal FOLDER``: FOLDER gets a copy of the project,
in which the scripts of `scripts/` beside this file replace those of trainings, forward passes and
ellipses. All other jobs are the paper's. A second call resumes. README.md has the results.
"""

import argparse
import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from benchmarks.rehearsal.files import write_files
from benchmarks.rehearsal.galaxies import expected
from workflow.lib.planning.config import read_config
from workflow.lib.planning.grid import FinetuningRun, finetuning_runs

ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent
UNFILTERED = [f"decals-{anomaly}-unfiltered" for anomaly in ("ring", "irregular", "merger")]
"""Tasks that no figure shows; of these only the samples are made."""


def copy_project(folder: Path) -> None:
    """Copy the project, with the stand-ins instead of the heavy scripts."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ["config", "scripts", "workflow", "envs", "benchmarks"]:
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True, ignore=ignored)
    shutil.copytree(HERE / "scripts", folder / "scripts", dirs_exist_ok=True, ignore=ignored)
    shutil.copy2(ROOT / "Snakefile", folder)


def found(results: Path) -> dict[str, int]:
    """Read the numbers of galaxies in the results; names are those of `galaxies.expected`."""
    labels = json.loads((results / "7_finetune/ring/label_counts.json").read_text())
    left = {step["cut"]: step["left"] for step in labels}
    models = pd.read_csv(results / "7_finetune/ring/models.csv")
    fullest = models[models["size"] == models["size"].max()]
    counts = json.loads((results / "1_catalogue/decals/selection_counts.json").read_text())
    numbers = {
        "catalogue": next(row["left"] for row in reversed(counts) if "published" not in row),
        "label candidates": left["rare-features_ring_fraction unknown"],
        "label rings": left["label 1"],
        "label others": left["label 0"],
        "runs": len(models.drop_duplicates(["pretraining", "depth", "size", "repeat"])),
        "models": len(models),
        "training set": int(fullest["size"].max()),
        "rings learned from": int(fullest["labelled"].max()),
    }
    for path in sorted((results / "6_anomaly").glob("*/candidates.json")):
        sample = json.loads(path.read_text())
        numbers[path.parent.name] = sample["galaxies"]
        numbers[f"{path.parent.name} anomalies"] = sample["anomalies"]
    return numbers


def wanted(scale: float, configfiles: list[str]) -> dict[str, int]:
    """Give the numbers that `found` must find."""
    finetune = read_config(configfiles)["finetune"]
    runs: list[FinetuningRun] = finetuning_runs(finetune)
    numbers = expected(scale)
    if max(finetune["sizes"]) != numbers["training set"]:  # a smaller grid
        del numbers["rings learned from"]
        numbers["training set"] = max(finetune["sizes"])
    return numbers | {"runs": len(runs), "models": sum(run.models for run in runs)}


def report(project: Path) -> str:
    """Give a table with a row for each rule: its jobs, and what they took and asked for."""
    folder = project / "results/benchmarks"
    stand_ins = {path.stem for path in (HERE / "scripts").glob("*/*.py")}
    jobs = pd.concat(
        [
            pd.read_csv(path, sep="\t").assign(stage=path.relative_to(folder).parts[0])
            for path in sorted(folder.rglob("*.tsv"))
        ]
    )
    asked = pd.DataFrame(jobs["resources"].map(ast.literal_eval).tolist(), jobs.index)
    jobs = jobs.assign(
        asked_mb=asked["mem_mb"],
        asked_s=60 * asked["runtime"],
        over=(jobs["max_rss"] > asked["mem_mb"]) | (jobs["s"] > 60 * asked["runtime"]),
    )
    grouped = jobs.groupby(["stage", "rule_name"])
    table = grouped.agg(
        jobs=("s", "size"), minutes=("s", lambda s: s.sum() / 60), longest=("s", "max"),
        asked_s=("asked_s", "min"), memory=("max_rss", "max"), asked_mb=("asked_mb", "min"),
        over=("over", "sum"),
    )  # fmt: skip
    rows = [
        "| stage | rule | jobs | all [min] | longest [s] | asked | memory [MB] | asked | over |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (stage, rule), row in table.iterrows():
        name = f"{rule} (stand-in)" if rule in stand_ins else f"`{rule}`"
        cells = [stage, name, f"{row['jobs']:,.0f}", f"{row['minutes']:.1f}"]
        cells += [f"{value:,.0f}" for value in row[["longest", "asked_s", "memory", "asked_mb"]]]
        rows.append(f"| {' | '.join([*cells, str(int(row['over']))])} |")
    disk = {
        part.name: sum(path.stat().st_size for path in part.rglob("*") if path.is_file()) / 1e9
        for part in [project / "data", *sorted((project / "results").iterdir())]
        if part.is_dir()
    }
    disk_rows = [f"| {name} | {gigabytes:.2f} |" for name, gigabytes in disk.items()]
    return "\n".join([*rows, "", "| disk | GB |", "|---|---:|", *disk_rows])


def main() -> None:
    """Draw the files, run Snakemake, check the numbers and print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rehearsal")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=1, help="share of the real galaxies")
    parser.add_argument("--configfile", nargs="*", default=[], help="laid over the rehearsal's")
    parser.add_argument("--cores", default="all")
    parser.add_argument("targets", nargs="*", help="instead of everything, which is checked")
    given = parser.parse_args()
    project = given.folder.resolve()
    copy_project(project)
    files = [str(HERE / "paper.yaml"), *(str(Path(path).resolve()) for path in given.configfile)]
    if not (project / "data").exists():
        unfinished = project / "data.unfinished"
        write_files(unfinished, given.scale, read_config(files)["pretraining"]["questions"])
        unfinished.rename(project / "data")
    samples = [f"results/6_anomaly/{task}/candidates.parquet" for task in UNFILTERED]
    command = [
        *(
            str(Path(sys.executable).absolute()),
            "-m",
            "snakemake",
            "--cores",
            given.cores,
            "--scheduler",
            "greedy",
        ),
        *(
            "--benchmark-extended",
            "--rerun-incomplete",
            "--no-hooks",
            "--quiet",
            "--configfile",
            *files,
        ),
        *("--", *(given.targets or ["all", *samples])),
    ]
    if subprocess.run(command, cwd=project).returncode:
        sys.exit(f"A second call resumes. Logs are in {project}/logs")
    if not given.targets:
        numbers, right = found(project / "results"), wanted(given.scale, files)
        wrong = {
            name: (numbers.get(name), n) for name, n in right.items() if numbers.get(name) != n
        }
        if wrong:
            sys.exit(f"Not as in the paper (found, expected): {wrong}")
        print("As in the paper: " + ", ".join(f"{name} {n:,}" for name, n in right.items()))
    print(report(project))


if __name__ == "__main__":
    main()
