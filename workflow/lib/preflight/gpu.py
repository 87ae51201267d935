"""`snakemake gpu_check`: how fast a GPU trains and embeds, and what the plan's hours become.

Keras is imported in the function that measures: the other one runs where Snakemake runs.
"""

import copy
import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow.lib.common.files import write_json
from workflow.lib.planning.cost import LOOKS, Cost
from workflow.lib.planning.plan import dry_run, plan, planned_jobs

log = logging.getLogger(__name__)

BATCHES = 20
"""Batches that are timed, after a first one that compiles."""


def measure_gpu(config: Mapping[str, Any], measured: str | Path) -> None:
    """Train and embed a little, on images of noise with the sizes of the configuration.

    Parameters
    ----------
    config
        The whole configuration.
    measured
        JSON to write: the device, the precision of training, whether XLA compiles it, and images/s
        of training and of embedding.
    """
    import keras
    import numpy as np

    from workflow.lib.common.name_seeds import name_keys
    from workflow.lib.network.devices import count_gpus, device_name
    from workflow.lib.network.encoder import load_encoder, random_encoder, save_encoder
    from workflow.lib.network.forward import represent_batch
    from workflow.lib.pretrain.loss import vote_loss
    from workflow.lib.pretrain.training import (
        Batches,
        Recipe,
        all_gpus,
        build_pretraining_head,
        build_trainee,
    )
    from workflow.lib.pretrain.votes import question_slices

    pretraining, representation = config["pretraining"], config["representation"]
    recipe, questions = Recipe(**pretraining["recipe"]), pretraining["questions"]
    size, crop = config["cutouts"]["network_size"], representation["crop_size"]
    slices = question_slices(questions)
    answers = max(place.stop for place in slices.values())
    low, high = pretraining["concentrations"]
    rng = np.random.default_rng(representation["seed"])

    def noise(count: int) -> np.ndarray:
        return rng.integers(0, 256, (count, size, size, 1), np.uint8)

    names = [str(number) for number in range(recipe.batch_size * BATCHES)]
    batches = Batches(
        noise(recipe.batch_size), rng.integers(1, 20, (recipe.batch_size, answers)).astype("f4"),
        name_keys(names[: recipe.batch_size]), np.arange(len(names)) % recipe.batch_size,
        crop=crop, recipe=recipe, seed=1, train=True,
    )  # fmt: skip
    with all_gpus(recipe):
        encoder = random_encoder(crop, 1)
        head = build_pretraining_head(
            encoder.output_shape[-1], answers,
            lambda values: low + (high - low) * keras.ops.sigmoid(values), recipe,
        )  # fmt: skip
        model = build_trainee(encoder, head, size, vote_loss(slices.values()), recipe)

    def fit() -> None:
        model.fit(batches, verbose=0, shuffle=False)

    log.info("compiling")
    batches.order = batches.rows[: recipe.batch_size]
    fit()
    batches.order = batches.rows
    trained = recipe.batch_size * BATCHES / _seconds(fit)
    log.info("training: %.0f images/s", trained)

    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "encoder.weights.h5"
        save_encoder(encoder, weights, label="", training=None, seed=1)
        folded, _ = load_encoder(weights, crop)
    images, galaxies = noise(representation["batch_size"]), names[: representation["batch_size"]]

    def embed(number: int = BATCHES) -> None:
        for _ in range(number):
            represent_batch(folded, images, galaxies, 1, 1)

    embed(1)
    embedded = len(galaxies) * BATCHES / _seconds(embed)
    log.info("embedding: %.0f images/s", embedded)
    found = {
        "device": device_name(),
        "backend": f"Keras {keras.__version__} on {keras.backend.backend()}",
        "precision": recipe.precision if count_gpus() else "float32",
        "xla": bool(model.jit_compile),
        "trained": trained,
        "embedded": embedded,
    }
    write_json(found, measured)


def _seconds(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def print_gpu(config: Mapping[str, Any], measured: str | Path, snakemake: Sequence[str]) -> None:
    """Print what was measured, beside what the plan assumes; parameters as for `plan.print_plan`.

    Parameters
    ----------
    measured
        By `measure_gpu`.
    """
    found = json.loads(Path(measured).read_text())
    jobs = planned_jobs(dry_run(config, snakemake))
    ours = at_speed(config, found["trained"], found["embedded"])
    planned, becomes = (
        sum(row.gpu_hours for row in plan(jobs, Cost(settings))) for settings in (config, ours)
    )
    cost = config["cost"]
    xla = "compiled by XLA" if found["xla"] else "without XLA"
    lines = [
        ("device", f"{found['device']}, {found['backend']}, {found['precision']}, {xla}"),
        ("training", _beside(found["trained"], 1 / cost["trained_image"])),
        ("embedding", _beside(found["embedded"], 1 / cost["rules"]["embed_cutouts"]["seconds"])),
        ("GPU hours", f"{planned:,.1f} by the plan, {becomes:,.1f} at this speed"),
    ]
    print("\n".join(f"{name:11}{value}" for name, value in lines))


def _beside(found: float, assumed: float) -> str:
    return f"{found:,.0f} images/s; the plan assumes {assumed:,.0f}"


def at_speed(config: Mapping[str, Any], trained: float, embedded: float) -> dict[str, Any]:
    """Put measured images/s of training and of embedding into the estimates of a configuration."""
    config = copy.deepcopy(dict(config))
    config["cost"]["trained_image"] = 1 / trained
    for rule in LOOKS:
        config["cost"]["rules"][rule]["seconds"] = 1 / embedded
    return config
