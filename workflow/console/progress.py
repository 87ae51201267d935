"""How far a run is: the jobs of each stage, and about how long the rest takes."""

import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMES = Path(__file__).with_name("seconds.csv")

SAYS = {
    "0_sources": "the simulated sky, or downloads",
    "1_catalogue": "the galaxies that pass the cuts",
    "2_cutouts": "their images",
    "3_pretrain": "the encoders",
    "4_represent": "the representations",
    "5_similarity": "similar galaxies",
    "6_anomaly": "searches for rare galaxies",
    "7_finetune": "new labels from a few examples",
    "8_figures": "the figures and Table 1",
    "9_claims": "the paper's claims beside ours",
    "9_compare": "the comparison of encoders",
}
"""What each stage makes."""

USUAL = 2.0
"""Seconds of a job of a rule without a measured time."""


class Progress:
    """Count the jobs of each stage, and estimate the time left.

    Parameters
    ----------
    stages
        The stage of each rule; rules without one, such as targets, are not counted.
    seconds
        The time of a job of each rule, on the machine where it was measured [s].
    clock
        Gives the time [s].
    """

    def __init__(
        self,
        stages: Mapping[str, str],
        seconds: Mapping[str, float] | None = None,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.stages = stages
        self.seconds = read_times() if seconds is None else seconds
        self.clock = clock
        self.begun = clock()
        self.jobs: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.started: dict[str, float] = {}
        self.running: dict[int, tuple[str, tuple[str, ...]]] = {}
        self.work = self.work_done = 0.0

    def plan(self, counts: Mapping[str, int]) -> str:
        """Take in the number of jobs of each rule; describe the run in one line."""
        for rule, count in counts.items():
            if rule in self.stages:
                self.jobs[self.stages[rule]] += count
                self.work += count * self._seconds(rule)
        stages = sum(1 for count in self.jobs.values() if count)
        return f"{sum(self.jobs.values())} jobs in {stages} stages"

    def start(self, job: int, rule: str, output: Iterable[str] = ()) -> str | None:
        """Note that a job starts; describe its stage if it is the first job of it."""
        stage = self.stages.get(rule)
        if stage is None:
            return None
        self.running[job] = (rule, tuple(output))
        if stage in self.started:
            return None
        self.started[stage] = self.clock()
        return self._line(stage, f"starts: {_jobs(self.jobs[stage])}")

    def finish(self, job: int) -> list[str]:
        """Note that a job has ended; name a figure that it drew, and its stage if that is done."""
        if job not in self.running:
            return []
        rule, output = self.running.pop(job)
        stage = self.stages[rule]
        self.done[stage] += 1
        self.work_done += self._seconds(rule)
        lines = [f"{_title(path)}: {path}" for path in output if _title(path)]
        if self.done[stage] == self.jobs[stage]:
            took = duration(self.clock() - self.started[stage])
            lines.append(
                self._line(stage, f"done: {_jobs(self.jobs[stage])} in {took}{self._left(', ')}")
            )
        return lines

    def now(self) -> str:
        """Describe the stages in which jobs run, in one line."""
        if not self.running:
            return ""
        names = sorted({self.stages[rule] for rule, _ in self.running.values()})
        stages = [f"{name} {self.done[name]}/{self.jobs[name]}" for name in names]
        return f"{self._time()}  {', '.join(stages)}{self._left('; ')}"

    def _seconds(self, rule: str) -> float:
        return self.seconds.get(rule, USUAL)

    def _time(self) -> str:
        return duration(self.clock() - self.begun).rjust(8)

    def _line(self, stage: str, text: str) -> str:
        return f"{self._time()}  {stage:<13} {SAYS.get(stage, '')}: {text}"

    def _left(self, before: str) -> str:
        """Say how much work is left, by the measured times and the pace of this run so far."""
        left = self.work - self.work_done
        if left <= 0 or not self.work_done:
            return ""
        seconds = left * (self.clock() - self.begun) / self.work_done
        share = 100 * self.work_done / self.work
        return f"{before}{share:.0f}% of the work done, about {_roughly(seconds)} left"


def rules_by_stage(scripts: str | Path = ROOT / "scripts") -> dict[str, str]:
    """Give the stage of each rule: the folder of its script."""
    return {path.stem: path.parent.name for path in Path(scripts).glob("[0-9]_*/*.py")}


def duration(seconds: float) -> str:
    """Write a time as people do.

    Examples
    --------
    >>> duration(75)
    '1:15'
    >>> duration(3675)
    '1:01:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def read_times(path: str | Path = TIMES) -> dict[str, float]:
    """Read the time of a job of each rule [s]."""
    with Path(path).open() as file:
        return {row["rule"]: float(row["seconds"]) for row in csv.DictReader(file)}


def measure_times(benchmarks: str | Path) -> dict[str, float]:
    """Give the mean time of a job of each rule [s], by Snakemake's benchmarks of a run.

    Of the processor, which does not depend on what else ran; only a job too short for Snakemake to
    measure that counts by the clock.
    """
    times: dict[str, list[float]] = {}
    for path in sorted(Path(benchmarks).rglob("*.tsv")):
        rule = path.relative_to(benchmarks).parts[1].removesuffix(".tsv")
        with path.open() as file:
            times.setdefault(rule, []).extend(
                float(row["s"] if row["cpu_time"] in ("NA", "0.00") else row["cpu_time"])
                for row in csv.DictReader(file, delimiter="\t")
            )
    return {rule: sum(each) / len(each) for rule, each in sorted(times.items())}


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"


def _roughly(seconds: float) -> str:
    return f"{round(seconds / 60)} min" if seconds > 90 else f"{max(10, round(seconds, -1)):.0f} s"


def _title(path: str) -> str:
    found = re.search(r"8_figures/figure_(\w+)\.png$", path)
    return f"Figure {found[1]}" if found else ""


if __name__ == "__main__":
    writer = csv.writer(TIMES.open("w"), lineterminator="\n")
    writer.writerow(["rule", "seconds"])
    writer.writerows((rule, f"{mean:.1f}") for rule, mean in measure_times(sys.argv[1]).items())
