"""A process that sets up one contestant, then takes a turn for each line that it is sent.

It answers the end of the set-up, and each turn, with a line of JSON. It runs in the contestant's
environment, so it and the benchmarks import nothing but the standard library until they are called.
"""

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace


def peak_mb() -> float:
    """Give the peak of this process's resident memory, including mapped files [MB]."""
    # Not from getrusage, which also counts the parent's memory at the time of the fork.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main(module: str, function: str, case: str, cores: str) -> None:
    """Set up, then answer; `case` is JSON, `cores` the number to use or 0 for all."""
    # Libraries print to standard output too: give them the log, and keep the pipe for answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**found: object) -> None:
        print(json.dumps(found), file=answers, flush=True)

    if int(cores):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    start = getattr(import_module(module), function)
    began = time.perf_counter()
    turn = start(SimpleNamespace(**json.loads(case)))
    answer(seconds=time.perf_counter() - began, peak=peak_mb())
    for _ in sys.stdin:
        began = time.perf_counter()
        found = turn()
        seconds = time.perf_counter() - began
        # A turn that does more than what is measured returns its own seconds.
        timed = found if isinstance(found, dict) else {"answer": found}
        answer(**{"seconds": seconds, "answer": None, "peak": peak_mb(), **timed})


if __name__ == "__main__":
    main(*sys.argv[1:])
