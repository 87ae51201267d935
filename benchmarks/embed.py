"""Embedding: from images on disk to a file of representations."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace as Case
from typing import Any

from benchmarks.contest import Table, call, contest, instead, limit, ours
from benchmarks.galaxies import write_images, write_shard
from benchmarks.zoobot_parts import catalogue, encoder, load_torchvision, views
from workflow.lib.network.devices import keep_freed_memory

SIZES = {
    # The paper's images, and as many as in one of its 200 shards.
    "full": {"images": 1528, "side": 424, "network": 300, "crop": 224, "batch": 128},
    "small": {"images": 256, "side": 424, "network": 300, "crop": 224, "batch": 64},
    "tiny": {"images": 8, "side": 96, "network": 72, "crop": 64, "batch": 4},
}


def prepare(case: Case) -> None:
    """Write JPEGs, the shard of the same images, and an encoder."""
    from workflow.lib.network.encoder import random_encoder, save_encoder

    folder = Path(case.folder)
    write_images(folder / "images", case.images, case.side, "jpg")
    write_shard(folder, case.side, case.network)
    weights = folder / "encoder.weights.h5"
    save_encoder(random_encoder(case.crop, 1), weights, label="", training=None, seed=1)


# A faster precision on a CPU (bfloat16, int8) would be one more contestant beside this one. It may
# replace it where representations stay within 1e-2 and the 50 nearest agree to 99%.
def embed_shard(case: Case) -> Callable:
    """Embed the shard, as stage 4 does."""
    keep_freed_memory()

    from workflow.lib.network.encoder import load_encoder
    from workflow.lib.represent.embed import embed_with

    weights = f"{case.folder}/encoder.weights.h5"
    encoder, _ = load_encoder(weights, case.crop)
    return lambda: embed_with(
        encoder, f"{case.folder}/shard.parquet", f"{case.folder}/ours.parquet",
        batch_size=case.batch, seed=1, views=1, origin=weights,
    )  # fmt: skip


def keras_predict(case: Case) -> Callable:
    """Predict with plain Keras, over a tf.data pipeline from JPEGs."""
    import keras
    import numpy as np
    import tensorflow as tf

    model = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=(case.crop, case.crop, 1), pooling="avg"
    )

    def read(path: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        grey = tf.reduce_mean(tf.cast(image, tf.float32), axis=-1, keepdims=True)
        return tf.image.resize(grey, (case.crop, case.crop))

    def turn() -> None:
        files = tf.data.Dataset.list_files(f"{case.folder}/images/*.jpg", shuffle=False)
        data = files.map(read, tf.data.AUTOTUNE).batch(case.batch).prefetch(tf.data.AUTOTUNE)
        np.save(f"{case.folder}/keras.npy", model.predict(data, verbose=0))

    return turn


def zoobot(case: Case) -> Callable:
    """Predict with Zoobot, with its own transformation and data loader."""
    load_torchvision()
    from zoobot.pytorch.predictions.predict_on_catalog import predict
    from zoobot.pytorch.training.finetune import FinetuneableZoobotClassifier

    model = FinetuneableZoobotClassifier(num_classes=2, encoder=encoder())

    def turn() -> None:
        predict(
            catalogue(Path(case.folder, "images")), model, f"{case.folder}/zoobot.csv",
            ["yes", "no"], inference_transform=views(case.crop, train=False),
            datamodule_kwargs={"batch_size": case.batch, "num_workers": 2},
            trainer_kwargs={"accelerator": "cpu", "logger": False},
        )  # fmt: skip

    return turn


def forward_pass(case: Case) -> Callable:
    """Pass images in memory through the network alone, with its normalisation folded."""
    keep_freed_memory()

    import numpy as np

    from workflow.lib.network.encoder import build_encoder
    from workflow.lib.network.fold_batchnorm import fold_normalisation

    network = build_encoder(case.crop)
    fold_normalisation(network)
    shape = (case.batch, case.crop, case.crop, 1)
    images = np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)

    def turn() -> None:
        for _ in range(math.ceil(case.images / case.batch)):
            network.predict_on_batch(images)

    return turn


def run(folder: Path, size: dict, turns: int) -> Iterator[Table]:
    """Compare one shard after the other, then whole processes."""
    case = {"folder": str(folder), **size}
    call(prepare, case)
    what = f"{size['images']} images, network of {size['crop']} pixels"
    entered = [ours(embed_shard), instead(keras_predict), instead(zoobot, package="zoobot")]
    yield contest(
        f"Embed, {what}, everything loaded", [*entered, limit(forward_pass, 0.95)], case, turns,
        items=size["images"], unit="images",
    )  # fmt: skip
    entered[2] = instead(zoobot, 1.3, package="zoobot")
    yield contest(
        f"Embed, {what}, whole processes", entered, case, turns,
        items=size["images"], unit="images", fresh=True,
    )  # fmt: skip
