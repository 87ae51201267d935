"""All fine-tuned models in one table, and the time they took (paper Sec. 4.2.3, 4.3)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.lib.common.files import write_text


def tabulate(runs: Sequence[str | Path], models: str | Path, costs: str | Path) -> None:
    """Gather the runs of a task.

    Parameters
    ----------
    runs
        By `run.finetune`.
    models
        CSV to write, one row per model: task, pretraining, depth, stage (frozen, finetuned or
        scratch), size, repeat, unique and labelled (number of galaxies in the training set, and
        of those with the label), loss and accuracy on the test set, epochs, best_epoch, seconds
        of training, and label (the encoder's).
    costs
        CSV to write, one row per pretraining, depth, size and device: number of runs, mean seconds
        of a run, hours of all.
    """
    results = [json.loads(Path(path).read_text()) for path in runs]
    table = pd.DataFrame([row for result in results for row in _rows(result)])
    write_text(table.to_csv(index=False), models)
    times = pd.DataFrame(results)[["pretraining", "depth", "size", "device", "seconds"]]
    grouped = times.groupby(["pretraining", "depth", "size", "device"], sort=False)["seconds"]
    taken = grouped.agg(runs="size", seconds="mean", hours=lambda each: each.sum() / 3600)
    write_text(taken.reset_index().to_csv(index=False, float_format="%.5g"), costs)


def _rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    run = {name: result[name] for name in ("task", "pretraining", "depth")}
    galaxies = {name: result["galaxies"][name] for name in ("unique", "labelled")}
    return [
        run
        | {"stage": model["stage"], "size": result["size"], "repeat": result["repeat"]}
        | galaxies
        | {name: model[name] for name in ("loss", "accuracy", "epochs", "best_epoch", "seconds")}
        | {"label": result["weights"]["label"] if result["weights"] else ""}
        for model in result["models"]
    ]
