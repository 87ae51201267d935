"""What a run needs of the machine: space on its disks, GPUs, and partitions of a cluster."""

import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

PROFILE = "slurm/profile.v9+.yaml"


def disk_problems(needed: Mapping[str, float]) -> Iterator[str]:
    """Compare the space that a run needs with the space that is free.

    Parameters
    ----------
    needed
        Bytes by folder, which may not exist yet. Folders on one disk are added up.
    """
    disks: dict[int, list[str]] = {}
    for folder in needed:
        disks.setdefault(_existing(folder).stat().st_dev, []).append(folder)
    for folders in disks.values():
        need = sum(needed[folder] for folder in folders)
        free = shutil.disk_usage(_existing(folders[0])).free
        if need > free:
            yield (
                f"{', '.join(folders)}: the run needs about {need / 1e9:,.1f} GB, and the disk has "
                f"{free / 1e9:,.1f} GB free; free some, or name other folders in 'pathvars'"
            )


def count_gpus() -> int:
    """Count the NVIDIA GPUs of this machine, without the seconds that TensorFlow would take."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    except OSError:
        return 0
    return done.stdout.count("GPU ") if done.returncode == 0 else 0


def slurm_problems(accounts: Collection[str], asked: Collection[tuple[str, str]]) -> Iterator[str]:
    """Check the accounts, partitions and GPUs that jobs ask Slurm for.

    Parameters
    ----------
    accounts
        Of the jobs.
    asked
        Partitions, each with the GPU that is asked for, such as ``gpu:a100:``, or an empty text.
    """
    if "EDIT" in accounts:
        yield f"{PROFILE}: slurm_account is still EDIT; set it to your account"
    for partition, gpu in sorted(asked):
        done = subprocess.run(
            ["sinfo", "--noheader", f"--partition={partition}", "--format=%G"],
            capture_output=True,
            text=True,
        )
        yield from partition_problems(partition, gpu, done.stdout)


def partition_problems(partition: str, gpu: str, offered: str) -> Iterator[str]:
    """Check one partition, from what ``sinfo --format=%G`` prints: lines such as gpu:a100:4."""
    if not offered.strip():
        yield f"{PROFILE}: Slurm has no partition '{partition}'; change 'slurm_partition'"
    elif gpu not in offered:
        have = ", ".join(sorted(set(offered.split())))
        yield (
            f"{PROFILE}: no '{gpu.strip(':')}' in partition '{partition}' (it has {have}); change "
            "'gpu_model' or 'slurm_partition'"
        )


def _existing(folder: str) -> Path:
    return next(path for path in [Path(folder).absolute(), *Path(folder).absolute().parents]
                if path.exists())  # fmt: skip
