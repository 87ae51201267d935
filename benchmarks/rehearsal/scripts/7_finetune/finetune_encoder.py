"""Instead of trainings: draw and check each run's split, and write drawn accuracies."""

import numpy as np

from benchmarks.rehearsal.stand_ins import accuracy_of
from workflow.lib.common.files import write_json
from workflow.lib.finetune.splits import draw_split, read_labels

wildcards, settings = snakemake.wildcards, snakemake.params.settings
_, known = read_labels(snakemake.input.labels)
for (size, repeat, seed), path in zip(snakemake.params.runs, snakemake.output, strict=True):
    split = draw_split(known, size=size, seed=seed, path=path, **settings["split"])
    sets = [set(rows.tolist()) for rows in (split.train, split.validation, split.test)]
    assert len(split.train) == size
    assert sum(map(len, sets)) == len(set().union(*sets)), "a galaxy is in two sets"
    for rows, share in [(split.validation, "validation_share"), (split.test, "test_share")]:
        assert 2 * known[rows].sum() == len(rows) == len(set(rows.tolist()))
        assert abs(len(rows) / 2 - settings["split"][share] * known.sum()) <= 1
    assert split.copies.max(initial=0) < settings["split"]["copies"]
    unique = np.unique(split.train)
    labelled, rng = int(known[unique].sum()), np.random.default_rng(seed)
    stages = ["scratch"] if wildcards.pretraining == "scratch" else ["frozen", "finetuned"]
    models = [
        {
            "stage": stage,
            "loss": rng.random(),
            "accuracy": accuracy_of(wildcards.pretraining, stage, labelled, rng),
            "epochs": 60,
            "best_epoch": 30,
            "seconds": 0.0025 * 60 * size,
        }
        for stage in stages
    ]
    sizes = {"train": len(split.train), "unique": len(unique), "labelled": labelled}
    write_json(
        {
            "task": wildcards.label,
            "pretraining": wildcards.pretraining,
            "depth": wildcards.depth,
            "size": size,
            "repeat": repeat,
            "weights": {"label": "drawn, not trained"} if len(models) == 2 else None,
            "galaxies": sizes | {"validation": len(split.validation), "test": len(split.test)},
            "models": models,
            "seconds": sum(model["seconds"] for model in models),
            "device": "none",
        },
        path,
    )
