"""How time and memory of each stage grow with the survey."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.contest import Table, call
from benchmarks.stages import IMAGES, TABLES, write_tables

SIZES = {  # galaxies at 1x of tables and of images, and how many times as many
    "full": {"tables": 25_000, "images": 640, "times": [1, 4, 16]},
    "small": {"tables": 1_000, "images": 64, "times": [1, 4, 16]},
    "tiny": {"tables": 250, "images": 64, "times": [1, 2]},
}

SURVEYS = (305_657, 8_700_000)
"""Numbers of galaxies in the paper and in Galaxy Zoo DESI."""


def measure(title: str, stages: list[Callable], folder: Path, counts: list[int]) -> Table:
    """Run all stages for each number of galaxies, and fit their growth.

    The exponent is that of the time between the last two sizes; time without the process's start.
    Memory is extrapolated from them in a straight line.
    """
    results, turns = {stage: [] for stage in stages}, []
    for count in counts:
        case = {"folder": str(folder / f"{title}{count}"), "galaxies": count}
        Path(case["folder"]).mkdir()
        if stages is TABLES:
            call(write_tables, case)
        for stage in stages:
            result = call(stage, case)
            results[stage].append(result)
            turns.append({"contest": title, "contestant": f"{stage.__name__} {count}"} | result)
    columns = ["stage", *(f"s ({count:,})" for count in counts), "exponent", "aim: at most"]
    columns += [f"MB ({count:,})" for count in counts] + ["B a galaxy"]
    columns += [f"MB expected at {survey:,}" for survey in SURVEYS]
    rows = [
        _row(stage.__name__, counts, *zip(*((r["seconds"], r["peak"]) for r in found), strict=True))
        for stage, found in results.items()
    ]
    return Table(f"Growth of stages that work on {title}", columns, rows, turns)


def _row(name: str, counts: list[int], seconds: tuple, peaks: tuple) -> list[str]:
    (few, many), (quick, slow), (low, high) = counts[-2:], seconds[-2:], peaks[-2:]
    exponent = math.log(slow / quick) / math.log(many / few)
    each = (high - low) / (many - few)
    return [
        name, *(f"{value:.2f}" for value in seconds), f"{exponent:.2f}", "1.05",
        *(f"{value:.0f}" for value in peaks), f"{1e6 * each:.0f}",
        *(f"{max(high, low + each * (survey - few)):,.0f}" for survey in SURVEYS),
    ]  # fmt: skip


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Measure stages that work on tables, then those that work on images."""
    for title, stages in (("tables", TABLES), ("images", IMAGES)):
        yield measure(title, stages, folder, [size[title] * many for many in size["times"]])
