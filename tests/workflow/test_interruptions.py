"""A killed workflow loses no finished work and leaves no incomplete file that looks complete."""

import os
import re
import signal
import subprocess

SHARD = "results/toy/2_cutouts/decals/1-of-3.parquet"


def test_a_killed_shard_resumes_after_its_finished_parts(finished, branch):
    folder = (branch.folder / SHARD).parent
    (branch.folder / SHARD).unlink()
    command = f".venv/bin/snakemake --configfile config/toy.yaml --cores 1 {SHARD}"
    run = subprocess.Popen(
        command.split(),
        cwd=branch.folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (parts := list(folder.glob("1-of-3.parquet.parts-*/part-*.parquet"))):
        assert run.poll() is None, "the shard was complete before it could be killed"
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (branch.folder / SHARD).exists()

    branch.toy("--unlock")
    branch.toy(SHARD)
    log = (branch.folder / "logs/toy/2_cutouts/fetch_cutouts/decals/1-of-3.log").read_text()
    assert int(re.search(r"resuming after (\d+) finished parts", log)[1]) >= len(parts)
    assert (branch.folder / SHARD).read_bytes() == (finished.folder / SHARD).read_bytes()
    assert not list(folder.glob("*.parts-*"))
