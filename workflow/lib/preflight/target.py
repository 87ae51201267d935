"""The target `preflight`: all checks for what a plain `snakemake` would run, and no other job."""

import copy
import tempfile
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from workflow.lib.common.errors import UserError
from workflow.lib.planning.plan import Job, dry_run, planned_jobs
from workflow.lib.preflight.check import Machine, check, resolved
from workflow.lib.preflight.files import named_files
from workflow.lib.preflight.lines import is_problem


def print_preflight(config: Mapping[str, Any], snakemake: Sequence[str]) -> None:
    """Print a line for each problem; parameters as for `plan.print_plan`.

    Raises
    ------
    UserError
        If there are problems, or the workflow cannot be planned.
    """
    jobs, lines = plan(config, snakemake)
    lines += check(jobs, config, Machine())
    print("\n".join(lines))
    problems = sum(map(is_problem, lines))
    if problems:
        raise UserError(f"preflight found {problems} problems, listed above")
    print(f"preflight: nothing is missing for {len(jobs):,} jobs")


def plan(config: Mapping[str, Any], snakemake: Sequence[str]) -> tuple[list[Job], list[str]]:
    """Plan what a plain `snakemake` runs, and say which of the user's files it lacks.

    Snakemake stops at the first missing file, so another is put in its place until no more are
    missing.
    """
    config, lines = copy.deepcopy(dict(config)), []
    with tempfile.NamedTemporaryFile(suffix=".h5") as other:
        while True:
            try:
                return planned_jobs(dry_run(config, snakemake, options=())), lines
            except UserError as error:
                missing = {
                    key: path
                    for key, given in named_files(config).items()
                    for survey in config["surveys"]
                    if (path := resolved(given, config).replace("{survey}", survey)) in str(error)
                    and not Path(path).exists()
                }
                if not missing:
                    raise
            for key, path in missing.items():
                lines.append(f"{path}: no such file, named by '{'.'.join(map(str, key))}'")
                *outer, last = key
                reduce(getitem, outer, config)[last] = other.name
