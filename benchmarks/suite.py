"""Run benchmarks and print their tables.

``.venv/bin/python -m benchmarks.suite [NAME ...] [--size small]``. Tables are also written to
``results/suite/{size}.md``, and every turn to ``{size}.csv``. Contestants whose packages
`make bench-env` would install are left out, and said to be, where they are not.
"""

import argparse
import csv
import os
import tempfile
import time
from importlib import import_module
from pathlib import Path

from benchmarks.contest import ROOT, Table

NAMES = [
    "workflow", "cutouts", "sky", "selection", "embed", "pretrain", "finetune", "pca", "search",
    "gaussian_process", "plane", "growth", "page",
]  # fmt: skip
"""The benchmarks, each a module with `SIZES` and `run`."""

FIELDS = ["contest", "contestant", "role", "turn", "seconds", "peak", "answer"]


def write(tables: list[Table], stem: Path) -> None:
    """Write all tables as Markdown, and all turns as CSV."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".md").write_text("\n\n".join(table.markdown() for table in tables) + "\n")
    with stem.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(turn for table in tables for turn in table.turns)


def main() -> None:
    """Run the chosen benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--size", choices=["full", "small", "tiny"], default="full")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "results/suite")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    tables: list[Table] = []
    for name in options.names or NAMES:
        module, began = import_module(f"benchmarks.{name}"), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            for table in module.run(Path(folder), module.SIZES[options.size], options.turns):
                print(table.markdown(), end="\n\n", flush=True)
                tables.append(table)
                write(tables, options.output / options.size)
        load = os.getloadavg()[0] / os.cpu_count()
        print(f"{name}: {time.monotonic() - began:.0f} s, load {load:.1f} a core\n", flush=True)


if __name__ == "__main__":
    main()
