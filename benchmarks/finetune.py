"""Fine-tuning a classifier of rings: its two stages, and whole runs."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace as Case
from typing import Any

import numpy as np

from benchmarks.contest import Table, call, contest, instead, limit, ours
from benchmarks.galaxies import read_grey, write_images, write_shard
from benchmarks.zoobot_parts import catalogue, encoder, load_torchvision, views
from workflow.lib.network.devices import keep_freed_memory

SIZES = {
    # The simulated sky's stages, and a run of the paper's training-set size 438.
    "full": {
        "sizes": [8, 512], "pixels": 86, "crop": 64, "seen": 1024,
        "whole": {
            "train": 438, "side": 424, "pixels": 300, "crop": 224, "epochs": 2, "batch": 64,
        },
    },
    "small": {
        "sizes": [8, 64], "pixels": 86, "crop": 64, "seen": 128,
        "whole": {"train": 64, "side": 86, "pixels": 86, "crop": 64, "epochs": 2, "batch": 64},
    },
    "tiny": {
        "sizes": [4], "pixels": 72, "crop": 64, "seen": 4,
        "whole": {"train": 16, "side": 72, "pixels": 72, "crop": 64, "epochs": 1, "batch": 16},
    },
}  # fmt: skip
"""`seen`: images that a stage trains on, in whole epochs. Whole runs train in batches of Zoobot's
default size: with `BATCH`, at 224 pixels, ours took 21 GB on one CPU, more than 24 on another."""

STAGES = {"frozen": 1e-3, "finetuned": 1e-5}
HEAD = {"units": [64, 64], "dropout": 0.75, "standardise": False}
BATCH = 256
"""Batch size of the comparison of stages: that of the authors' code."""
HELD = 64
"""Number of galaxies to validate on, and to test on, in the comparison of stages."""


def save_random_encoder(case: Case) -> None:
    """Write an encoder to start from."""
    from workflow.lib.network.encoder import random_encoder, save_encoder

    weights = Path(case.folder, "encoder.weights.h5")
    save_encoder(random_encoder(case.crop, 1), weights, label="", training=None, seed=1)


def _settings(case: Case, epochs: dict[str, int]) -> dict[str, Any]:
    """Give settings to train for exactly so many epochs in each stage."""
    stages = {
        stage: {
            "learning_rate": rate,
            "images_seen": epochs[stage] * case.train,
            "patience": {"part": 1, "least": epochs[stage], "most": epochs[stage]},
            "keep": "best",
        }
        for stage, rate in STAGES.items()
    }
    return {
        "crop_size": case.crop, "head": HEAD, "batch_size": case.batch, "stages": stages,
        "split": {"validation_share": 0.1, "test_share": 0.2, "copies": 1},
        "frozen_views": None, "test_passes": 1, "momentum": 0.99, "precision": "mixed_bfloat16",
    }  # fmt: skip


def _galaxies(case: Case) -> Any:
    """Make up images and labels."""
    from workflow.lib.finetune.backend import on_device
    from workflow.lib.finetune.galaxies import Galaxies, Part

    rng = np.random.default_rng(1)
    edges = [0, case.train, case.train + HELD, case.train + 2 * HELD]
    images = rng.integers(0, 255, (edges[-1], case.pixels, case.pixels, 1), np.uint8)
    parts = [
        Part(np.arange(*edge), rng.random(edge[1] - edge[0]) < 0.5, np.arange(*edge, dtype="u8"))
        for edge in pairwise(edges)
    ]
    return Galaxies(on_device(images), *parts)


def stage(case: Case) -> Callable:
    """Train one stage, as stage 7 does, with its validation after each epoch."""
    keep_freed_memory()

    from workflow.lib.finetune.network import FinetuningSettings, Network

    galaxies = _galaxies(case)
    # The other stage, which comes with it, is short and not counted.
    epochs = dict.fromkeys(STAGES, 1) | {case.stage: case.epochs}
    how = FinetuningSettings(**_settings(case, epochs))
    network = Network(f"{case.folder}/encoder.weights.h5", "all", how, galaxies.images.shape)

    def turn() -> dict[str, float]:
        with TemporaryDirectory() as folder:
            models = network.run(galaxies, 1, Path(folder))
        (seconds,) = (model["seconds"] for model in models if model["stage"] == case.stage)
        return {"seconds": seconds}

    return turn


def _plain(case: Case, stage: str) -> Any:
    """Build the same network for Keras to train."""
    import keras

    from workflow.lib.finetune.classifier import Classifier, build_classifier_head, mark_trainable
    from workflow.lib.network.encoder import build_encoder

    base = build_encoder(case.crop)
    base.load_weights(f"{case.folder}/encoder.weights.h5")
    mark_trainable(base, scratch=False, momentum=0.99)
    if stage == "frozen":
        base.trainable = False
    model = Classifier(base, build_classifier_head(1280, seed=1, **HEAD), scratch=False)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(STAGES[stage]), loss)
    return model


def _pipeline(images: np.ndarray, labels: np.ndarray, case: Case, train: bool) -> Any:
    """Give batches of views by tf.data; in training, new ones each epoch."""
    import tensorflow as tf

    from workflow.lib.network.views import Views, apply_views

    room = images.shape[1] - case.crop + 1

    def look(image: Any, label: Any) -> tuple[Any, Any]:
        turn, x, y, left, top = tf.unstack(tf.random.uniform((5, tf.shape(image)[0])))
        flips = (tf.cast(side < 0.5, tf.float32) for side in (x, y))
        corner = (tf.cast(place * room, tf.int32) for place in (left, top))
        return apply_views(image, Views(turn * 2 * np.pi, *flips, *corner), case.crop), label

    data = tf.data.Dataset.from_tensor_slices((images, labels[:, None].astype(np.float32)))
    data = data.shuffle(len(labels)) if train else data
    data = data.batch(case.batch).map(look, tf.data.AUTOTUNE)
    return (data if train else data.cache()).prefetch(tf.data.AUTOTUNE)


def fit(case: Case) -> Callable:
    """Call `model.fit` on a tf.data pipeline, with validation after each epoch."""
    galaxies = _galaxies(case)
    images, model = np.asarray(galaxies.images), _plain(case, case.stage)
    train, held = (
        _pipeline(images[part.rows], part.labels, case, part is galaxies.train)
        for part in (galaxies.train, galaxies.validation)
    )
    return lambda: model.fit(
        train, validation_data=held, epochs=case.epochs, verbose=0
    ) and None  # fmt: skip


def steps(case: Case) -> Callable:
    """Train as many steps on one batch of views in memory, without validation."""
    keep_freed_memory()

    galaxies = _galaxies(case)
    images, model = np.asarray(galaxies.images), _plain(case, case.stage)
    data = _pipeline(images[galaxies.train.rows], galaxies.train.labels, case, train=True)
    batch = next(iter(data))

    def turn() -> None:
        for _ in range(max(1, case.epochs * case.train // len(batch[1]))):
            model.train_on_batch(*batch)

    return turn


def prepare_whole(case: Case) -> None:
    """Write JPEGs with labels, the split of our run, and an encoder."""
    import pandas as pd

    from workflow.lib.finetune.splits import draw_split

    folder = Path(case.folder)
    # 30% are set aside of each class, the rest is trained on.
    count = 2 * -(-case.train * 10 // 14)
    write_images(folder / "images", count, case.side, "jpg")
    labels = pd.read_csv(folder / "galaxies.csv").assign(label=np.arange(count) % 2 == 0)
    labels.to_csv(folder / "labels.csv", index=False)
    shares = _settings(case, dict.fromkeys(STAGES, 1))["split"]
    known = labels["label"].to_numpy()
    split = draw_split(known, size=case.train, seed=1, path="labels", **shares)
    np.savez(folder / "split.npz", **split._asdict(), labels=known)
    save_random_encoder(case)


def whole_run(case: Case) -> Callable:
    """Fine-tune as stages 2 and 7 do: both stages, scored."""
    keep_freed_memory()

    from workflow.lib.cutouts.shards import gather_images
    from workflow.lib.finetune.run import SeededRun, finetune

    folder = Path(case.folder)
    settings = _settings(case, dict.fromkeys(STAGES, case.epochs))

    def turn() -> None:
        shard = write_shard(folder, case.side, case.pixels)
        gather_images([shard], folder / "images.npy", folder / "names.csv")
        finetune(
            [SeededRun(case.train, 0, 1, folder / "run.json")],
            folder / "images.npy", folder / "labels.csv", folder / "encoder.weights.h5",
            task="ring", survey="decals", pretraining="all", depth="all", settings=settings,
        )  # fmt: skip

    return turn


def whole_fit(case: Case) -> Callable:
    """Fine-tune by `model.fit` in both stages, as long, and score each."""

    def turn() -> None:
        images = read_grey(Path(case.folder, "images"), case.pixels)
        split = np.load(f"{case.folder}/split.npz")
        train, held, test = (
            _pipeline(images[split[part]], split["labels"][split[part]], case, part == "train")
            for part in ("train", "validation", "test")
        )
        for stage in STAGES:
            model = _plain(case, stage)
            model.fit(train, validation_data=held, epochs=case.epochs, verbose=0)
            model.evaluate(test, verbose=0)

    return turn


def zoobot(case: Case) -> Callable:
    """Fine-tune all layers by Zoobot's trainer, for as many epochs as one of our two stages."""
    load_torchvision()
    from galaxy_datasets.pytorch.galaxy_datamodule import CatalogDataModule
    from zoobot.pytorch.training.finetune import FinetuneableZoobotClassifier, get_trainer

    table = catalogue(Path(case.folder, "images"))
    split = np.load(f"{case.folder}/split.npz")
    table["label"] = split["labels"].astype(int)

    def turn() -> None:
        parts = {
            f"{name}_catalog": table.iloc[split[part]].reset_index(drop=True)
            for name, part in [("train", "train"), ("val", "validation"), ("test", "test")]
        }
        data = CatalogDataModule(
            ["label"], views(case.crop, train=True), views(case.crop, train=False), **parts,
            batch_size=case.batch, num_workers=2,
        )  # fmt: skip
        model = FinetuneableZoobotClassifier(num_classes=2, encoder=encoder(), prog_bar=False)
        trainer = get_trainer(
            case.folder, max_epochs=case.epochs, patience=case.epochs, accelerator="cpu",
            logger=_logger(case),
        )  # fmt: skip
        trainer.fit(model, data)
        trainer.test(model, data)

    return turn


def _logger(case: Case) -> Any:
    # Its trainer monitors the learning rate, for which Lightning wants a logger.
    from lightning.pytorch.loggers import CSVLogger

    return CSVLogger(save_dir=case.folder)


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Compare both stages for each size, then whole runs."""
    shared = {"folder": str(folder), "pixels": size["pixels"], "crop": size["crop"]}
    call(save_random_encoder, shared)
    for train in size["sizes"]:
        for stage_name in STAGES:
            epochs = max(1, size["seen"] // train)
            case = {**shared, "train": train, "epochs": epochs, "batch": BATCH}
            yield contest(
                f"Fine-tune {train} galaxies, {stage_name} stage, {epochs} epochs",
                [ours(stage), instead(fit), limit(steps, 0.95)], case | {"stage": stage_name},
                turns, items=epochs * train, unit="images",
            )  # fmt: skip
    place = folder / "whole"
    place.mkdir()
    case = {"folder": str(place), **size["whole"]}
    call(prepare_whole, case)
    yield contest(
        f"Fine-tune {case['train']} galaxies, whole runs of {case['epochs']} epochs a stage",
        [ours(whole_run), instead(whole_fit, 4), instead(zoobot, 3, package="zoobot")],
        case, turns, fresh=True,
    )  # fmt: skip
