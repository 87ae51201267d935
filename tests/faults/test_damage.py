"""Damage to files: noticed by name, remade or refused; it never becomes a number in a figure."""

import os
import random
import re
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from tests.project import ROOT
from workflow.lib.common.checksums import check, intact, record_path
from workflow.lib.common.errors import UserError
from workflow.lib.network.unfinished import load_arrays, save_arrays

pytestmark = pytest.mark.thorough

RESULTS = "results/toy"
TABLE = f"{RESULTS}/8_figures/table_1.csv"
FILLED = """
from workflow.lib.common.logs import log_to
log_to({log!r})
import numpy as np
import pandas as pd
from workflow.lib.common.files import atomic_path, write_text
from workflow.lib.common.tables import write_parquet
from workflow.lib.cutouts.shards import create_array
from workflow.lib.network.unfinished import save_arrays
path, numbers = {path!r}, np.random.default_rng(0).random(2**17)
{write}
"""
WRITES = {
    "table.csv": "write_text('0' * 2**20, path)",
    "table.parquet": "write_parquet(pd.DataFrame({'x': numbers}), path)",
    "state.npz": "save_arrays({'x': numbers}, path)",
    "images.npy": "with atomic_path(path) as file: create_array(file, (2**20,))[:] = 1",
}


@pytest.fixture(scope="module")
def copy(finished, tmp_path_factory):
    """A copy of the finished project; tests leave it as it was."""
    return finished.copied(tmp_path_factory.mktemp("damage") / "morphoflow")


@pytest.fixture(scope="module")
def made(copy):
    """All files of the results."""
    files = (copy.folder / RESULTS).glob("[0-9]_*/**/*")
    return sorted(path for path in files if path.is_file() and not path.name.startswith("."))


def kinds(files):
    """Give one file of each kind: digits, tasks and surveys do not make another kind."""
    names = "decals|gz2|" + "|".join({path.parent.name for path in files})
    return {re.sub(rf"\d+|{names}", "#", str(path)): path for path in files}.values()


@contextmanager
def restored(path):
    """Give a file's bytes; at the end they and its times are as before, so that no job runs again.

    A disk that damages a file changes no times either.
    """
    whole, times = path.read_bytes(), path.stat()
    try:
        yield whole
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


# What every file and every job has


def test_each_job_first_checks_its_inputs():
    for script in (ROOT / "scripts").rglob("*.py"):
        lines = script.read_text().splitlines()
        code = [line for line in lines[1:] if line and not line.startswith(("from", "import", "#"))]
        assert code[0] == "start_job(snakemake.log[0], snakemake.input)", script


def test_every_result_has_a_record_that_sha256sum_accepts(copy, made):
    assert len(made) > 100
    unrecorded = [path for path in made if not record_path(path).exists()]
    assert not unrecorded
    (command,) = re.findall(r"```bash\n(cd .*)\n```", (ROOT / "docs/reliability.md").read_text())
    assert copy.sh(command) == ""  # quiet: a damaged file would be named
    with restored(made[0]) as whole:
        made[0].write_bytes(whole + b"0")
        assert f"{made[0].name}: FAILED" in copy.sh(command, check=False)


def test_a_flipped_bit_and_a_cut_are_noticed_in_each_file(made):
    draw = random.Random(1)
    for path in made:
        with restored(path) as whole:
            bit = draw.randrange(8 * len(whole))
            flipped = bytearray(whole)
            flipped[bit // 8] ^= 1 << bit % 8
            message = re.escape(f"{path}: not as the workflow wrote it")
            for damaged in (bytes(flipped), whole[: bit // 8], b""):
                path.write_bytes(damaged)
                with pytest.raises(UserError, match=message):
                    check(path)
        check(path)


def test_a_file_of_another_survey_task_or_galaxy_is_noticed_in_each_kinds_place(made):
    """With its record too, as when a folder is copied over another."""
    for path in kinds(made):
        whole, record = path.read_bytes(), record_path(path)
        others = [
            other
            for other in made
            if other.suffix == path.suffix and other != path and other.read_bytes() != whole
        ]
        for other in others[:2]:
            with restored(path), restored(record):
                path.write_bytes(other.read_bytes())
                with pytest.raises(UserError, match="another file in its place"):
                    check(path)
                record.write_text(record_path(other).read_text())
                message = f"the workflow wrote it as .*{other.name}; delete"
                with pytest.raises(UserError, match=message):
                    check(path)
        check(path)


# In a run


def test_another_tasks_scores_do_not_enter_table_1(copy):
    scores = sorted((copy.folder / RESULTS).glob("6_anomaly/*/scores.csv"))
    place, other = scores[:2]
    table, right = (copy.folder / TABLE).read_bytes(), place.read_bytes()
    shutil.copy(other, place)
    output = copy.toy(f"--force {TABLE} --allowed-rules tabulate_scores", check=False)
    assert f"error: {place.relative_to(copy.folder)}: not as the workflow wrote it" in output
    assert not (copy.folder / TABLE).exists()  # no number, and not the old one as if it were new
    place.unlink()
    copy.toy(TABLE)
    assert place.read_bytes() == right
    assert (copy.folder / TABLE).read_bytes() == table


@pytest.mark.parametrize(
    ("damaged", "target"),
    [
        ("3_pretrain/all/encoder.weights.h5", "4_represent/decals/all/shards/0-of-2.parquet"),
        ("4_represent/decals/all/representation.parquet", "4_represent/decals/all/pca15.parquet"),
        ("2_cutouts/decals/0-of-2.parquet", "8_figures/figure_1.png"),
        ("1_catalogue/decals.parquet", "5_similarity/decals/all/neighbours.parquet"),
    ],
)
def test_a_job_refuses_a_damaged_input_by_name(copy, damaged, target):
    path = copy.folder / RESULTS / damaged
    rule = f"--force {RESULTS}/{target} --rerun-triggers mtime"
    with restored(path) as whole:
        times = path.stat()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 16
        path.write_bytes(flipped)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        output = copy.toy(rule, check=False)
    assert f"error: {RESULTS}/{damaged}: not as the workflow wrote it" in output
    assert "Traceback" not in output
    copy.toy(rule)


def test_a_vanished_input_is_made_anew(copy):
    candidates = next((copy.folder / RESULTS).glob("6_anomaly/*/candidates.parquet"))
    whole = candidates.read_bytes()
    candidates.unlink()
    copy.toy(str(candidates.relative_to(copy.folder)))
    assert candidates.read_bytes() == whole


def test_damaged_unfinished_training_is_started_anew(tmp_path, caplog):
    state = tmp_path / "7_finetune/ring/n1_r0.training-0123/frozen.npz"
    save_arrays({"weights": np.zeros(1000)}, state)
    assert intact(state)
    damaged = bytearray(state.read_bytes())
    damaged[5000] ^= 1
    state.write_bytes(damaged)
    assert not intact(state)
    assert "made anew" in caplog.text
    save_arrays({"weights": np.ones(1000)}, state)
    assert load_arrays(state)["weights"].sum() == 1000


# Disks


def filling(path, log):
    """Give a command that writes a file of 1 MiB as a job does."""
    code = FILLED.format(log=str(log), path=str(path), write=WRITES[path.name])
    return [sys.executable, "-c", code]


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def mounted(folder, command, options):
    """Give a shell command that mounts a small disk of its own on `folder`, without being root."""
    mount = f"mount -t tmpfs -o {options} tmpfs {folder}"
    script = f'{mount} && {{ "$@"; code=$?; ls -A {folder}/6_anomaly 2>/dev/null; exit $code; }}'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *command]


@pytest.fixture
def disk(tmp_path):
    """A folder to mount a disk on; the test is skipped where users may not mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if run(mounted(folder, ["true"], "size=64k")).returncode:
        pytest.skip("this machine lets no user mount a disk (unshare --user --mount)")
    return folder


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("size=512k", "no space is left on the disk; free some, and run again"),
        ("ro", "the disk can only be read; set 'pathvars.results' to one that can be written"),
    ],
)
def test_a_full_or_read_only_disk_is_one_line_and_leaves_no_file(
    disk, tmp_path, name, options, message
):
    command = filling(disk / "6_anomaly" / name, tmp_path / "job.log")
    job = run(mounted(disk, command, options))
    assert job.returncode == 1, job.stderr
    assert job.stderr.startswith("error: ")
    assert message in job.stderr
    assert job.stderr.count("\n") == 1
    assert job.stdout == ""  # the folder is empty: neither a file, nor a record, nor a rest


@pytest.mark.parametrize("name", WRITES)
def test_a_file_beyond_the_users_limit_is_one_line_and_leaves_no_file(tmp_path, name):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, 2**19))

    job = run(filling(tmp_path / "6_anomaly" / name, tmp_path / "job.log"), preexec_fn=limit)
    assert job.returncode == 1, job.stderr
    assert "larger than the disk or `ulimit -f` allows" in job.stderr
    assert job.stderr.count("\n") == 1
    assert not list((tmp_path / "6_anomaly").iterdir())
