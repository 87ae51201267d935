"""Pretraining on votes: an epoch of EfficientNetB0."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace as Case
from typing import Any

from benchmarks.contest import ROOT, Table, call, contest, instead, limit, ours
from benchmarks.galaxies import read_grey, write_images
from benchmarks.zoobot_parts import catalogue, load_torchvision, views
from workflow.lib.network.devices import keep_freed_memory

SIZES = {
    # The simulated sky's training, and the paper's.
    "full": [
        {"images": 1280, "network": 86, "crop": 64, "batch": 64},
        {"images": 256, "network": 300, "crop": 224, "batch": 64},
    ],
    "small": [{"images": 256, "network": 86, "crop": 64, "batch": 64}],
    "tiny": [{"images": 4, "network": 72, "crop": 64, "batch": 2}],
}


def prepare(case: Case) -> None:
    """Write JPEGs, and the same images as training reads them."""
    import numpy as np

    folder = Path(case.folder)
    write_images(folder / "images", case.images, case.network, "jpg")
    np.save(folder / "images.npy", read_grey(folder / "images", case.network))


def _training(case: Case) -> tuple[Any, Any]:
    """Build the network to train, and its batches."""
    keep_freed_memory()

    import keras
    import numpy as np

    from workflow.lib.common.name_seeds import name_keys
    from workflow.lib.network.encoder import random_encoder
    from workflow.lib.planning.config import read_config
    from workflow.lib.pretrain.loss import vote_loss
    from workflow.lib.pretrain.training import (
        Batches,
        Recipe,
        build_pretraining_head,
        build_trainee,
    )
    from workflow.lib.pretrain.votes import question_slices

    settings = read_config([ROOT / "config/toy.yaml", ROOT / "config/sky.yaml"])["pretraining"]
    recipe = Recipe(**settings["recipe"] | {"batch_size": case.batch})
    places = question_slices(settings["questions"])
    answers = max(place.stop for place in places.values())
    images = np.load(f"{case.folder}/images.npy", mmap_mode="r")
    rows = np.arange(len(images))
    counts = np.random.default_rng(1).integers(1, 20, (len(images), answers)).astype(np.float32)
    batches = Batches(
        images, counts, name_keys(list(map(str, rows))), rows,
        crop=case.crop, recipe=recipe, seed=1, train=True,
    )  # fmt: skip
    low, high = settings["concentrations"]
    head = build_pretraining_head(
        1280, answers, lambda values: low + (high - low) * keras.ops.sigmoid(values), recipe
    )
    loss = vote_loss(places.values())
    return build_trainee(random_encoder(case.crop, 1), head, case.network, loss, recipe), batches


def epoch(case: Case) -> Callable:
    """Train for an epoch, as stage 3 does."""
    (model, batches), epochs = _training(case), count(1)

    def turn() -> None:
        batches.start(next(epochs))
        model.fit(batches, verbose=0, shuffle=False)

    return turn


def zoobot(case: Case) -> Callable:
    """Train Zoobot for an epoch by Lightning, with its own transformation and data loader."""
    load_torchvision()
    import lightning
    import numpy as np
    from galaxy_datasets.pytorch.galaxy_datamodule import CatalogDataModule
    from zoobot.pytorch.estimators.define_model import ZoobotTree
    from zoobot.shared.schemas import decals_dr5_ortho_schema as schema

    table = catalogue(Path(case.folder, "images"))
    table[schema.label_cols] = np.random.default_rng(1).integers(
        1, 20, (len(table), len(schema.label_cols))
    )
    # As in its own `train_default_zoobot_from_scratch`.
    model = ZoobotTree(
        len(schema.label_cols), schema.question_answer_pairs, schema.dependencies,
        architecture_name="efficientnet_b0", channels=1, test_time_dropout=True,
    )  # fmt: skip
    data = CatalogDataModule(
        schema.label_cols, views(case.crop, train=True), views(case.crop, train=False),
        train_catalog=table, val_catalog=table, batch_size=case.batch, num_workers=2,
    )  # fmt: skip

    def turn() -> None:
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=1, gradient_clip_val=0.3, limit_val_batches=0,
            logger=False, enable_checkpointing=False,
        )  # fmt: skip
        trainer.fit(model, data)

    return turn


def steps(case: Case) -> Callable:
    """Train as many steps on one batch in memory; a step takes the views of its images."""
    import keras

    model, batches = _training(case)
    inputs, counts = keras.tree.map_structure(keras.ops.convert_to_tensor, batches[0])

    def turn() -> None:
        for _ in range(len(batches)):
            model.train_on_batch(inputs, counts)

    return turn


def run(folder: Path, size: list[dict], turns: int) -> Iterator[Table]:
    """Compare epochs."""
    for number, each in enumerate(size):
        place = folder / str(number)
        place.mkdir()
        case = {"folder": str(place), **each}
        call(prepare, case)
        yield contest(
            f"Pretrain, an epoch of {each['images']} images, views of {each['crop']} pixels",
            [ours(epoch), instead(zoobot, package="zoobot"), limit(steps, 0.95)], case, turns,
            items=each["images"], unit="images",
        )  # fmt: skip
