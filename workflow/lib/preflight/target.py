"""The target `preflight`: all checks for what a plain `snakemake` would run, and no other job."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import merged
from workflow.lib.planning.plan import Job, dry_run, planned_jobs
from workflow.lib.preflight.check import NOTE, Machine, check, resolved
from workflow.lib.preflight.files import named_files


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
    problems = sum(not line.startswith(NOTE) for line in lines)
    if problems:
        raise UserError(f"preflight found {problems} problems, listed above")
    print(f"preflight: nothing is missing for {len(jobs):,} jobs")


def plan(config: Mapping[str, Any], snakemake: Sequence[str]) -> tuple[list[Job], list[str]]:
    """Plan what a plain `snakemake` runs, and say which of the user's files it lacks.

    Snakemake stops at the first missing file, so another is put in its place until no more are
    missing.
    """
    lines = []
    with tempfile.NamedTemporaryFile(suffix=".h5") as other:
        while True:
            try:
                return planned_jobs(dry_run(config, snakemake, options=())), lines
            except UserError as error:
                missing = {
                    key: path
                    for key, given in named_files(config).items()
                    if (path := resolved(given, config)) in str(error) and not Path(path).exists()
                }
                if not missing:
                    raise
            for key, path in missing.items():
                lines.append(f"{path}: no such file, named by '{'.'.join(key)}'")
                change: Any = other.name
                for word in reversed(key):
                    change = {word: change}
                config = merged(config, change)
