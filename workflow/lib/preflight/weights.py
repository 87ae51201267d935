"""Whether given weights fit the network: they are loaded as a job will load them.

`python -m workflow.lib.preflight.weights` does so in a process of its own, since TensorFlow would
stay in the memory of Snakemake for days. It reads JSON, the arguments of `read_weights`, from its
input, and prints the problem, if there is one.
"""

import json
import os
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workflow.lib.common.errors import UserError

ROOT = Path(__file__).parents[3]


def can_check() -> bool:
    """Tell whether Keras is installed here."""
    return find_spec("keras") is not None and find_spec("tensorflow") is not None


def weights_problem(**arguments: Any) -> str | None:
    """Say what is wrong with weights, in one line; parameters as for `read_weights`."""
    done = subprocess.run(
        [*shlex.split(sys.executable), "-m", __name__],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["killed"])[-1]
        return f"{arguments['given']}: cannot be loaded ({reason})"
    return (done.stdout.strip().splitlines() or [None])[-1]


if __name__ == "__main__":
    from workflow.lib.pretrain.released_weights import read_weights

    try:
        read_weights(**json.load(sys.stdin))
    except UserError as problem:
        print(problem)
