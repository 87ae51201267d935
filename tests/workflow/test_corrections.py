"""The corrections of Snakemake: its scheduler looks at the jobs only when it has a reason."""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.thorough

SNAKEFILE = """
include: "{corrections}"
rule all:
    input: expand("made/{{n}}", n=range(12))
rule one:
    output: "made/{{n}}"
    shell: "{python} -c 'import pandas' && touch {{output}}"
"""


def looks_of_a_run(folder, *options):
    """Run 12 jobs of about a second; give how often the scheduler looked at those that are left."""
    corrections = ROOT / "workflow/rules/corrections.smk"
    (folder / "Snakefile").write_text(
        SNAKEFILE.format(corrections=corrections, python=sys.executable)
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--scheduler", "greedy", "--verbose",
         *options],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(list((folder / "made").iterdir())) == 12
    return len(re.findall("^Ready jobs: ", done.stderr, re.M))


def test_a_job_that_ended_does_not_make_the_scheduler_look_every_second(tmp_path):
    assert looks_of_a_run(tmp_path) <= 2 * 12  # about 40 without the correction


def test_the_scheduler_looks_again_if_it_could_not_start_all_jobs_at_once(tmp_path):
    assert looks_of_a_run(tmp_path, "--max-jobs-per-timespan", "1/1s") >= 12
