"""Speed of fine-tuning: ours, an equivalent plain Keras fit, and Keras's bare training steps.

Run ``.venv/bin/python benchmarks/finetune.py``. On made-up images, for each size of the training
set and both stages, it prints images/s of three methods, measured alternately in one process:

ours
    `network.Network`, as the workflow uses it, with its validation after each epoch.
fit
    ``model.fit`` on a tf.data pipeline that shuffles, draws a new view of each image and
    prefetches, with validation after each epoch.
bare
    ``train_on_batch`` repeatedly on one batch, without pipeline and validation: the limit for a
    step that Keras compiles and, in the frozen stage, that passes through the encoder each time.

Then it prints the seconds of a whole run (both stages, from a fresh network to the score) by the
first two methods, with the same numbers of epochs. Given the folder of a finished grid
(``results/toy/7_finetune/ring``), it prints only these seconds, for the first repeat of the
encoder `all`, with the numbers of epochs that its runs took.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import keras
import numpy as np
import tensorflow as tf

from workflow.lib.finetune.backend import on_device
from workflow.lib.finetune.classifier import Classifier, build_classifier_head, cut, mark_trainable
from workflow.lib.finetune.galaxies import Galaxies, Part
from workflow.lib.finetune.network import FinetuningSettings, Network
from workflow.lib.network.devices import policy, use_threads
from workflow.lib.network.encoder import build_encoder, random_encoder, save_encoder
from workflow.lib.network.views import Views, apply_views

HEAD = {"units": [64, 64], "dropout": 0.75, "standardise": False}
STAGES = {"frozen": 1e-3, "finetuned": 1e-5}
VALIDATION = 64
"""Number of galaxies to validate on, and of those to test on."""


def galaxies_of(size: int, pixels: int) -> Galaxies:
    """Make up images and labels."""
    rng = np.random.default_rng(size)
    count = size + 2 * VALIDATION
    images = rng.integers(0, 255, (count, pixels, pixels, 1), np.uint8)
    labels = rng.random(count) < 0.5
    edges = [0, size, size + VALIDATION, count]
    parts = [
        Part(np.arange(*edge), labels[slice(*edge)], np.arange(*edge).astype(np.uint64))
        for edge in pairwise(edges)
    ]
    return Galaxies(on_device(images), *parts)


class Training(NamedTuple):
    """Size and length of a whole run."""

    size: int
    epochs: Mapping[str, int]
    """Of each stage."""


def as_long(size: int, options: argparse.Namespace) -> Training:
    """Train for equally many epochs in both stages, on at least `options.images` images."""
    return Training(size, dict.fromkeys(STAGES, max(1, options.images // size)))


def settings_of(run: Training, options: argparse.Namespace) -> FinetuningSettings:
    """Train for exactly the given number of epochs in each stage."""
    stages = {
        stage: {
            "learning_rate": rate,
            "images_seen": run.epochs[stage] * run.size,
            "patience": {"part": 1, "least": run.epochs[stage], "most": run.epochs[stage]},
            "keep": "best",
        }
        for stage, rate in STAGES.items()
    }
    return FinetuningSettings(
        options.crop, {}, HEAD, options.batch, stages, options.frozen_views, options.passes, 0.99,
        options.precision,
    )  # fmt: skip


def plain_network(
    weights: Path, options: argparse.Namespace, stage: str, depth: str = "all"
) -> Classifier:
    """Build the network for Keras to train."""
    with policy(options.precision):
        encoder = build_encoder(options.crop)
        encoder.load_weights(weights)
        lower, upper = cut(encoder, depth)
    if lower is not None:
        lower.trainable = False
    mark_trainable(upper, scratch=False, momentum=0.99)
    if stage == "frozen":
        encoder.trainable = False
    model = Classifier(encoder, build_classifier_head(1280, seed=1, **HEAD), scratch=False)
    model.compile(
        keras.optimizers.Adam(STAGES[stage]), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    return model


def pipeline(
    part: Part, images: np.ndarray, options: argparse.Namespace, train: bool
) -> tf.data.Dataset:
    """Give batches of views; in training, new ones each epoch."""
    pixels, crop = images.shape[1], options.crop

    def look(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.shape(image)[0]
        turn, x, y, left, top = tf.unstack(tf.random.uniform((5, count)))
        views = Views(
            turn * 2 * np.pi,
            tf.cast(x < 0.5, tf.float32),
            tf.cast(y < 0.5, tf.float32),
            tf.cast(left * (pixels - crop + 1), tf.int32),
            tf.cast(top * (pixels - crop + 1), tf.int32),
        )
        return apply_views(image, views, crop), label

    labels = part.labels[:, None].astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((images[part.rows], labels))
    if train:
        data = data.shuffle(min(len(labels), 10_000))
    data = data.batch(options.batch).map(look, tf.data.AUTOTUNE)
    return (data if train else data.cache()).prefetch(tf.data.AUTOTUNE)


def seconds(work: Callable[[], object]) -> float:
    """Time a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(
    size: int, weights: Path, options: argparse.Namespace
) -> list[tuple[str, float, float, float]]:
    """Give images/s of the three ways for each stage."""
    galaxies = galaxies_of(size, options.pixels)
    images = np.asarray(galaxies.images)
    run = as_long(size, options)
    how, epochs = settings_of(run, options), run.epochs["frozen"]
    network = Network(weights, "all", how, images.shape)
    with tempfile.TemporaryDirectory() as folder:
        network.settings = settings_of(Training(size, dict.fromkeys(STAGES, 1)), options)
        network.run(galaxies, 1, Path(folder))  # compiles
    network.settings = how
    plain, data = {}, {}
    for stage in STAGES:
        plain[stage] = plain_network(weights, options, stage)
        data[stage] = (
            pipeline(galaxies.train, images, options, train=True),
            pipeline(galaxies.validation, images, options, train=False),
        )
        plain[stage].fit(data[stage][0], validation_data=data[stage][1], verbose=0)
    batch = next(iter(data["frozen"][0]))
    for model in plain.values():
        model.train_on_batch(*batch)  # compiles
    rates: dict[str, list[list[float]]] = {stage: [[], [], []] for stage in STAGES}
    for _ in range(options.turns):
        with tempfile.TemporaryDirectory() as folder:
            models = network.run(galaxies, 1, Path(folder))
        for model in models:
            rates[model["stage"]][0].append(epochs * size / model["seconds"])
        for stage in STAGES:
            train, held = data[stage]
            fit = seconds(
                lambda stage=stage, train=train, held=held: plain[stage].fit(
                    train, validation_data=held, epochs=epochs, verbose=0
                )
            )
            rates[stage][1].append(epochs * size / fit)
            steps = max(2, min(epochs * size, options.images) // len(batch[1]))
            bare = seconds(
                lambda stage=stage, steps=steps: [
                    plain[stage].train_on_batch(*batch) for _ in range(steps)
                ]
            )
            rates[stage][2].append(steps * len(batch[1]) / bare)
    return [(stage, *(max(each) for each in found)) for stage, found in rates.items()]


def whole_runs(
    runs: Sequence[Training], depth: str, weights: Path, options: argparse.Namespace
) -> tuple[float, float]:
    """Give the seconds of whole runs, compiling included, by ours and by fit."""
    data = [galaxies_of(run.size, options.pixels) for run in runs]

    def ours() -> None:
        network = None
        for run, galaxies in zip(runs, data, strict=True):
            how = settings_of(run, options)
            network = network or Network(weights, depth, how, galaxies.images.shape)
            network.settings = how
            with tempfile.TemporaryDirectory() as folder:
                network.run(galaxies, 1, Path(folder))

    def fit() -> None:
        for run, galaxies in zip(runs, data, strict=True):
            images = np.asarray(galaxies.images)
            train = pipeline(galaxies.train, images, options, train=True)
            held, test = (
                pipeline(part, images, options, train=False)
                for part in (galaxies.validation, galaxies.test)
            )
            for stage in STAGES:
                model = plain_network(weights, options, stage, depth)
                model.fit(train, validation_data=held, epochs=run.epochs[stage], verbose=0)
                for _ in range(options.passes):
                    model.evaluate(test, verbose=0)

    return seconds(ours), seconds(fit)


def grid_of(folder: Path) -> dict[str, list[Training]]:
    """Read, for each depth, the runs of the first repeat of a finished grid's encoder `all`."""
    found: dict[str, list[Training]] = {}
    for path in sorted(folder.glob("all/*/n*_r0.json")):
        run = json.loads(path.read_text())
        epochs = {model["stage"]: model["epochs"] for model in run["models"]}
        found.setdefault(run["depth"], []).append(Training(run["size"], epochs))
    if not found:
        raise SystemExit(f"{folder}: no finished runs of 'all'")
    return found


def print_grid(weights: Path, options: argparse.Namespace) -> None:
    """Measure whole runs of a finished grid."""
    print("seconds of whole runs\n\n| depth | runs | ours | fit | fit / ours |")
    print("|---|---:|---:|---:|---:|", flush=True)
    totals = np.zeros(2)
    for depth, runs in grid_of(options.grid).items():
        spent = whole_runs(runs, depth, weights, options)
        totals += spent
        print(f"| {depth} | {len(runs)} | {spent[0]:.1f} | {spent[1]:.1f} "
              f"| {spent[1] / spent[0]:.2f} |", flush=True)  # fmt: skip
    print(f"| in all | | {totals[0]:.1f} | {totals[1]:.1f} | {totals[1] / totals[0]:.2f} |")


def print_speeds(weights: Path, options: argparse.Namespace) -> None:
    """Measure both stages, and whole runs."""
    print("images/s, the best of each way\n")
    print("| size | stage | ours | fit | bare | ours / fit | ours / bare |")
    print("|---:|---|---:|---:|---:|---:|---:|", flush=True)
    for size in options.sizes:
        for stage, ours, fit, bare in measure(size, weights, options):
            print(
                f"| {size} | {stage} | {ours:.0f} | {fit:.0f} | {bare:.0f} "
                f"| {ours / fit:.2f} | {ours / bare:.2f} |",
                flush=True,
            )
    print("\nseconds of a whole run\n\n| size | ours | fit | fit / ours |\n|---:|---:|---:|---:|")
    for size in options.sizes:
        ours, fit = whole_runs([as_long(size, options)], "all", weights, options)
        print(f"| {size} | {ours:.1f} | {fit:.1f} | {fit / ours:.2f} |", flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("grid", type=Path, nargs="?", help="folder of a finished grid")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 512, 8192])
    parser.add_argument("--pixels", type=int, default=86, help="side of the stored images")
    parser.add_argument("--crop", type=int, default=64, help="side of the network's view")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--images", type=int, default=1024, help="minimum of images to train on")
    parser.add_argument("--frozen-views", type=int, help="views used in turn; new ones if none")
    parser.add_argument("--passes", type=int, default=1, help="views of each galaxy to test on")
    parser.add_argument("--precision", default="mixed_bfloat16", help="on a GPU")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    use_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "encoder.weights.h5"
        save_encoder(random_encoder(options.crop, 1), weights, label="", training=None, seed=1)
        if options.grid:
            print_grid(weights, options)
        else:
            print_speeds(weights, options)


if __name__ == "__main__":
    main()
