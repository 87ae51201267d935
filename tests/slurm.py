"""A real Slurm on this machine, for tests: two nodes on the loopback address, one with a fake A100.

It needs Debian's packages slurm-wlm, munge, slurmdbd and mariadb-server, but not systemd. All files
are in one folder, except for links in /etc/slurm, where the steps of a job look for them.
"""

import contextlib
import os
import pwd
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.browser import free_port
from tests.project import goes_on

PROGRAMS = ["slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb-install-db"]
ETC = Path("/etc/slurm")
NODES = ("n1", "n2")
COLUMNS = ["JobID", "Partition", "State", "ReqTRES", "TimelimitRaw", "NodeList", "Comment"]

SLURM_CONF = """
ClusterName=toy
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[slurmctld]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
MpiDefault=none
SwitchType=switch/none
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=5
ReturnToService=2
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
OverTimeLimit=0
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={ports[slurmdbd]}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment,job_script
JobCompType=jobcomp/none
GresTypes=gpu
NodeName=n1 NodeAddr=127.0.0.1 Port={ports[n1]} {node}
NodeName=n2 NodeAddr=127.0.0.1 Port={ports[n2]} {node} Gres=gpu:a100:1
PartitionName=cpu Nodes=n1,n2 Default=YES MaxTime=1-0 State=UP
PartitionName=gpu Nodes=n2 MaxTime=1-0 State=UP
PartitionName=urgent Nodes=n1,n2 MaxTime=1-0 State=UP PriorityTier=2
"""
# More than the machine has, since jobs ask for as much as on a real cluster.
NODE = "NodeHostname=localhost CPUs=4 CoresPerSocket=4 RealMemory=128000"

GRES_CONF = "AutoDetect=off\nNodeName=n2 Name=gpu Type=a100 File=/dev/null\n"

SLURMDBD_CONF = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports[slurmdbd]}
SlurmUser={user}
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
"""

MY_CNF = """
[mariadbd]
datadir={folder}/mysql
socket={folder}/mysql.sock
pid-file={folder}/mariadbd.pid
user={user}
skip-networking
innodb_buffer_pool_size=64M
innodb_log_file_size=16M
innodb_lock_wait_timeout=900
innodb_flush_log_at_trx_commit=0
"""


class Job(NamedTuple):
    """A submission as Slurm's accounting lists it."""

    id: int
    partition: str
    state: str
    requested: dict[str, str]  # such as cpu, mem [MB], gres/gpu
    minutes: int  # the time limit
    node: str
    comment: str  # set by Snakemake: the rule or group, and the wildcards


def missing() -> str:
    """Return why Slurm cannot be started on this machine; empty if it can."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=_search_path())]
    if absent:
        return f"no Slurm on this machine ({', '.join(absent)})"
    if not os.access(ETC if ETC.exists() else ETC.parent, os.W_OK):
        return f"no Slurm on this machine ({ETC} cannot be written)"
    if (ETC / "slurm.conf").exists() and not (ETC / "slurm.conf").is_symlink():
        return f"{ETC} configures another Slurm"
    return ""


def _search_path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


class Cluster:
    """A running Slurm with the account `lab` and the partitions `cpu` (n1, n2) and `gpu` (n2).

    Jobs of a third partition, `urgent` (n1, n2), preempt those of the other two.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen] = {}
        self.environment = os.environ | {
            "PATH": _search_path(),
            "MYSQL_UNIX_PORT": f"{folder}/mysql.sock",
        }

    def start(self) -> None:
        """Write the configuration and start all daemons, in the order of their dependencies."""
        self._configure()
        self._start(
            "munged", "-F", "--force", f"--key-file={self.folder}/munge.key", *self._munge()
        )
        self._wait("munged", lambda: (self.folder / "munge.socket").exists())
        defaults = f"--defaults-file={self.folder}/my.cnf"
        self.run(
            "mariadb-install-db",
            defaults,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        self._start("mariadbd", defaults)
        self._wait(
            "mariadbd",
            lambda: self.succeeds("mariadb-admin", f"--socket={self.folder}/mysql.sock", "ping"),
        )
        self._start("slurmdbd", "-D")
        self._wait("slurmdbd", lambda: self.succeeds("sacctmgr", "-n", "list", "cluster"))
        self.run("sacctmgr", "-i", "add", "cluster", "toy")
        self.run("sacctmgr", "-i", "add", "account", "lab", "Description=lab", "Organization=lab")
        self.run("sacctmgr", "-i", "add", "user", _user(), "account=lab")
        self._start("slurmctld", "-D")
        for node in NODES:
            self.revive(node)

    def stop(self) -> None:
        """Stop all daemons, in reverse order."""
        for node in NODES:
            self._kill_steps(self._jobs_on(node))
        for process in reversed(self.processes.values()):
            process.terminate()
            process.wait()
        for name in self._files():
            (ETC / name).unlink(missing_ok=True)

    def revive(self, node: str) -> None:
        """Start a node, and wait until it accepts jobs."""
        self._start(node, "-D", "-N", node, program="slurmd")
        self._wait(node, lambda: self.run("sinfo", "-h", "-n", node, "-o", "%t").split()[0] in UP)

    def kill_node(self, node: str) -> None:
        """Kill a node as a power failure would, and mark it as down."""
        jobs = self._jobs_on(node)
        self.processes.pop(node).kill()
        self._kill_steps(jobs)
        self.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=killed")

    def preempt(self, job: Job, mode: str) -> None:
        """Preempt a job by an urgent one; `mode` is Slurm's PreemptMode, REQUEUE or CANCEL."""
        self.run("scontrol", "update", f"PartitionName={job.partition}", f"PreemptMode={mode}")
        self.run("sbatch", "--partition=urgent", f"--nodelist={job.node}", "--exclusive",
                 "--output=/dev/null", "--wrap=true")  # fmt: skip

    def jobs(self, *options: str) -> list[Job]:
        """Return all submissions so far, from the accounting."""
        text = self.run("sacct", "-X", "-P", "-n", "--units=M", "-S", "now-1day", *options,
                        f"--format={','.join(COLUMNS)}")  # fmt: skip
        return [_job(line.split("|", len(COLUMNS) - 1)) for line in text.splitlines()]

    def run(self, *command: str) -> str:
        """Run a command of Slurm and return its output."""
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        """Return whether a command succeeds."""
        done = subprocess.run(command, capture_output=True, env=self.environment)
        return done.returncode == 0

    def _files(self) -> dict[str, str]:
        return {"slurm.conf": SLURM_CONF, "gres.conf": GRES_CONF, "slurmdbd.conf": SLURMDBD_CONF}

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = {name: free_port() for name in ["slurmctld", "slurmdbd", *NODES]}
        for name in ["state", *(f"spool-{node}" for node in NODES)]:
            (self.folder / name).mkdir()
        for name, text in (self._files() | {"my.cnf": MY_CNF}).items():
            values = {"folder": self.folder, "user": _user(), "ports": ports, "node": NODE}
            (self.folder / name).write_text(text.format(**values))
            (self.folder / name).chmod(0o600)
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(1024))
        (self.folder / "munge.key").chmod(0o600)
        ETC.mkdir(exist_ok=True)
        for name in self._files():
            (ETC / name).unlink(missing_ok=True)
            (ETC / name).symlink_to(self.folder / name)

    def _munge(self) -> list[str]:
        names = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        return [f"--{option}={self.folder}/munge.{ending}" for option, ending in names.items()]

    def _start(self, name: str, *options: str, program: str | None = None) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [program or name, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.environment,
                start_new_session=True,
            )

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        while not ready():
            if not goes_on(self.processes[name]):
                out = (self.folder / f"{name}.out").read_text()
                raise AssertionError(f"{name} ended before it was ready\n{out}")

    def _jobs_on(self, node: str) -> set[str]:
        return set(self.run("squeue", "-h", "-w", node, "-o", "%A").split())

    def _kill_steps(self, jobs: set[str]) -> None:
        """Kill all processes of these jobs: the daemon of each step, and its children."""
        daemons = []
        for process in psutil.process_iter(["cmdline"]):
            found = re.match(r"slurmstepd: \[(\d+)\.", " ".join(process.info["cmdline"] or []))
            if found and found[1] in jobs:
                daemons.append(process)
        below = [process for daemon in daemons for process in daemon.children(recursive=True)]
        # The daemons first, otherwise they would report to the controller that the job failed.
        for process in [*daemons, *below]:
            _kill(process)


UP = {"idle", "mix", "alloc", "comp"}
"""The states of a working node, as abbreviated by `sinfo`."""


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _job(values: list[str]) -> Job:
    number, partition, state, requested, minutes, node, comment = values
    tres = dict(part.split("=") for part in requested.split(",") if part)
    return Job(int(number), partition, state, tres, int(minutes), node, comment)
