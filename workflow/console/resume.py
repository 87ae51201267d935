"""The first step of `make resume`: nothing of the killed run may still be alive."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from workflow.lib.common.errors import UserError
from workflow.lib.common.owner import ENDING, RUN, owner_of, refusal
from workflow.lib.planning.config import read_config


def alive(run: str | Path, logs: str | Path) -> Iterator[str]:
    """Give a line for the Snakemake, or for each job that a killed one left, that is at work.

    Parameters
    ----------
    run
        The lock file of a Snakemake.
    logs
        The folder of the jobs' logs, with their lock files.
    """
    if owner := owner_of(run):
        yield refusal(run, owner)
        return
    for path in sorted(Path(logs).rglob(f"*{ENDING}")):
        if owner := owner_of(path):
            yield refusal(path, owner)


def main() -> None:
    """Exit with a message if anything is still at work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", default=["config/toy.yaml"], nargs="+", type=Path)
    try:
        config = read_config(parser.parse_args().configfile)
    except UserError as error:
        sys.exit(f"error: {error}")
    if lines := list(alive(RUN, config["pathvars"]["logs"])):
        sys.exit("\n".join(f"error: {line}" for line in lines))


if __name__ == "__main__":
    main()
