"""Contests: the same work by ours, by what a user would pick instead, and at the limit.

Contestants take turns, A B C A B C, each in a process of its own, so that a machine that becomes
busy slows all of them. Ratios are of turns that were taken one after the other.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
OTHERS = ROOT / ".venv-bench/bin/python"
"""Python with the competitors' packages, by `make bench-env`."""

LOGS = ROOT / "results/suite/logs"
"""What contestants print."""

COLUMNS = ["contestant", "role", "seconds", "median", "rate", "÷ ours", "aim", "MB", "answer"]


class Contestant(NamedTuple):
    """One way to do the work.

    `start` is a function at the top of a benchmark's module. It sets up for a case, which is not
    timed, and returns what a turn does. That may return a number, such as a checksum of its
    result, which the table shows.
    """

    start: Callable
    role: str
    """ours, instead or limit."""
    aim: float | None = None
    """Least ratio of its time to ours."""
    package: str = ""
    """A package of `OTHERS`, in which it then runs."""


def ours(start: Callable) -> Contestant:
    """Enter this project's way."""
    return Contestant(start, "ours")


def instead(start: Callable, aim: float | None = None, package: str = "") -> Contestant:
    """Enter what a user would pick instead."""
    return Contestant(start, "instead", aim, package)


def limit(start: Callable, aim: float | None = None) -> Contestant:
    """Enter work that any way must do at least."""
    return Contestant(start, "limit", aim)


@dataclass
class Table:
    """A benchmark's result."""

    title: str
    columns: Sequence[str]
    rows: list[list[str]]
    turns: list[dict[str, Any]] = field(default_factory=list)
    """Each turn, for the CSV."""

    def markdown(self) -> str:
        """Draw the table."""
        lines = [self.columns, ["---"] + ["---:"] * (len(self.columns) - 1), *self.rows]
        return f"{self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Worker:
    """A contestant's process."""

    def __init__(
        self, start: Callable, case: Mapping[str, Any], *, package: str = "", cores: int = 0
    ) -> None:
        python = OTHERS if package else sys.executable
        module, name = start.__module__, start.__name__
        command = [python, "-m", "benchmarks.worker", module, name, json.dumps(case), str(cores)]
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{module.rpartition('.')[2]}.{name}.log"
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "TQDM_DISABLE": "1"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | quiet, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip

    def answer(self) -> dict[str, Any]:
        """Wait for the end of the set-up or of a turn."""
        line = self.process.stdout.readline()
        if not line:
            said = "\n".join(self.log.read_text().splitlines()[-20:])
            raise SystemExit(f"{said}\n{self.log}: the contestant failed")
        return json.loads(line)

    def turn(self) -> dict[str, Any]:
        """Have it take a turn."""
        print(file=self.process.stdin, flush=True)
        return self.answer()

    def close(self) -> None:
        """Let it end."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def running(start: Callable, case: Mapping[str, Any], **options: Any) -> Iterator[Worker]:
    """Run a contestant's process, set up and waiting."""
    worker = Worker(start, case, **options)
    try:
        worker.set_up = worker.answer()
        yield worker
    finally:
        worker.close()


def call(function: Callable, case: Mapping[str, Any]) -> dict[str, Any]:
    """Call a function of a benchmark in a process of its own; give its seconds and peak memory."""
    with running(function, case) as worker:
        return worker.set_up


@cache
def installed(package: str) -> bool:
    """Tell whether the competitors' environment has a package; true of no package."""
    if not package:
        return True
    found = f"import sys, importlib.util as u; sys.exit(u.find_spec('{package}') is None)"
    return OTHERS.exists() and not subprocess.run([OTHERS, "-c", found], check=False).returncode


def contest(
    title: str,
    contestants: Sequence[Contestant],
    case: Mapping[str, Any],
    turns: int,
    *,
    items: float = 0,
    unit: str = "",
    cores: int = 0,
    fresh: bool = False,
    warm: bool = True,
) -> Table:
    """Have contestants take turns.

    Parameters
    ----------
    title
        Says what is measured.
    contestants
        Ours first.
    case
        What the contestants' functions are given; JSON types.
    turns
        Number of turns that are measured.
    items, unit
        How much work a turn is, for the rate.
    cores
        Number of cores that each may use; 0: all.
    fresh
        Start a new process for each turn, and count its start: a comparison of whole processes.
    warm
        Take one turn each that is not measured.
    """
    entered = [one for one in contestants if installed(one.package)]
    found: dict[Contestant, list[dict[str, Any]]] = {one: [] for one in entered}
    with ExitStack() as stack:
        workers = {
            one: stack.enter_context(running(one.start, case, package=one.package, cores=cores))
            for one in entered
            if not fresh
        }
        for turn in range(-1 if warm and not fresh else 0, turns):
            for one in entered:
                result = whole_process(one, case, cores) if fresh else workers[one].turn()
                if turn >= 0:
                    found[one].append(result)
    rows = [_row(one, found.get(one), found[entered[0]], items, unit) for one in contestants]
    records = [
        {"contest": title, "contestant": one.start.__name__, "role": one.role, "turn": turn}
        | result
        for one, results in found.items()
        for turn, result in enumerate(results)
    ]
    return Table(title, COLUMNS, rows, records)


def whole_process(one: Contestant, case: Mapping[str, Any], cores: int) -> dict[str, Any]:
    """Take one turn in a new process, and count the seconds since its start."""
    began = time.perf_counter()
    with running(one.start, case, package=one.package, cores=cores) as worker:
        return worker.turn() | {"seconds": time.perf_counter() - began}


def _row(
    one: Contestant,
    results: list[dict[str, Any]] | None,
    first: list[dict[str, Any]],
    items: float,
    unit: str,
) -> list[str]:
    name = one.start.__name__.replace("_", " ")
    if not results:
        return [name, one.role, "not installed", *[""] * (len(COLUMNS) - 3)]
    seconds = [result["seconds"] for result in results]
    ratio = median(
        mine / theirs["seconds"] for mine, theirs in zip(seconds, first, strict=True)
    )  # fmt: skip
    answer = results[-1]["answer"]
    return [
        name,
        one.role,
        f"{min(seconds):.4g}",
        f"{median(seconds):.4g}",
        f"{items / min(seconds):.4g} {unit}/s" if items else "",
        f"{ratio:.2f}",
        "" if one.aim is None else f"{one.aim:g}",
        f"{max(result['peak'] for result in results):.0f}",
        "" if answer is None else f"{answer:.6g}",
    ]
