"""Names that the configuration expands into: shards, repeats and runs of the fine-tuning grid.

Every job imports this module, so it imports nothing heavy.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

FIGURE_SAMPLES = {"figure_1": "all", "figure_A1": "featured", "figure_A2": "spiral"}
"""The umap sample that each representation figure shows (Figs. 1, A1 and A2)."""

STAND_IN = "stand-in"
"""Written instead of a path to weights: train on procedural pictures."""


def shard_names(count: int) -> list[str]:
    """Name the `count` shards of a survey.

    The name includes the count, so that old and new shards never mix.

    Examples
    --------
    >>> shard_names(10)[:2]
    ['00-of-10', '01-of-10']
    """
    width = len(str(count))
    return [f"{index:0{width}d}-of-{count}" for index in range(count)]


def parse_shard(name: str) -> tuple[int, int]:
    """Read the index and the count from a shard's name.

    Examples
    --------
    >>> parse_shard("03-of-10")
    (3, 10)
    """
    index, count = name.split("-of-")
    return int(index), int(count)


TENSORS = (".safetensors", ".bin", ".pt", ".pth")
"""Endings of files with the weights of PyTorch's networks."""


def weights_file(path: str) -> str:
    """Name the file of given weights; a TensorFlow checkpoint may be given by its prefix.

    Examples
    --------
    >>> weights_file("zoobot/checkpoint")
    'zoobot/checkpoint.index'
    >>> weights_file("efficientnetb0_notop.h5")
    'efficientnetb0_notop.h5'
    """
    return path if path.endswith((".h5", ".index", *TENSORS)) else f"{path}.index"


def has_network(given: str | Mapping[str, Any]) -> bool:
    """Tell whether an entry of `pretraining.weights` is an encoder, not a table of representations.

    Examples
    --------
    >>> has_network({"representation": "dino.parquet"})
    False
    """
    return isinstance(given, str)


def given_table(given: Mapping[str, Any], survey: str) -> str:
    """Name the table with the representations of a survey's galaxies.

    Examples
    --------
    >>> given_table({"representation": "dino_{survey}.parquet"}, "gz2")
    'dino_gz2.parquet'
    """
    return given["representation"].replace("{survey}", survey)


def catalogue_tables(catalogue: Mapping[str, Any]) -> dict[str, str]:
    """Give the tables that a survey's catalogue is made from, by key.

    Examples
    --------
    >>> catalogue_tables({"table": "labels.csv", "id_column": "id"})
    {'table': 'labels.csv'}
    """
    return {
        key: path for key, path in catalogue.items() if not key.endswith(("_column", "_columns"))
    }


def image_archives(images: Mapping[str, Any]) -> list[str]:
    """List the folders and zips that a survey's images come from; none for other sources.

    Examples
    --------
    >>> image_archives({"source": "directory", "path": "images.zip"})
    ['images.zip']
    """
    path = images.get("path", []) if images["source"] == "directory" else []
    return [path] if isinstance(path, str) else list(path)


def task_of(pretraining: Mapping[str, Any], name: str) -> str:
    """Name the task whose questions a pretraining learns: its own, or that of a final one.

    Examples
    --------
    >>> task_of({"finals": {"final": "all"}}, "final")
    'all'
    """
    return pretraining["finals"].get(name, name)


def compared_encoders(config: Mapping[str, Any]) -> list[str]:
    """List the encoders and tables of representations that `snakemake compare` compares.

    By default, they are random weights, the pretrainings that are made or shown, and all tables; a
    final pretraining is left out, since no galaxy was held out of its training.
    """
    pretraining, wanted = config["pretraining"], config["compare"]["encoders"]
    if wanted is not None:
        return wanted
    weights = pretraining["weights"]
    tables = [name for name, given in weights.items() if not has_network(given)]
    named = dict.fromkeys(["random", *pretraining["made"], pretraining["shown"], *tables])
    return [name for name in named if name in weights or name not in pretraining["finals"]]


def predicts_votes(pretraining: Mapping[str, Any], name: str) -> bool:
    """Tell whether the encoder `name` comes with a head: it is given, or trained on votes."""
    weights, trained = pretraining["weights"], {*pretraining["tasks"], *pretraining["finals"]}
    if name in weights:
        return has_network(weights[name]) and weights[name] != STAND_IN
    return name in trained


def repeat_names(count: int) -> list[str]:
    """Name the `count` repeats of an experiment.

    Examples
    --------
    >>> repeat_names(15)[-1]
    '14'
    """
    return [f"{number:0{len(str(count - 1))}d}" for number in range(count)]


SCRATCH = "scratch"
"""Written instead of a pretraining's name: networks that fine-tuning starts from random weights."""

DEPTHS = ("top", "block7+", "block6+", "block5+", "block4+", "all")
"""How deep fine-tuning goes, from the output down (paper Sec. 4.2.1)."""

FROZEN = "frozen"
"""Written instead of a depth: only a head is trained, on representations, without their network."""

FINETUNING_FIGURES = ("figure_7", "figure_8", "figure_9")
"""The figures that compare fine-tuned models (Figs. 7 to 9)."""

PAPER_RUNS = 1500
"""Training runs of the paper's fine-tuning grid (Sec. 4.2.3); fewer mean a reduced grid."""


class FinetuningRun(NamedTuple):
    """One training run of the fine-tuning grid (paper Sec. 4.2)."""

    pretraining: str
    depth: str
    size: int
    repeat: int

    @property
    def models(self) -> int:
        """Number of models that it gives: two (frozen and fine-tuned), or one of either."""
        return 1 if self.pretraining == SCRATCH or self.depth == FROZEN else 2

    @property
    def path(self) -> str:
        """Path of its results within those of a task.

        Examples
        --------
        >>> FinetuningRun("all", "block6+", 21, 3).path
        'all/block6+/n21_r3'
        """
        return f"{self.pretraining}/{self.depth}/n{self.size}_r{self.repeat}"

    def seed(self, seed: int, task: str) -> int:
        """Derive the run's own seed, below 2**32; each run has its own split (paper Sec. 4.2.2)."""
        named = f"{seed} {task} {self.path}"
        return int.from_bytes(hashlib.sha256(named.encode()).digest()[:4], "little")


def finetuning_runs(finetune: Mapping[str, Any]) -> list[FinetuningRun]:
    """Expand the configuration's `finetune` into its runs."""
    return [
        FinetuningRun(pretraining, depth, size, repeat)
        for pretraining, depths in finetune["depths"].items()
        for depth in depths
        for size in finetune["sizes"]
        for repeat in range(finetune["repeats"])
    ]


def predicting_run(finetune: Mapping[str, Any]) -> FinetuningRun:
    """Give the run whose classifier is applied to whole surveys.

    Without a size of its own it learns from the largest of all training sets.
    """
    chosen = finetune["predict"]
    size = max(finetune["sizes"]) if chosen["size"] is None else chosen["size"]
    return FinetuningRun(chosen["pretraining"], chosen["depth"], size, chosen["repeat"])


def predicted_surveys(finetune: Mapping[str, Any]) -> list[str]:
    """List the surveys to which that classifier is applied; unless given, that of its label."""
    given = finetune["predict"]["surveys"]
    return [finetune["labels"][finetune["task"]]["survey"]] if given is None else list(given)
