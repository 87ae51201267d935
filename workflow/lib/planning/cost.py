"""Estimates of the time and disk that jobs take, and which small jobs share one submission.

Every job imports this module, so it imports nothing heavy.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from workflow.lib.planning.grid import SCRATCH, finetuning_runs, parse_shard, task_of

TRAININGS = ("pretrain_encoder", "pretrain_stand_in", "finetune_encoder", "keep_classifier")
"""Rules whose time depends on the number of images seen in training."""

LOOKS = ("predict_votes", "embed_cutouts", "predict_labels")
"""Rules that show a network each view of every galaxy."""

BATCHED = (
    "fetch_cutouts",
    "embed_cutouts",
    "measure_ellipses",
    "hunt_anomalies",
    "finetune_encoder",
)
"""Rules with many small jobs, which share submissions."""

Wildcards = Mapping[str, str]


class Cost:
    """Estimates from the configuration's `cost`, for the hardware that it describes.

    Parameters
    ----------
    config
        The whole configuration.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.cost = config["cost"]

    def seconds(self, rule: str, wildcards: Wildcards) -> float:
        """Estimate the time of a job [s]; for a rule not in `cost.rules`, only its start."""
        if rule in TRAININGS:
            images = self.images_trained(rule, wildcards)
            return self.cost["start"] + images * self.cost["trained_image"]
        views = self.config["representation"]["views"] if rule in LOOKS else 1
        return self.cost["start"] + views * self._of_galaxies("seconds", rule, wildcards)

    def kilobytes(self, rule: str, wildcards: Wildcards) -> float:
        """Estimate the disk space of a job's output [kB]."""
        return self._of_galaxies("kilobytes", rule, wildcards)

    def minutes(self, rule: str, wildcards: Wildcards, attempt: int = 1) -> int:
        """Give a job's time limit [min]: the estimate with a margin, more with each attempt."""
        estimate = math.ceil(self.seconds(rule, wildcards) * self.cost["margin"] / 60)
        return min(max(estimate, self.cost["shortest"]) * attempt, self.cost["longest"])

    def batch(self, rule: str, wildcards: Wildcards) -> str | None:
        """Name the batch of jobs that a job belongs to.

        The jobs of a batch share one submission and run one after the other. They are consecutive
        shards or repeats, or runs of the fine-tuning grid that start from the same encoder: as many
        as `cost.batch` allows.

        Returns
        -------
        str or None
            None if the job is submitted alone.
        """
        if rule not in BATCHED:
            return None
        if rule == "finetune_encoder":
            key = [wildcards["label"], wildcards["pretraining"]]
            number = self._grid.get(_job_of_grid(wildcards))
        else:
            key = [value for name, value in wildcards.items() if name not in ("shard", "repeat")]
            most = self.cost["batch"]
            size = min(most["minutes"] // self.minutes(rule, wildcards), most["jobs"])
            number = _place(wildcards) // size if size > 1 else None
        return None if number is None else "_".join([rule, *key, str(number)])

    def galaxies(self, wildcards: Wildcards) -> float:
        """Estimate a job's number of galaxies: a shard's, a survey's, or the largest survey's."""
        survey = wildcards.get("survey")
        if survey is None:
            return max(map(self.galaxies_of, self.config["surveys"]))
        shards = self.config["surveys"][survey]["shards"] if "shard" in wildcards else 1
        return self.galaxies_of(survey) / shards

    def galaxies_of(self, survey: str) -> int:
        """Estimate the number of galaxies in a survey."""
        simulation = self.config["surveys"][survey].get("simulation", {})
        known = self.cost["galaxies_of"]
        return simulation.get("galaxies", known.get(survey, max(known.values())))

    def images_trained(self, rule: str, wildcards: Wildcards) -> float:
        """Estimate the number of images that a job's trainings see, with those for validation."""
        pretraining, name = self.config["pretraining"], wildcards["pretraining"]
        if rule in ("pretrain_encoder", "pretrain_stand_in"):
            most = pretraining["epochs_of"].get(
                task_of(pretraining, name), pretraining["recipe"]["epochs"]
            )
            images = (
                pretraining["stand_in"]["pictures"]
                if rule == "pretrain_stand_in"
                else self.galaxies_of(pretraining["survey"])
            )
            return min(most, self.cost["epochs"]) * images
        finetune = self.config["finetune"]
        stages = ["scratch"] if name == SCRATCH else ["frozen", "finetuned"]
        one = "size" in wildcards
        sizes = [int(wildcards["size"])] if one else finetune["sizes"] * finetune["repeats"]
        return sum(
            min(self.cost["epochs"], finetune["stages"][stage]["images_seen"] / size)
            * (size + self.cost["validated"])
            for size in sizes
            for stage in stages
        )

    def _of_galaxies(self, unit: str, rule: str, wildcards: Wildcards) -> float:
        if rule == "fetch_cutouts":  # its time depends on where images come from
            rule = self.config["surveys"][wildcards["survey"]]["images"]["source"]
        elif rule == "download_file" and wildcards["file"].endswith(".zip"):
            rule = "download_zip"
        a_galaxy = self.cost["rules"].get(rule, {}).get(unit, 0)
        return a_galaxy * self.galaxies(wildcards)

    @cached_property
    def _grid(self) -> dict[str, int]:
        """The number of each job's batch, within its pretraining, without jobs that are alone."""
        jobs: dict[str, dict[str, int]] = {}
        # Runs of one size take about the same time, so they are batched together.
        for run in sorted(finetuning_runs(self.config["finetune"]), key=lambda run: run.size):
            wildcards = {name: str(value) for name, value in run._asdict().items()}
            if self.config["finetune"]["runs_of_a_job"] == "all":
                del wildcards["size"], wildcards["repeat"]
            job = _job_of_grid(wildcards)
            jobs.setdefault(run.pretraining, {})[job] = self.minutes("finetune_encoder", wildcards)
        numbers = {}
        for asked in jobs.values():
            batches = packed([*asked.values()], **self.cost["batch"])
            numbers |= {
                job: batch
                for job, batch in zip(asked, batches, strict=True)
                if batches.count(batch) > 1
            }
        return numbers


def _job_of_grid(wildcards: Wildcards) -> str:
    names = ("pretraining", "depth", "size", "repeat")
    return "/".join(wildcards[name] for name in names if name in wildcards)


def _place(wildcards: Wildcards) -> int:
    if "shard" in wildcards:
        return parse_shard(wildcards["shard"])[0]
    return int(wildcards.get("repeat", 0))


def packed(asked: Sequence[float], minutes: float, jobs: int) -> list[int]:
    """Put jobs into batches, in order; a new batch starts when the next job would exceed a limit.

    Parameters
    ----------
    asked
        Time limit of each job [min].
    minutes
        Largest total of a batch [min]; a job that asks for more is alone.
    jobs
        Maximum number of jobs in a batch.

    Returns
    -------
    list of int
        The number of each job's batch.

    Examples
    --------
    >>> packed([2, 2, 2, 9, 1], minutes=5, jobs=10)
    [0, 0, 1, 2, 3]
    """
    batches: list[list[float]] = []
    numbers = []
    for each in asked:
        if not batches or len(batches[-1]) == jobs or sum(batches[-1]) + each > minutes:
            batches.append([])
        batches[-1].append(each)
        numbers.append(len(batches) - 1)
    return numbers
