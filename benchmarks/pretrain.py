"""Training speed of EfficientNetB0 on a CPU, with and without keeping freed memory (KeepMemory).

Run ``.venv/bin/python benchmarks/pretrain.py`` on an otherwise idle machine. It runs both
alternately, each in its own process, with the settings of sky.yaml: views of 64 pixels in batches
of 64.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

TURNS, EPOCHS, IMAGES = 2, 3, 640


def turn(keep: bool) -> None:
    """Train for a few epochs; print the best epoch's images/s and page faults per image."""
    import resource

    import numpy as np
    import yaml

    from workflow.lib.common.name_seeds import name_keys
    from workflow.lib.network.encoder import random_encoder
    from workflow.lib.pretrain.training import (
        Batches,
        KeepMemory,
        Recipe,
        build_pretraining_head,
        build_trainee,
    )

    recipe = {}
    for name in ("config", "toy", "sky"):
        config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
        recipe |= config["pretraining"]["recipe"]
    rows = np.arange(IMAGES)
    images = np.random.default_rng(1).integers(0, 256, (IMAGES, 86, 86, 1), np.uint8)
    keys = name_keys([str(row) for row in rows])
    how = Recipe(**recipe)
    batches = Batches(images, rows % 2, keys, rows, crop=64, recipe=how, seed=1, train=True)
    head = build_pretraining_head(1280, 2, "softmax", how)
    loss = "sparse_categorical_crossentropy"
    model = build_trainee(random_encoder(64, 1), head, 86, loss, how)
    # The first epoch, in which TensorFlow compiles the step, does not count.
    found = []
    for epoch in range(EPOCHS):
        batches.start(epoch + 1)
        began, faults = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        model.fit(batches, verbose=0, shuffle=False, callbacks=[KeepMemory()] if keep else [])
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        found.append((IMAGES / (time.perf_counter() - began), faults / IMAGES))
    print(*max(found[1:]))


def main() -> None:
    """Print the best turn of each kind and their ratio."""
    best = {"kept": (0.0, 0.0), "not kept": (0.0, 0.0)}
    for _ in range(TURNS):
        for kind in best:
            command = [sys.executable, __file__, kind]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            best[kind] = max(best[kind], tuple(map(float, done.stdout.split())))
    print("| memory | images/s | page faults an image |\n|---|---:|---:|")
    for kind, (speed, faults) in best.items():
        print(f"| {kind} | {speed:.0f} | {faults:.0f} |")
    print(f"ratio: {best['kept'][0] / best['not kept'][0]:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        turn(sys.argv[1] == "kept")
    else:
        main()
