"""Memory and disk of stages that grow with the number of galaxies, for two sizes of random surveys.

Run ``.venv/bin/python benchmarks/scale.py``; it prints the table of docs/performance.md: the peak
memory of each stage at both sizes, each measured in a process of its own, the slope between them,
and the memory extrapolated to the galaxies of the paper and of Galaxy Zoo DESI. The tables have the
columns of Galaxy Zoo DESI. Set other sizes with ``GALAXIES=100000,400000``. Stages whose memory
does not grow are in memory.py.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

COUNTS = [int(count) for count in os.environ.get("GALAXIES", "100000,400000").split(",")]
SURVEYS = (305_657, 8_700_000)
"""Numbers of galaxies in the paper and in Galaxy Zoo DESI."""

BLOCK = 10_000
QUESTIONS = {
    "smooth-or-featured": ["smooth", "featured-or-disk", "artifact"],
    "disk-edge-on": ["yes", "no"],
    "has-spiral-arms": ["yes", "no"],
    "bar": ["strong", "weak", "no"],
    "bulge-size": ["dominant", "large", "moderate", "small", "none"],
    "how-rounded": ["round", "in-between", "cigar-shaped"],
    "edge-on-bulge": ["boxy", "none", "rounded"],
    "spiral-winding": ["tight", "medium", "loose"],
    "spiral-arm-count": ["1", "2", "3", "4", "more-than-4", "cant-tell"],
    "merging": ["none", "minor-disturbance", "major-disturbance", "merger"],
}
MERGER = "merging_merger_fraction"


def make_table(folder: Path, galaxies: int) -> None:
    """Write a catalogue with the columns of Galaxy Zoo DESI, filled with random numbers."""
    draw = np.random.default_rng(1)
    rows = np.arange(galaxies)
    columns = {"dr8_id": [f"{300_000 + row // 30}_{row % 9000}" for row in rows]}
    columns |= {"ra": draw.uniform(0, 360, galaxies), "dec": draw.uniform(-20, 80, galaxies)}
    columns |= {name: draw.uniform(1, 20, galaxies) for name in ["petro_th50", "petro_th90"]}
    for question, answers in QUESTIONS.items():
        for answer in answers:
            columns[f"{question}_{answer}_fraction"] = draw.random(galaxies, np.float32)
    pd.DataFrame(columns).to_parquet(folder / "table.parquet")


def make_vectors(folder: Path, galaxies: int, size: int, name: str) -> None:
    """Write random vectors, in the format of a PCA's or the network's output."""
    from workflow.lib.represent.vector_files import representation_schema, representation_table

    draw, schema = np.random.default_rng(1), representation_schema(size)
    names = pq.read_table(folder / "table.parquet", columns=["dr8_id"])["dr8_id"].to_pylist()
    with pq.ParquetWriter(folder / f"{name}.parquet", schema) as writer:
        for start in range(0, galaxies, BLOCK):
            part = names[start : min(start + BLOCK, galaxies)]
            vectors = draw.standard_normal((len(part), size), np.float32)
            writer.write_table(representation_table(part, vectors, schema))


def select_galaxies(folder: Path) -> None:
    """Stage 1."""
    from workflow.lib.catalogue.selection import select_table_galaxies

    select_table_galaxies(
        folder / "table.parquet",
        id_column="dr8_id",
        cuts={},
        exclude=[],
        pixel_scale={"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1},
        catalogue=folder / "catalogue.parquet",
        counts=folder / "counts.json",
    )


def write_shard(folder: Path) -> None:
    """Stage 1, one of 100 shards."""
    from workflow.lib.catalogue.shards import write_shard

    write_shard(folder / "catalogue.parquet", folder / "050-of-100.csv")


def project_representation(folder: Path) -> None:
    """Stage 4, without umap itself."""
    from workflow.lib.catalogue.fractions import sample_names
    from workflow.lib.represent.umap_plane import draw_rows
    from workflow.lib.represent.vector_files import read_representation

    names, _ = read_representation(folder / "pca15.parquet")
    sample = sample_names(folder / "catalogue.parquet", None, [], 0.5)
    rows = np.flatnonzero(pd.Index(names).isin(sample))
    draw_rows(names, rows, 1000, 1)


def derive_tags(folder: Path) -> None:
    """Stage 5."""
    from workflow.lib.similarity.tags import derive_tags

    columns = [
        f"{question}_{answer}_fraction" for question in QUESTIONS for answer in QUESTIONS[question]
    ]
    fractions = {f"tag{place}": [column] for place, column in enumerate(columns[:18])}
    derive_tags(folder / "catalogue.parquet", fractions, 0.99, folder / "tags.parquet")


def find_neighbours(folder: Path) -> None:
    """Stage 5, from 18 galaxies as in the paper."""
    from workflow.lib.similarity.neighbours import find_neighbours

    find_neighbours(
        folder / "pca10.parquet",
        folder / "catalogue.parquet",
        folder / "tags.parquet",
        folder / "neighbours.parquet",
        most_common=18,
        k=50,
        metric="manhattan",
        same_within=100,
        threads=2,
    )


def measure_retrieval(folder: Path) -> None:
    """Stage 5, for one tag, without the file of all 1280 values, which is mapped into memory."""
    from workflow.lib.similarity.retrieval import measure_retrieval

    np.save(folder / "full.npy", np.zeros((pq.read_metadata(folder / "pca40.parquet").num_rows, 1)))
    measure_retrieval(
        {name: folder / f"{name}.parquet" for name in ["pca10", "pca40"]},
        folder / "full.npy",
        folder / "catalogue.parquet",
        folder / "tags.parquet",
        folder / "retrieval.csv",
        questions=QUESTIONS,
        answers=[MERGER],
        most_common=1,
        first=[50],
        above=2,  # no galaxy has an answer
        min_votes=0,
        queries=32,
        same_within=100,
        seed=1,
        threads=2,
    )


def compare_votes(folder: Path) -> None:
    """Stage 5."""
    from workflow.lib.similarity.retrieval import compare_votes

    compare_votes(
        folder / "neighbours.parquet",
        folder / "catalogue.parquet",
        folder / "shared.csv",
        questions=QUESTIONS,
        answers=[MERGER],
        min_votes=0,
        first=[10],
        draws=99,
        seed=1,
    )


def select_candidates(folder: Path) -> None:
    """Stage 6, with all galaxies as candidates."""
    from workflow.lib.anomaly.candidates import select_candidates

    select_candidates(
        folder / "catalogue.parquet",
        [folder / "pca40.parquet"],
        folder / "candidates.parquet",
        folder / "candidates.json",
        label=MERGER,
        above=0.99,
        share=None,
        votes="",
        min_votes=0,
        filters={"disk-edge-on_no": 0.0},
    )


def standardise_features(folder: Path) -> None:
    """Stage 6."""
    from workflow.lib.anomaly.candidates import standardise_features

    standardise_features(
        folder / "pca40.parquet", folder / "candidates.parquet", folder / "cnn.npy"
    )


def hunt_anomalies(folder: Path) -> None:
    """Stage 6, one repeat of two batches."""
    from workflow.lib.anomaly.hunt import hunt_anomalies

    hunt_anomalies(
        folder / "candidates.parquet",
        folder / "cnn.npy",
        [0],
        [folder / "00.parquet"],
        search_by="gaussian-process",
        settings={
            "batch": 10,
            "kernel": "rational-quadratic",
            "acquisition": "expected-improvement",
            "epsilon": 0.5,
            "restarts": 0,
        },
        known_first=True,
        ratings=20,
        seed=1,
        threads=2,
    )


def score_repeats(folder: Path) -> None:
    """Stage 6, with 15 repeats."""
    from workflow.lib.anomaly.scores import score_repeats

    score_repeats(
        folder / "candidates.parquet",
        {"cnn-gp": [folder / "00.parquet"] * 15},
        folder / "curves.csv",
        folder / "scores.csv",
        known={"cnn-gp": 20},
        tops=[50, 100, 200],
        longest=500,
        sigmas=3,
    )


STAGES = {
    select_galaxies: ["catalogue.parquet"],
    write_shard: [],
    project_representation: [],
    derive_tags: [],
    find_neighbours: [],
    measure_retrieval: [],
    compare_votes: [],
    select_candidates: ["candidates.parquet"],
    standardise_features: ["cnn.npy"],
    hunt_anomalies: ["00.parquet"],
    score_repeats: [],
}
"""The stages measured, each with the files whose size is reported."""


def peak(stage: str, folder: Path) -> float:
    """Run a stage in a process of its own; give its peak memory, including mapped files [MB]."""
    command = [sys.executable, __file__, stage, str(folder)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def main() -> None:
    """Measure every stage at both sizes, and print the table."""
    print("| stage | MB (galaxies) | MB (galaxies) | B a galaxy | 305,657 | 8.7 million | disk |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        folders = [Path(first), Path(second)]
        for folder, count in zip(folders, COUNTS, strict=True):
            make_table(folder, count)
            for size in (10, 15, 40):
                make_vectors(folder, count, size, f"pca{size}")
        for stage, files in STAGES.items():
            few, many = (peak(stage.__name__, folder) for folder in folders)
            each = (many - few) / (COUNTS[1] - COUNTS[0])  # MB
            expected = [f"{max(many, few + each * (size - COUNTS[0])):,.0f}" for size in SURVEYS]
            disk = sum((folders[1] / file).stat().st_size for file in files) / COUNTS[1]
            measured = [f"{few:.0f} ({COUNTS[0]:,})", f"{many:.0f} ({COUNTS[1]:,})"]
            cells = [stage.__name__, *measured, f"{1e6 * each:.0f}", *expected, f"{disk:.0f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        globals()[sys.argv[1]](Path(sys.argv[2]))
        # Not from getrusage, which also counts the parent's memory at the time of the fork.
        status = Path("/proc/self/status").read_text()
        print(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6)
    else:
        main()
