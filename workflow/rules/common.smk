# Shared by all stages: the checked configuration, wildcard constraints, the hash of a rule's code,
# and the names of a survey's shards.
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from workflow.lib.common.errors import UserError
from workflow.lib.planning.anomaly_tasks import check_shown, every_task, experiments, read_tasks
from workflow.lib.planning.code_hash import script_digest
from workflow.lib.planning.config import check_config, read_file
from workflow.lib.planning.cost import Cost
from workflow.lib.planning.file_stamps import users_stamp
from workflow.lib.planning.grid import shard_names

try:
    for path in filter(os.path.exists, workflow.configfiles):
        read_file(path)  # Snakemake takes the last of a key that is given twice
    check_config(config)
    known = config["surveys"], config["anomalies"]["methods"]
    SHOWN_TASKS = read_tasks(config["anomalies"]["tasks"], *known)
    check_shown(SHOWN_TASKS, config["figures"]["anomalies"], config["figures"]["show"])
    TASKS = every_task(config)
except UserError as error:
    raise WorkflowError(str(error)) from None

EXPERIMENTS = experiments(TASKS, SHOWN_TASKS)
# For rules that plan: their conda environments do not have Snakemake.
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
# Snakemake puts the path of Python into shell commands as it is, so one with a blank must be quoted.
if Path(sys.executable).exists():
    sys.executable = shlex.quote(sys.executable)
COST = Cost(config)
SURVEYS = config["surveys"]
SHOWN = config["figures"]["survey"]
IN_FIGURES = sorted({SHOWN, *config["figures"]["pca"]["surveys"]})
PRETRAINING = config["pretraining"]["shown"]


wildcard_constraints:
    survey="|".join(SURVEYS),
    shard=r"\d+-of-\d+",
    pretraining="[a-z0-9-]+",
    components=r"\d+",
    repeat=r"\d+",


def code_of(script, without=()):
    """Hash a script and all modules that it imports, except those that a use goes `without`.

    Rules have the hash as a param, so that an edit reruns them. Listing the modules as inputs would
    add ten files per job and slow planning.
    """
    return f"{script} {script_digest(script, without)}"


def each_shard(pattern, survey, **wildcards):
    """List a file for each shard of a survey."""
    names = shard_names(SURVEYS[survey]["shards"])
    return expand(pattern, survey=survey, shard=names, **wildcards)


def one_of(names):
    """Make a wildcard constraint that matches these names only; without names, nothing."""
    return "|".join(sorted(names)) or "(?!)"
