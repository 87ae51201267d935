"""The web page with 20 users at a time: answers, errors, memory, and what an idle page costs.

Run ``.venv/bin/python -m benchmarks.load [CONFIG ...]`` after the workflow has run with these
configurations (by default ``config/toy.yaml``: after ``make toy``). It starts the page on this
machine as users do. Each user speaks Streamlit's own protocol, opens the page at a galaxy, waits
until it is drawn, looks at it for some seconds, and opens it at another.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np
import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser import served
from workflow.app.survey import Survey
from workflow.lib.planning.config import read_config

ROOT = Path(__file__).parents[1]
USERS, SECONDS = 20, 120
LOOKING = 2, 6
"""Shortest and longest time for which a user looks at an answer [s]."""
IDLE = 20
"""For how long an idle page is watched [s]."""
PROBLEMS = {"exception", "alert"}


class Visit(NamedTuple):
    """One page, drawn for one user."""

    seconds: float
    problem: str


async def visit(socket: websockets.ClientConnection, iauname: str) -> Visit:
    """Open the page at a galaxy, and wait until it is drawn."""
    asked = BackMsg()
    asked.rerun_script.query_string = urlencode({"galaxy": iauname})
    start, problem, galleries = time.perf_counter(), "", 0
    await socket.send(asked.SerializeToString())
    async for data in socket:
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "delta":
            element = message.delta.new_element
            shown = element.WhichOneof("type")
            problem = problem or (str(element) if shown in PROBLEMS else "")
            galleries += shown == "bidi_component"
        elif kind == "script_finished":
            break
    return Visit(time.perf_counter() - start, problem or "" if galleries else "no gallery")


async def use(address: str, names: list[str], rng: random.Random, until: float) -> list[Visit]:
    """Visit one galaxy after the other; every visit is a new session, as of a new tab."""
    visits = []
    await asyncio.sleep(rng.uniform(0, LOOKING[1]))
    while time.monotonic() < until:
        async with connected(address) as socket:
            visits.append(await visit(socket, rng.choice(names)))
            await asyncio.sleep(rng.uniform(*LOOKING))
    return visits


def connected(address: str) -> websockets.connect:
    """Connect as the page in a browser does."""
    place = f"ws{address.removeprefix('http')}/_stcore/stream"
    return websockets.connect(place, subprotocols=["streamlit"], origin=address, max_size=None)


async def crowd(address: str, names: list[str], seconds: float) -> list[Visit]:
    """Let all users use the page for some time."""
    until = time.monotonic() + seconds
    users = [use(address, names, random.Random(user), until) for user in range(USERS)]
    return [one for visits in await asyncio.gather(*users) for one in visits]


async def watch_idle(address: str, server: psutil.Process, iauname: str) -> float:
    """Measure the share of a core that the server takes while a page is open and nobody acts."""
    async with connected(address) as socket:
        await visit(socket, iauname)
        await asyncio.sleep(5)  # until the last sessions are closed
        before = sum(server.cpu_times()[:2])
        await asyncio.sleep(IDLE)
        return (sum(server.cpu_times()[:2]) - before) / IDLE


def page_server() -> psutil.Process:
    """Find the page's server among the processes that this one has started."""
    below = psutil.Process().children(recursive=True)
    return next(one for one in reversed(below) if "workflow.app" in one.cmdline())


def main(*configfiles: str) -> None:
    """Measure, and print a table."""
    names = list(Survey(read_config(configfiles)).iaunames)
    command = ["make", "-o", "env", "app", f"CONFIG={' '.join(configfiles)}"]
    with served(command, ROOT) as (address, lines):
        server = page_server()
        asyncio.run(crowd(address, names, 20))  # so that everything is loaded
        memory = [server.memory_info().rss]
        visits, before = [], sum(server.cpu_times()[:2])
        for _ in range(2):
            visits += asyncio.run(crowd(address, names, SECONDS / 2))
            memory.append(server.memory_info().rss)
        work = (sum(server.cpu_times()[:2]) - before) / len(visits)
        idle = asyncio.run(watch_idle(address, server, names[0]))
    problems = [one.problem for one in visits if one.problem]
    errors = [line for line in lines if "Traceback" in line or "Error" in line]
    median, late, last = np.percentile([one.seconds for one in visits], [50, 95, 100])
    print(f"users                {USERS}, for {SECONDS} s, looking {LOOKING[0]} to {LOOKING[1]} s")
    print(f"answers              {len(visits)}, {len(problems)} with an error")
    print(f"seconds              median {median:.2f}, 95% {late:.2f}, slowest {last:.2f}")
    print(f"time of a core       {work:.2f} s for an answer")
    print(f"memory [MiB]         {', '.join(f'{size / 2**20:.0f}' for size in memory)}")
    print(f"an idle page         {100 * idle:.1f}% of a core")
    print(f"load average         {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("\n".join([*problems[:3], *errors[:3]]))


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["config/toy.yaml"]))
